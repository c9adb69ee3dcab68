"""The top of the page: name, checkpoint picker, light or dark, and a menu for files."""

import html
from collections.abc import Callable

import gradio as gr

from animegen_core.errors import AnimeGenError, quote
from animegen_core.ui.components import asset
from animegen_core.ui.messages import warn
from animegen_core.ui.studios import Studios


class Header:
    """Builds the header inside the current Blocks.

    Attributes:
        checkpoint: State, the name of the visitor's checkpoint, which is loaded.
        picked: State that changes when the visitor chooses a checkpoint, but not when a restored description does.
        picker: Dropdown of checkpoints.
        embed: Checkbox, whether files contain their description.
        restore: UploadButton for a file with a description.
    """

    def __init__(self, studios: Studios) -> None:
        self.studios = studios
        self.checkpoint = gr.State(studios.default)
        self.picked = gr.State(0)
        with gr.Row(elem_id="header"):
            gr.HTML(f"<h1>{asset('mark.svg')}<span>AnimeGen</span></h1>", elem_id="masthead", padding=False)
            self.picker = gr.Dropdown(
                [(studios.title(name), name) for name in sorted(studios.names, key=len)],  # Enter takes the first that fits
                value=studios.default,
                label="Checkpoint, or a Hub id (user/name)" if studios.hub else "Checkpoint",
                allow_custom_value=True,
                elem_id="checkpoint",
            )
            gr.HTML(asset("header_tools.html"), elem_id="header-tools", padding=False)
            with gr.Column(elem_id="menu"):
                self.restore = gr.UploadButton(
                    "Restore from a file",
                    size="md",
                    file_types=[".png", ".gif", ".webp", ".mp4", ".jpg", ".jpeg"],
                    elem_id="restore",
                )
                gr.HTML("<p class='info-text'>Or drop a picture or film of the studio anywhere on the page.</p>", padding=False)
                self.embed = gr.Checkbox(
                    True,
                    label="Describe files",
                    info="Saved files contain what restores them: seed, settings and checkpoint.",
                    elem_id="embed",
                    container=False,
                )
        self.picks(self.picker.input, self.picker)

    def picks(self, event: Callable, choice: gr.Component | None = None, choose: Callable[[], str] | None = None) -> None:
        """Let an event choose the checkpoint: the value of a component, or the result of a function."""

        def pick(current: str, picked: int, wish: str | None = None) -> tuple[str, str, int]:
            """The chosen checkpoint after it is loaded, or the earlier one if loading fails."""
            name = (wish if choose is None else choose()) or ""
            if name.strip() not in self.studios.names and self.studios.hub:
                gr.Info(f"Looking for {html.escape(quote(name.strip()), quote=False)} on the Hugging Face Hub.")
            try:
                self.studios.get(name.strip())
            except AnimeGenError as error:
                warn(error)
                return current, current, picked
            return name.strip(), name.strip(), picked + 1

        inputs = [self.checkpoint, self.picked, *([choice] if choice else [])]
        event(pick, inputs, [self.checkpoint, self.picker, self.picked], api_visibility="private", show_progress="hidden")

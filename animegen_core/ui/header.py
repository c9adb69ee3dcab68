"""The top of the page: name, checkpoint picker, and what concerns all files."""

import html
from collections.abc import Callable

import gradio as gr

from animegen_core.errors import AnimeGenError, quote
from animegen_core.ui.messages import warn
from animegen_core.ui.studios import Studios


class Header:
    """Lays the header out inside the current Blocks and wires it.

    Attributes:
        checkpoint: State, the name of the visitor's checkpoint; it has been opened.
        picked: State that changes when the visitor has chosen another one, and not when a restored description has.
        picker: Dropdown in which the visitor chooses it.
        embed: Checkbox, whether files carry their description.
        restore: UploadButton for a file whose description is to be restored.
    """

    def __init__(self, studios: Studios) -> None:
        self.studios = studios
        self.checkpoint = gr.State(studios.default)
        self.picked = gr.State(0)
        with gr.Row(elem_id="header", equal_height=True):
            gr.HTML(
                "<h1>AnimeGen</h1><p>Invent anime faces. Every face is a seed: lock it, note it, come back to it.</p>",
                elem_id="masthead",
                min_width=280,
                scale=1,
            )
            self.picker = gr.Dropdown(
                sorted(studios.names, key=len),  # Enter takes the first that holds what is typed: its own before longer names
                value=studios.default,
                label="Checkpoint, or a Hub id as in user/name" if studios.hub else "Checkpoint",
                allow_custom_value=True,
                elem_id="checkpoint",
                min_width=230,
                scale=1,
            )
            with gr.Column(min_width=170, scale=0, elem_id="files"):
                self.restore = gr.UploadButton(
                    "Restore from a file",
                    size="sm",
                    file_types=[".png", ".gif", ".webp", ".mp4", ".jpg", ".jpeg"],
                    elem_id="restore",
                )
                self.embed = gr.Checkbox(True, label="Describe files", elem_id="embed", container=False)
        self.picks(self.picker.input, self.picker)

    def picks(self, event: Callable, choice: gr.Component | None = None, choose: Callable[[], str] | None = None) -> None:
        """Let an event choose the checkpoint: that in a component, or that which a function names."""

        def pick(current: str, picked: int, wish: str | None = None) -> tuple[str, str, int]:
            """The chosen checkpoint once it is open; the one before where it cannot be."""
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

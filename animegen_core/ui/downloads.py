"""Buttons that make a file when they are clicked, and hand it over at once."""

from collections.abc import Callable

import gradio as gr

# The link's address has changed in the page a moment after the event is over.
_FETCH = "() => setTimeout(() => document.querySelector('#{}').click(), 60)"


class LazyDownload:
    """A button whose file is made at the click.

    Gradio's own download button hands over a file that lies ready; this puts one out of sight behind a plain button.
    """

    def __init__(self, label: str, elem_id: str, **options: object) -> None:
        self._label = label
        self.button = gr.Button(label, size="md", elem_id=elem_id, **options)
        # Out of sight by the style sheet, as "hidden" ends when a column around it is shown again.
        self._link = gr.DownloadButton(label, elem_id=f"{elem_id}-file", elem_classes="unseen")

    def makes(self, make: Callable, inputs: list) -> None:
        """``make`` is called with the inputs' values and returns the file's path; until then the button says so."""
        quiet = dict(api_visibility="private", show_progress="hidden")
        made = self.button.click(self._wait, None, self.button, queue=False, **quiet).then(make, inputs, self._link, **quiet)
        made.success(None, None, None, js=_FETCH.format(self._link.elem_id))
        made.then(self._ready, None, self.button, queue=False, **quiet)

    @staticmethod
    def _wait() -> gr.Button:
        return gr.Button("Preparing ...", interactive=False)

    def _ready(self) -> gr.Button:
        return gr.Button(self._label, interactive=True)

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
        self.button = gr.Button(label, size="md", elem_id=elem_id, **options)
        self._link = gr.DownloadButton(label, visible="hidden", elem_id=f"{elem_id}-file")

    def makes(self, make: Callable, inputs: list) -> None:
        """``make`` is called with the inputs' values and returns the file's path."""
        made = self.button.click(make, inputs, self._link, api_visibility="private")
        made.success(None, None, None, js=_FETCH.format(self._link.elem_id))

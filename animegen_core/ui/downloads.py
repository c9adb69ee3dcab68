"""Buttons that create and download a file at the click."""

from collections.abc import Callable

import gradio as gr

# The page updates the link's address a moment after the event.
FETCH = "() => setTimeout(() => document.querySelector('#{}').click(), 60)"


class LazyDownload:
    """A button whose file is created at the click.

    Gradio's own download button needs an existing file, so an invisible one is combined with a normal button.
    """

    def __init__(self, label: str, elem_id: str, **options: object) -> None:
        self._label = label
        self.button = gr.Button(label, size="md", elem_id=elem_id, **options)
        # The style sheet hides it. Gradio's visible="hidden" would end when a surrounding column is shown again.
        self._link = gr.DownloadButton(label, elem_id=f"{elem_id}-file", elem_classes="unseen")

    def makes(self, make: Callable, inputs: list) -> None:
        """At a click call ``make`` with the inputs' values, which returns the file's path; the button shows a message
        meanwhile.
        """
        quiet = dict(api_visibility="private", show_progress="hidden")
        made = self.button.click(self._wait, None, self.button, queue=False, **quiet).then(make, inputs, self._link, **quiet)
        made.success(None, None, None, js=FETCH.format(self._link.elem_id))
        made.then(self._ready, None, self.button, queue=False, **quiet)

    @staticmethod
    def _wait() -> gr.Button:
        return gr.Button("Preparing ...", interactive=False)

    def _ready(self) -> gr.Button:
        return gr.Button(self._label, interactive=True)

"""The checkpoint picker."""

import gradio as gr

from animegen_core.studio import Studio
from animegen_core.ui.header import Header
from animegen_core.ui.studios import Studios


def test_enter_after_a_whole_name_picks_that_checkpoint():
    """Gradio's list takes the first name that holds what was typed."""
    with gr.Blocks():
        picker = Header(Studios(Studio.load("conditional-dcgan-64", "cpu"), hub=False)).picker
    names = [name for name, _ in picker.choices]
    assert "DCGAN 64" in names and "Conditional DCGAN 64" in names
    assert [next(other for other in names if name in other) for name in names] == names

"""Bad input in a handler is a message in the page."""

import gradio as gr
import pytest

from animegen_core.errors import AnimeGenError
from animegen_core.ui.messages import shows_errors


def test_a_handler_that_streams_tells_what_went_wrong_on_its_way_and_is_closed():
    closed = []

    @shows_errors
    def stream(last):
        try:
            yield 1
            if last:
                raise AnimeGenError("2 <b>is</b> too many.")
            yield 2
        finally:
            closed.append(last)

    steps = stream(True)
    assert next(steps) == 1
    with pytest.raises(gr.Error, match="2 &lt;b&gt;is"):
        next(steps)
    steps = stream(False)
    next(steps)
    steps.close()  # as when the visitor cancels
    assert closed == [True, False]

"""How the page tells that something did not work."""

import functools
import html
from collections.abc import Callable
from typing import Any

import gradio as gr
from fastapi import HTTPException

from animegen_core.drawing import Abandoned
from animegen_core.errors import AnimeGenError
from animegen_core.ui.visitors import drawing_for_visitor

_TITLE = "That did not work"


def _plain(error: AnimeGenError) -> str:
    """An error's sentence for a message box, which would take markup in a quoted value for its own."""
    return html.escape(str(error), quote=False)


def told(handler: Callable) -> Callable:
    """Bad input becomes a message in the page, and what is on it stays; drawing ends when the visitor cancels or leaves."""

    @functools.wraps(handler)
    def telling(*args: Any, **kwargs: Any) -> Any:
        try:
            with drawing_for_visitor():
                return handler(*args, **kwargs)
        except AnimeGenError as error:
            raise gr.Error(_plain(error), print_exception=False, title=_TITLE) from error
        except Abandoned as error:
            raise gr.Error("Nobody waits for this any more.", print_exception=False, visible=False) from error

    return telling


def answered(function: Callable) -> Callable:
    """The same for functions that a component of the page calls itself: bad input is an answer of 400."""

    @functools.wraps(function)
    def answering(*args: Any) -> Any:
        try:
            with drawing_for_visitor():
                return function(*args)
        except AnimeGenError as error:
            raise HTTPException(400, str(error)) from error

    return answering


def warn(error: AnimeGenError) -> None:
    """Tell, and go on."""
    gr.Warning(_plain(error), title=_TITLE)

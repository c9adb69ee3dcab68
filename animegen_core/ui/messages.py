"""Error messages of the page."""

import contextlib
import functools
import html
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from fastapi import HTTPException

from animegen_core.drawing import Abandoned
from animegen_core.errors import AnimeGenError
from animegen_core.ui.visitors import drawing_for_visitor

_TITLE = "That did not work"


def _plain(error: AnimeGenError) -> str:
    """An error's text, escaped for a message box, which renders HTML."""
    return html.escape(str(error), quote=False)


@contextlib.contextmanager
def _as_message() -> Iterator[None]:
    try:
        with drawing_for_visitor():
            yield
    except AnimeGenError as error:
        raise gr.Error(_plain(error), print_exception=False, title=_TITLE) from error
    except Abandoned as error:
        raise gr.Error("This request was cancelled.", print_exception=False, visible=False) from error


def shows_errors(handler: Callable) -> Callable:
    """Decorator for handlers: bad input becomes a message in the page, which otherwise stays unchanged.

    Drawing ends when the visitor cancels or leaves. Works for functions and for generators, whose steps may run in different
    threads.
    """

    @functools.wraps(handler)
    def once(*args: Any, **kwargs: Any) -> Any:
        with _as_message():
            return handler(*args, **kwargs)

    @functools.wraps(handler)
    def streamed(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with contextlib.closing(handler(*args, **kwargs)) as steps:
            while True:
                with _as_message():
                    try:
                        values = next(steps)
                    except StopIteration:
                        return
                yield values

    return streamed if inspect.isgeneratorfunction(handler) else once


def answered(function: Callable) -> Callable:
    """Decorator for functions that a component's script calls: bad input becomes a response of 400."""

    @functools.wraps(function)
    def answering(*args: Any) -> Any:
        try:
            with drawing_for_visitor():
                return function(*args)
        except AnimeGenError as error:
            raise HTTPException(400, str(error)) from error

    return answering


def warn(error: AnimeGenError) -> None:
    """Show an error as a warning and continue."""
    gr.Warning(_plain(error), title=_TITLE)

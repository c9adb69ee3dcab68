"""How the page tells that something did not work."""

import contextlib
import functools
import html
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from animegen_core.errors import AnimeGenError

_TITLE = "That did not work"


def _plain(error: AnimeGenError) -> str:
    """An error's sentence for a message box, which would take markup in a quoted value for its own."""
    return html.escape(str(error), quote=False)


def told(handler: Callable) -> Callable:
    """Bad input becomes a message in the page, and what is on it stays. For functions and generators."""

    @contextlib.contextmanager
    def telling() -> Iterator[None]:
        try:
            yield
        except AnimeGenError as error:
            raise gr.Error(_plain(error), print_exception=False, title=_TITLE) from error

    @functools.wraps(handler)
    def once(*args: Any, **kwargs: Any) -> Any:
        with telling():
            return handler(*args, **kwargs)

    @functools.wraps(handler)
    def streamed(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with telling():
            yield from handler(*args, **kwargs)

    return streamed if inspect.isgeneratorfunction(handler) else once


def warn(error: AnimeGenError) -> None:
    """Tell, and go on."""
    gr.Warning(_plain(error), title=_TITLE)

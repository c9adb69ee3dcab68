"""The common parts of the page: the visitor's checkpoint, the history, and messages between tabs."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from animegen_core.character import Animation, Character, Matrix
from animegen_core.errors import AnimeGenError
from animegen_core.ui.header import Header
from animegen_core.ui.studios import Studios

INBOXES = ("generate", "animate", "mix")  # tabs that receive faces


@dataclass
class Page:
    """The common parts of the page, passed to each tab.

    Attributes:
        studios: the available checkpoints.
        demo: the page.
        header: the top of the page.
        history: the strip under the tabs (see ``history_strip``); an output of every event that adds to the history.
        tabs: update it with ``gr.Tabs(selected=name)`` to open a tab.
        tab_items: tabs by name.
        inboxes: of the tabs that receive faces. Send ``message(...)`` to one, and listen to its ``change``.
    """

    studios: Studios
    demo: gr.Blocks
    header: Header
    history: gr.HTML
    tabs: gr.Tabs
    tab_items: dict[str, gr.Tab]
    inboxes: dict[str, gr.State]

    @property
    def checkpoint(self) -> gr.State:
        """The name of the visitor's checkpoint."""
        return self.header.checkpoint

    @property
    def embed(self) -> gr.Checkbox:
        """Whether saved files contain their description."""
        return self.header.embed


def message(verb: str, described: Character | Animation | Matrix, **more: Any) -> dict[str, Any]:
    """A message for a tab's inbox. "show" opens the whole description; tabs define further verbs."""
    kind = type(described).__name__.lower()
    return {"verb": verb, kind: described.to_dict(), "sent": time.time(), **more}  # "sent" makes each unique


def nth(items: list, index: int) -> Any:
    """The clicked item.

    Raises:
        AnimeGenError: it does not exist, for example because the page has expired.
    """
    if not 0 <= index < len(items):
        raise AnimeGenError(f"There is no face {index + 1} any more; there are {len(items)}. Load the page again.")
    return items[index]


def whole(number: object) -> object:
    """An integer for a whole float: browsers send 7 as 7 or as 7.0."""
    return int(number) if isinstance(number, float) and number.is_integer() else number

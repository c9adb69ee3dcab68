"""What the tabs share: the visitor's checkpoint, the history, and how a face is handed from one tab to another."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from animegen_core.character import Animation, Character, Matrix
from animegen_core.errors import AnimeGenError
from animegen_core.ui.header import Header
from animegen_core.ui.studios import Studios

INBOXES = ("generate", "animate", "mix")  # tabs that take faces


@dataclass
class Frame:
    """Handed to each tab.

    Attributes:
        studios: the checkpoints at hand.
        demo: the page.
        header: the top of the page.
        history: the strip under the tabs, an output of whatever leaves a trace (see ``history_strip``).
        tabs: give it ``gr.Tabs(selected=name)`` to turn to a tab.
        tab_items: the tabs by name.
        inboxes: of the tabs that take faces; give one ``message(...)``, and listen to its ``change``.
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
        """Whether saved files carry their description."""
        return self.header.embed


def message(verb: str, described: Character | Animation | Matrix, **more: Any) -> dict[str, Any]:
    """For a tab's inbox: "show" takes over the whole description, other verbs are the tab's own."""
    kind = type(described).__name__.lower()
    return {"verb": verb, kind: described.to_dict(), "sent": time.time(), **more}  # each is new, so that the inbox changes


def nth(items: list, index: int) -> Any:
    """The item that was clicked.

    Raises:
        AnimeGenError: there is none, as when the server has forgotten the page since.
    """
    if not 0 <= index < len(items):
        raise AnimeGenError(f"There is no face {index + 1} any more; there are {len(items)}. Load the page again.")
    return items[index]


def whole(number: object) -> object:
    """Browsers send 7 as 7 or as 7.0."""
    return int(number) if isinstance(number, float) and number.is_integer() else number

"""Restores the controls from a description in a file or in the history."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from animegen_core.character import Animation, Character, Matrix
from animegen_core.errors import AnimeGenError
from animegen_core.images import parse_description, read_description
from animegen_core.studio import read_described
from animegen_core.ui.messages import answered, shows_errors
from animegen_core.ui.page import Page, message
from animegen_core.ui.pictures import data_url
from animegen_core.ui.studios import Studios


def thumbnailer(studios: Studios) -> Callable[[dict[str, Any]], str]:
    """The history's function that returns the data URL of a description's thumbnail."""

    @answered
    def thumbnail(description: dict[str, Any]) -> str:
        name, described = read_described(description)
        studio = studios.get(studios.find(name, description.get("checkpoint_hash")))
        return data_url(studio.render(_characters(described)[0]))

    return thumbnail


def restores(page: Page, event: Callable) -> None:
    """Let a component's event, which has a ``description`` as JSON text, set all controls."""

    @shows_errors
    def from_event(event: gr.EventData) -> tuple:
        return turn_to(page, parse_description(event.description))

    quiet = dict(api_visibility="private", show_progress="hidden")
    event(from_event, None, controls_of(page), trigger_mode="multiple", **quiet)  # the next may come while faces are drawn


def wire_restoring(page: Page) -> None:
    """Let an uploaded file and a click in the history set all controls."""

    @shows_errors
    def from_file(path: str | None) -> tuple:
        if path is None:
            raise AnimeGenError("No file was given.")
        return turn_to(page, read_description(path))

    quiet = dict(api_visibility="private", show_progress="hidden")
    page.header.restore.upload(from_file, page.header.restore, controls_of(page), **quiet)
    restores(page, page.history.pick)


def controls_of(page: Page) -> list:
    """Outputs of an event that restores a description: checkpoint, tab and inboxes."""
    return [page.checkpoint, page.header.picker, page.tabs, *page.inboxes.values()]


def turn_to(page: Page, description: dict[str, Any]) -> tuple:
    """Values of ``controls_of``: the description's checkpoint, its tab, and a message that opens it there."""
    name, described = read_described(description)
    name = page.studios.find(name, description.get("checkpoint_hash"))
    studio = page.studios.get(name)
    for character in _characters(described):
        studio.check(character)
    tab = _tab_of(described)
    inboxes = (message("show", described) if inbox == tab else gr.skip() for inbox in page.inboxes)
    if description.get("checkpoint_hash") not in (None, studio.checkpoint.hash):
        gr.Warning("The checkpoint's weights have changed since this was saved, so the face will differ.")
    return name, name, gr.Tabs(selected=tab), *inboxes


def _characters(described: Character | Animation | Matrix) -> tuple[Character, ...]:
    """The characters of a description; for a matrix, its first mix."""
    if isinstance(described, Animation):
        return described.keys
    return (described.mixed(described.rows[0], described.columns[0]) if isinstance(described, Matrix) else described,)


def _tab_of(described: Character | Animation | Matrix) -> str:
    if isinstance(described, Animation):
        return "animate"
    return "mix" if isinstance(described, Matrix) or described.mixes_styles else "generate"

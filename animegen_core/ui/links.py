"""Links that contain a description, so that who opens one finds the same controls. Nothing is kept on the server.

A face is written as plain parameters, which also work by hand, as in ``/?seed=42&hair=pink``. A film or matrix is one
parameter, its whole description as JSON.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from animegen_core.character import MOST_ANCESTORS, MOST_SLIDERS, Character
from animegen_core.errors import AnimeGenError, quote
from animegen_core.images import parse_description
from animegen_core.studio import PROGRAM
from animegen_core.ui.components import asset
from animegen_core.ui.controls import FIRST_SEED
from animegen_core.ui.messages import shows_errors, warn
from animegen_core.ui.page import Page, message
from animegen_core.ui.restore import controls_of, turn_to
from animegen_core.ui.studios import Studios

_WHOLE = "description"
_NUMBERS = {"seed": int, "psi": float, "variation_seed": int, "variation_strength": float}
_NUMBERS |= dict.fromkeys(("coarse", "middle", "fine"), int)
_TEXTS = (
    "hair",
    "eyes",
    "recolour_hair",
    "recolour_eyes",
    "sliders",
    "lineage",
    "crossovers",
    "latent",
    "checkpoint",
    "checkpoint_hash",
)


def link_to(description: dict[str, Any]) -> str:
    """The query of a link, from "?" on, for a description made by ``Studio.describe``."""
    face = description.get("character")
    if face is None:
        return f"?{urlencode({_WHOLE: json.dumps(description, separators=(',', ':'))})}"
    parameters = {name: description[name] for name in ("checkpoint", "checkpoint_hash")}
    parameters |= {"psi": Character.from_dict(face).psi, **face}  # psi always, because without it a link means the usual one
    if "crossovers" in face:
        parameters["crossovers"] = ",".join(map(str, face["crossovers"]))
    if "sliders" in face:
        parameters["sliders"] = ",".join(f"{name}:{strength}" for name, strength in face["sliders"].items())
    if "lineage" in face:
        parameters["lineage"] = ",".join(":".join(map(str, step)) for step in face["lineage"])
    return f"?{urlencode(parameters)}"


def has_link(query: Mapping[str, str]) -> bool:
    """Whether the parameters of an address describe something; others, such as Gradio's own, do not count."""
    return any(name in query for name in (_WHOLE, *_NUMBERS, *_TEXTS))


def read_link(query: Mapping[str, str], studios: Studios) -> dict[str, Any]:
    """The description in an address.

    Raises:
        AnimeGenError: a parameter is not what it must be.
    """
    if _WHOLE in query:
        return parse_description(query[_WHOLE], "The link")
    given = {name: query[name].strip() for name in (*_NUMBERS, *_TEXTS) if query.get(name, "").strip()}
    checkpoint, saved = given.pop("checkpoint", studios.default), given.pop("checkpoint_hash", None)
    face: dict[str, Any] = {"seed": FIRST_SEED, "psi": studios.get(studios.find(checkpoint, saved)).usual_psi}
    for name, text in given.items():
        if name in _NUMBERS:
            face[name] = _number(name, text)
        elif name == "crossovers":
            face[name] = [_number(name, part, int) for part in text.split(",", 2)]
        elif name == "lineage":
            face[name] = [_step(part) for part in text.split(",", MOST_ANCESTORS)]
        elif name == "sliders":
            pairs = (part.partition(":") for part in text.split(",", MOST_SLIDERS))
            face[name] = {slider.strip(): _number(name, strength, float) for slider, _, strength in pairs}
        elif text != "any":
            face[name] = text
    return {"program": PROGRAM, "checkpoint": checkpoint, "checkpoint_hash": saved, "character": face}


def _step(text: str) -> list:
    seed, _, rest = text.partition(":")
    band, _, spread = rest.partition(":")
    return [_number("lineage", seed, int), band, _number("lineage", spread, float)]


def _number(name: str, text: str, kind: type[int] | type[float] | None = None) -> int | float:
    kind = kind or _NUMBERS[name]
    try:
        return kind(text[:20])
    except ValueError as error:
        wanted = "a whole number" if kind is int else "a number"
        raise AnimeGenError(f"The link's {name} is {quote(text)}, but must be {wanted}.") from error


def wire_links(page: Page) -> None:
    """Let the address with which the page is opened set all controls."""

    def open_link(request: gr.Request) -> tuple:
        outputs = controls_of(page)
        if not has_link(request.query_params):
            return (gr.skip(),) * len(outputs)
        try:
            return turn_to(page, read_link(request.query_params, page.studios))
        except AnimeGenError as error:
            warn(error)
        first = Character(FIRST_SEED, psi=page.studios.get(page.studios.default).usual_psi)
        inboxes = (message("show", first) if inbox == "generate" else gr.skip() for inbox in page.inboxes)
        return (gr.skip(), gr.skip(), gr.skip(), *inboxes)

    page.demo.load(open_link, None, controls_of(page), api_visibility="private", show_progress="hidden")


class CopyLink:
    """A button that copies a link to what its tab shows.

    Args:
        elem_id: of the button.
        options: further ones of ``gr.Button``.
    """

    def __init__(self, elem_id: str, **options: object) -> None:
        self._button = gr.Button("Copy link", elem_id=elem_id, min_width=100, **options)
        self._query = gr.HTML(elem_classes="unseen", padding=False)

    def copies(self, describe: Callable[..., dict[str, Any]], inputs: list) -> None:
        """At a click call ``describe`` with the inputs' values, and copy the link to its description."""

        @shows_errors
        def link(*values: Any) -> str:
            return link_to(describe(*values))

        quiet = dict(api_visibility="private", show_progress="hidden")
        made = self._button.click(link, inputs, self._query, **quiet)
        made.success(None, self._query, None, js=asset("copy_link.js"))

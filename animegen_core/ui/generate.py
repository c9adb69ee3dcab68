"""The Generate tab: from seeds to faces."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from animegen_core.character import Character
from animegen_core.errors import AnimeGenError
from animegen_core.images import encode_png
from animegen_core.labels import HAIR
from animegen_core.studio import Studio
from animegen_core.ui.change import keeps, recoloured, relatives_of, shown_colours
from animegen_core.ui.controls import (
    ANY,
    character_of,
    consecutive_seeds,
    new_seed,
    size_of,
    the_seed,
)
from animegen_core.ui.first_faces import find_first_face
from animegen_core.ui.latest import Latest
from animegen_core.ui.links import has_link
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.pace import Pace
from animegen_core.ui.page import Page, message, nth
from animegen_core.ui.picks import wire_picks
from animegen_core.ui.pictures import (
    LARGE,
    TILE,
    check_pixels,
    data_url,
    draw_files,
    file_stem,
    history_entry,
    keep_file,
    large_view,
    shown_side,
)
from animegen_core.ui.tiles import Tiles
from animegen_core.ui.workspace import Workspace

_STYLE_PSIS = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3)  # of the row of creativities; 0 is the mean face
_LATENT_PSIS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)  # near its mean latent a DCGAN draws no face


_LOOKS = (  # name, colours, and creativity as a multiple of the usual one
    ("Gentle", {"seed": 28, "hair": "pink", "eyes": "blue"}, 0.8),
    ("Cool", {"seed": 9, "hair": "blue", "eyes": "purple"}, 1.0),
    ("Fiery", {"seed": 11, "hair": "red", "eyes": "green"}, 1.1),
)


class GenerateTab:
    """Builds the tab inside the current Blocks."""

    def __init__(self, page: Page) -> None:
        self.page, self.studios = page, page.studios
        self.latest, self.latest_choice = Latest(page.demo), Latest(page.demo)
        self.inbox = page.inboxes["generate"]
        self.shown = gr.State([])  # the characters in the gallery
        self.files = gr.State([])  # their files
        self.selected = gr.State(None)  # the character in the large view
        parts = Workspace(self.studios)
        self.go, self.seed, self.lock, self.faces = parts.go, parts.seed, parts.lock, parts.faces
        self.traits, self.change = parts.traits, parts.change
        self.hair, self.eyes, self.psi, self.towards, self.strength, *_ = self.traits
        self.progress, self.gallery, self.psi_row, self.hair_row = parts.progress, parts.gallery, parts.psi_row, parts.hair_row
        self.portrait, self.link, self.sends, self.looks = parts.portrait, parts.link, parts.sends, parts.looks
        self.size, self.download, self.download_all = parts.size, parts.download, parts.download_all
        self.sheets = parts.sheets
        self._wire()

    def _wire(self) -> None:
        page = self.page
        large = [self.selected, self.portrait]
        results = [self.seed, self.gallery, self.shown, self.files, *large, page.history, self.progress]
        quiet = dict(api_visibility="private", show_progress="hidden")
        smooth = dict(quiet, trigger_mode="always_last")
        rows = dict(
            fn=self.explore,
            inputs=[page.checkpoint, self.selected, self.change.keep],
            outputs=[self.psi_row, self.hair_row],
            **smooth,
        )

        asked = [page.checkpoint, page.embed, self.shown, self.files, self.lock, self.seed, self.faces, *self.traits]
        newest = dict(quiet, trigger_mode="multiple")  # each starts immediately and ends the earlier ones
        draw = dict(inputs=asked, outputs=results, **newest)
        self.go.click(self.fresh_or_same, **draw).success(**rows)
        self.seed.submit(self.same_again, **draw).success(**rows)
        looks = dict(fn=self.draw_looks, inputs=page.checkpoint, outputs=self.looks, **smooth)
        page.demo.load(self.first_faces, **draw).success(**rows).then(**looks)
        self.looks.pick(self.take_look, page.checkpoint, self.inbox, **quiet)
        self.seed.input(lambda: True, None, self.lock, queue=False, **quiet)  # typing a seed locks it

        inputs = [page.checkpoint, page.embed, self.shown, self.files, self.selected, self.seed, *self.traits]
        redraw = dict(fn=self.redraw_faces, inputs=inputs, outputs=results, **newest)
        settled = [self.portrait.release, self.hair.input, self.eyes.input, self.towards.submit]
        gr.on(settled, **redraw).success(**rows)
        self.psi_row.pick(self.pick, None, self.psi, **quiet).then(**redraw).success(**rows)
        self.hair_row.pick(self.pick, None, self.hair, **quiet).then(**redraw).success(**rows)
        chosen = [self.seed, *large, page.history]
        select = self.gallery.pick(self.select, [page.checkpoint, self.shown], chosen, **newest)
        select.success(**rows)

        again = lambda event: event.success(**redraw).success(**rows)  # noqa: E731
        self.change.wire(page.checkpoint, self.hair, self.eyes, again, [select], self.lock)
        chosen_and_more = [page.checkpoint, page.embed, self.files, self.selected, self.change.band, self.change.spread]
        relatives = dict(inputs=[*chosen_and_more, *self.traits], outputs=results, **newest)
        self.change.go.click(self.draw_relatives, **relatives).success(**rows)
        controls = [*self.traits, self.lock]
        self.progress.cancel(self.latest.stop, None, None, queue=False, **quiet)
        wire_picks(page, self.size)
        inputs = [self.inbox, page.checkpoint, page.embed, self.shown, self.files, self.faces]
        self.inbox.change(self.open_message, inputs, [*results, *controls], **newest).success(**rows)
        adapted = [self.hair, self.eyes, self.hair_row, self.change.keep, self.change.sliders]
        page.checkpoint.change(self.adapt, page.checkpoint, adapted, **quiet)
        picked = page.header.picked.change(self.adapt_to_picked, page.checkpoint, [*adapted, self.psi], **quiet)
        picked.then(**redraw).success(**rows)
        page.checkpoint.change(**looks)

        for target, button in self.sends.items():
            tab = "animate" if target == "animate" else "mix"
            inputs, outputs = [self.selected, *self.traits], [page.tabs, page.inboxes[tab]]
            button.click(self._sender(target), inputs, outputs, **quiet)
        sizes = [self.size, page.embed]
        self.download.makes(self.one_file, [page.checkpoint, self.selected, *sizes, *self.traits])
        self.download_all.makes(self.all_files, [page.checkpoint, self.shown, *sizes, *self.traits])
        self.sheets.wire(page, _with_values, [self.selected, *self.traits])
        self.link.copies(self.describe, [page.checkpoint, self.selected, *self.traits])

    @shows_errors
    def fresh_or_same(
        self,
        request: gr.Request,
        name: str,
        embed: bool,
        shown: list[dict],
        files: list[tuple],
        lock: bool,
        seed: float | None,
        count: int,
        *values: Any,
    ) -> Iterator[tuple]:
        """Draw new faces, or with a locked seed the faces from it on; if it is in the gallery, the gallery stays."""
        first, before = the_seed(seed) if lock else new_seed(), [character["seed"] for character in shown]
        seeds, index = consecutive_seeds(first, count), 0
        if lock and first in before[: len(seeds)]:
            seeds, index = consecutive_seeds(before[0], count), before.index(first)
        new, known = character_of(first, *values), {described["seed"]: described for described in shown if lock}
        characters = [replace(new, seed=s) for s in seeds]
        if keeps(values):
            characters = [_with_values(known[who.seed], *values) if who.seed in known else who for who in characters]
        yield from self._fill(request, name, characters, index, embed, files)

    def same_again(
        self, request: gr.Request, name: str, embed: bool, shown: list[dict], files: list[tuple], lock: bool, *others: Any
    ) -> Iterator[tuple]:
        """Draw the faces from the typed seed on."""
        yield from self.fresh_or_same(request, name, embed, [], files, True, *others)

    def first_faces(self, request: gr.Request, *values: Any) -> Iterator[tuple]:
        """Draw the first faces when the page is opened, unless its address asks for something else."""
        if not has_link(request.query_params):
            yield from self.same_again(request, *values)

    @shows_errors
    def redraw_faces(
        self,
        request: gr.Request,
        name: str,
        embed: bool,
        shown: list[dict],
        files: list[tuple],
        selected: dict | None,
        seed: float,
        *values: Any,
    ) -> Iterator[tuple]:
        """Draw the gallery's seeds again with the values of the controls; a typed seed waits for Enter."""
        template = character_of(selected["seed"] if selected else the_seed(seed), *values)
        characters = [_with_values(described, *values) for described in shown] or [template]
        seeds = [character.seed for character in characters]
        index = seeds.index(template.seed) if template.seed in seeds else 0
        index = shown.index(selected) if selected in shown else index  # relatives have one seed
        yield from self._fill(request, name, characters, index, embed, files)

    @shows_errors
    def draw_relatives(
        self,
        request: gr.Request,
        name: str,
        embed: bool,
        files: list[tuple],
        selected: dict | None,
        band: str,
        spread: float,
        *values: Any,
    ) -> Iterator[tuple]:
        """Fill the gallery with the chosen face and its relatives."""
        family = relatives_of(self.studios.get(name), _with_values(selected, *values), band, spread)
        yield from self._fill(request, name, family, 0, embed, files)

    @shows_errors
    def select(self, request: gr.Request, name: str, shown: list[dict], event: gr.EventData) -> tuple:
        """Show a face of the gallery large, and add it to the history."""
        is_newest = self.latest_choice.begin(request)
        studio, character = self.studios.get(name), Character.from_dict(nth(shown, event.index))
        view = large_view(studio, character)
        if not is_newest():
            return (gr.skip(),) * 4
        return character.seed, character.to_dict(), view, history_entry(studio, character, view)

    @shows_errors
    def explore(self, request: gr.Request, name: str, selected: dict, keep: bool) -> tuple[list[dict], list[dict]]:
        """Draw the selected face at several creativities and in all hair colours, unless the gallery is being drawn."""
        if selected is None or not self.latest.is_answered(request):
            return gr.skip(), gr.skip()
        studio, character = self.studios.get(name), Character.from_dict(selected)

        def face(label: str, **change: Any) -> dict[str, Any]:
            variant = replace(character, **change)
            (value,) = change.values()
            shown = {"src": data_url(studio.render(variant)), "selected": variant == character}
            return shown | {"label": label, "short": str(value), "key": value}

        steps = _STYLE_PSIS if studio.capabilities.styles else _LATENT_PSIS
        psis = [face(f"Creativity {psi:g}", psi=psi) for psi in steps]
        if not studio.capabilities.labels:
            return psis, []
        field = "recolour_hair" if keep else "hair"
        return psis, [face(f"{hair.capitalize()} hair", **{field: hair}) for hair in HAIR]

    @shows_errors
    def draw_looks(self, name: str) -> list[dict[str, Any]]:
        """Draw the examples with a checkpoint."""
        studio = self.studios.get(name)
        return [
            {
                "src": data_url(studio.render(look, shown_side(studio, TILE))),
                "label": f"Look: {title}",
                "short": title,
                "key": at,
            }
            for at, (title, look) in enumerate(_looks(studio))
        ]

    @shows_errors
    def take_look(self, name: str, event: gr.EventData) -> dict[str, Any]:
        """Set all controls to those of an example."""
        return message("show", nth(_looks(self.studios.get(name)), event.index)[1])

    def pick(self, event: gr.EventData) -> float | str:
        """The creativity or hair colour of the chosen face in a row."""
        return event.key

    @shows_errors
    def open_message(
        self, request: gr.Request, note: dict, name: str, embed: bool, shown: list[dict], files: list[tuple], count: int
    ) -> Iterator[tuple]:
        """Take a message with a character: set all controls to its values. If its seed is in the gallery, that stays."""
        character = Character.from_dict(note.get("character"))
        seeds, index = consecutive_seeds(character.seed, count), 0
        before = [other["seed"] for other in shown]
        if character.seed in before and len(before) == len(seeds):
            seeds, index = before, before.index(character.seed)
        keep, variation = any(character.recolours.values()), (character.variation_seed, character.variation_strength)
        controls = (*shown_colours(character), character.psi, *variation, keep, dict(character.sliders), True)
        characters = [replace(character, seed=seed, latent=None) for seed in seeds]  # one face has an own latent
        characters[index] = character
        for results in self._fill(request, name, characters, index, embed, files):
            yield *results, *controls
            controls = (gr.skip(),) * len(controls)  # the visitor may be moving them

    @shows_errors
    def adapt(self, name: str) -> tuple:
        """Adapt to another checkpoint: show the controls that it supports, and reset the others."""
        labels = self.studios.get(name).capabilities.labels
        colour = gr.update(visible=True) if labels else gr.update(visible=False, value=ANY)
        return colour, colour, gr.update(visible=labels), *self.change.adapted(name)

    def adapt_to_picked(self, name: str) -> tuple:
        """As ``adapt``, and set its usual creativity."""
        return *self.adapt(name), self.studios.get(name).usual_psi

    def _sender(self, target: str) -> Any:
        @shows_errors
        def send(selected: dict, *values: Any) -> tuple:
            character = _with_values(selected, *values)
            if target == "animate":
                return gr.Tabs(selected="animate"), message("add", character)
            if character.latent is not None:
                raise AnimeGenError("Mix takes seeds, so it cannot take the face of a picture; Animate can.")
            return gr.Tabs(selected="mix"), message(target, character)

        return send

    def describe(self, name: str, selected: dict, *values: Any) -> dict[str, Any]:
        """The description of the large face."""
        return self.studios.get(name).describe(_with_values(selected, *values))

    @shows_errors
    def one_file(self, name: str, selected: dict, size: int, embed: bool, *values: Any) -> str:
        """The large face as a PNG."""
        studio, character = self.studios.get(name), _with_values(selected, *values)
        return keep_file(
            self._png(studio, character, size, embed), _file_name(studio, character, size), self.gallery.GRADIO_CACHE
        )

    @shows_errors
    def all_files(self, name: str, shown: list[dict], size: int, embed: bool, *values: Any) -> str:
        """The gallery's faces as PNGs in a zip, with a list of their descriptions."""
        studio, characters = self.studios.get(name), [_with_values(character, *values) for character in shown]
        check_pixels(len(characters), "faces", size_of(studio, size))
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:  # uncompressed, because PNGs are compressed already
            for character in characters:
                archive.writestr(_file_name(studio, character, size), self._png(studio, character, size, embed))
            described = [character.to_dict() for character in characters]
            listed = {"checkpoint": name, "checkpoint_hash": studio.checkpoint.hash, "characters": described}
            archive.writestr("characters.json", json.dumps(listed, indent=2))
        return keep_file(stream.getvalue(), "animegen-faces.zip", self.gallery.GRADIO_CACHE)

    def _png(self, studio: Studio, character: Character, size: int, embed: bool) -> bytes:
        side = size_of(studio, size)
        return encode_png(studio.render(character, side), studio.describe(character, side) if embed else None)

    def _fill(
        self, request: gr.Request, name: str, characters: list[Character], index: int, embed: bool, old: list[tuple]
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the values of all outputs while faces are drawn: first the large face and its entry in the history, then all.

        Old faces, with the given files, stay dimmed until they are replaced. Ends early if the visitor makes a new request, and
        with what is drawn if they cancel.
        """
        studio, chosen = self.studios.get(name), characters[index]
        for character in characters:  # raises before the current drawing is cancelled
            studio.check(character)
        is_newest = self.latest.begin(request)
        pace, skip, cache = Pace(len(characters)), gr.skip(), self.gallery.GRADIO_CACHE
        side = shown_side(studio, TILE)
        drawn_before = partial(find_first_face, self.studios, studio)
        ready = {place: tile for place, who in enumerate(characters) if (tile := drawn_before(who, side))}
        picture = drawn_before(chosen, shown_side(studio, LARGE))
        if picture is None or index not in ready:
            picture, ready[index] = studio.render_at(chosen, [shown_side(studio, LARGE), side])
        view = large_view(studio, chosen, picture)
        if not is_newest():
            return
        described = [character.to_dict() for character in characters]
        large = chosen.to_dict(), view, history_entry(studio, chosen, view)
        tiles = Tiles(studio, characters, old)
        yield chosen.seed, tiles.value([], index), described, skip, *large, skip
        drawn: list[tuple[str, str]] = []
        for file in draw_files(studio, characters, cache, side, embed, ready):
            drawn.append(file)
            if not is_newest():
                return
            if self.latest.is_stopped(request):
                break
            if far := pace.report(len(drawn)):
                yield skip, tiles.value(drawn), skip, skip, skip, skip, skip, far
        self.latest.answer(request)
        yield skip, tiles.final(drawn), described[: len(drawn)], drawn, skip, skip, skip, None


def _looks(studio: Studio) -> list[tuple[str, Character]]:
    """Names and descriptions of the examples, as far as a checkpoint can draw them."""
    looks = []
    for title, fields, wildness in _LOOKS:
        able = fields if studio.capabilities.labels else {"seed": fields["seed"]}
        looks.append((title, Character(**able, psi=round(studio.usual_psi * wildness, 2))))
    return looks


def _file_name(studio: Studio, character: Character, size: int) -> str:
    return f"{file_stem(studio, character, size_of(studio, size))}.png"


def _with_values(described: dict, *values: Any) -> Character:
    """The character with the values of the controls, which may have changed since it was drawn.

    Raises:
        AnimeGenError: there is no face yet.
    """
    if described is None:
        raise AnimeGenError("There is no face yet; click Generate.")
    now, before = character_of(described["seed"], *values), Character.from_dict(described)
    before = (
        recoloured(before, *values[:2])
        if keeps(values)
        else replace(recoloured(before, ANY, ANY), hair=now.hair, eyes=now.eyes)
    )
    changed = ("psi", "variation_seed", "variation_strength", "sliders")
    return replace(before, **{name: getattr(now, name) for name in changed})

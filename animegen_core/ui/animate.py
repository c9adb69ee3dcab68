"""The Animate tab: from key faces to a film."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from animegen_core.character import FPS, FRAMES, KEYS, LOOPS, Animation, Character
from animegen_core.errors import AnimeGenError
from animegen_core.latents import PATH_KINDS
from animegen_core.ui.components import face_row, film_view, progress_bar
from animegen_core.ui.controls import FIRST_SEEDS, new_seed, seed_number, size_of, size_radio, the_seed
from animegen_core.ui.films import contact_sheet, film_file
from animegen_core.ui.latest import Latest
from animegen_core.ui.links import CopyLink
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.pace import Pace
from animegen_core.ui.page import Page, message, nth
from animegen_core.ui.pictures import FILM, TILE, caption, check_pixels, data_url, shown_side
from animegen_core.ui.visitors import FILMS

_SHARPENED_FRAMES = 64  # of the preview; more would make other visitors wait at every change
_FORMATS = {"GIF": "gif", "WebP": "webp", "MP4": "mp4", "PNGs": "png"}


class AnimateTab:
    """Builds the tab inside the current Blocks."""

    def __init__(self, page: Page) -> None:
        self.page, self.studios = page, page.studios
        self.latest, self.latest_sharp = Latest(page.demo), Latest(page.demo)
        self.inbox = page.inboxes["animate"]
        self.keys = gr.State(_first_keys(self.studios.get(self.studios.default).usual_psi))
        with gr.Row(elem_classes="desk desk-animate"):
            with gr.Column(elem_classes="card"):
                self._lay_out_keys()
            with gr.Column(elem_classes="stage"):
                self.film = film_view("film", "fps")
            with gr.Column(elem_classes="card"):
                self._lay_out_export()
        self._wire()

    def _lay_out_keys(self) -> None:
        hint = "Add two or more faces, here or with Send to Animate."
        self.row = face_row("keys", "Key characters", hint, actions=("left", "remove", "right"))
        with gr.Row(elem_classes="pair"):
            self.seed = seed_number("Seed", "key-seed", 1, min_width=110)
            self.add = gr.Button("Add", elem_id="add-key", min_width=60)
            self.add_random = gr.Button("Any", elem_id="add-any-key", min_width=60)
            self.clear = gr.Button("Clear", elem_id="clear-keys", elem_classes="quiet", min_width=60)
        paths = [("Natural", "slerp"), ("Straight", "linear"), ("Circular", "circular")]
        assert {value for _, value in paths} == set(PATH_KINDS)
        self.path = gr.Radio(paths, value="slerp", label="Path", elem_id="path")
        loops = [("Closed loop", "closed"), ("Back and forth", "back-and-forth"), ("Once", "once")]
        assert {value for _, value in loops} == set(LOOPS)
        self.loop = gr.Radio(loops, value="closed", label="Loop", elem_id="loop")
        self.easing = gr.Radio(
            [("Even", "linear"), ("Linger at the keys", "ease-in-out")], value="ease-in-out", label="Easing", elem_id="easing"
        )

    def _lay_out_export(self) -> None:
        self.frames = gr.Slider(*FRAMES, 60, step=1, label="Frames", elem_id="frames")
        self.fps = gr.Slider(*FPS, 30, step=1, label="Frames a second", elem_id="fps")
        self.format = gr.Radio(list(_FORMATS), value="GIF", label="Format", elem_id="format")
        self.size = size_radio("export-size")
        with gr.Row(elem_classes="buttons"):
            self.export = gr.Button("Export", variant="primary", elem_id="export", min_width=110)
            self.cancel = gr.Button("Cancel", elem_id="cancel-export", min_width=80, visible=False)
            self.link = CopyLink("film-copy-link", size="md", elem_classes="quiet")
        self.progress = progress_bar("export-progress")
        self.file = gr.File(label="Exported file", elem_id="exported", interactive=False, visible=False)

    def _wire(self) -> None:
        page = self.page
        quiet = dict(api_visibility="private", show_progress="hidden")
        smooth = dict(quiet, trigger_mode="always_last")
        what = [page.checkpoint, self.keys, self.path, self.frames, self.fps, self.easing, self.loop]
        show = dict(fn=self.show, inputs=what, outputs=[self.row, self.film], **smooth)
        shoot = dict(fn=self.shoot, inputs=what, outputs=self.film, **smooth)
        # Separate events, so that no click waits for the sharp film, which takes seconds.
        sharpen = dict(fn=self.sharpen, inputs=what, outputs=self.film, **smooth)

        page.tab_items["animate"].select(**show).success(**sharpen)
        gr.on([self.path.input, self.frames.input, self.easing.input, self.loop.input], **shoot).success(**sharpen)
        changed = [
            gr.on(
                [self.add.click, self.seed.submit], self.add_key, [page.checkpoint, self.keys, self.seed], self.keys, **quiet
            ),
            self.add_random.click(self.add_any_key, [page.checkpoint, self.keys], self.keys, **quiet),
            self.clear.click(list, None, self.keys, **quiet),
            self.row.act(self.act, self.keys, self.keys, **quiet),
            self.row.move(self.move, self.keys, self.keys, **quiet),
            page.header.picked.change(self.adapt, [page.checkpoint, self.keys], self.keys, **quiet),
        ]
        for event in changed:
            event.success(**show).success(**sharpen)
        self.row.pick(self.edit_key, self.keys, [page.tabs, page.inboxes["generate"]], **quiet)
        controls = [self.keys, self.path, self.frames, self.fps, self.easing, self.loop]
        self.inbox.change(self.open_message, [self.inbox, *controls], controls, **quiet).success(**show).success(**sharpen)

        self.link.copies(self.describe, what)
        during = [self.cancel, self.progress]
        exported = self.export.click(
            self.export_film,
            [*what, self.format, self.size, page.embed],
            [self.file, page.history, *during],
            concurrency_id=FILMS,
            **quiet,
        )
        exported.then(_over, None, during, **quiet)  # also if it failed
        self.cancel.click(_over, None, during, cancels=exported, **quiet)

    def describe(self, name: str, keys: list[dict], *how: Any) -> dict[str, Any]:
        """The description of the film."""
        return self.studios.get(name).describe(_animation(keys, *how))

    @shows_errors
    def add_key(self, name: str, keys: list[dict], seed: float | None) -> list[dict]:
        """Append the face of the typed seed, at the checkpoint's usual creativity."""
        return self._with(keys, Character(the_seed(seed), psi=self.studios.get(name).usual_psi))

    @shows_errors
    def add_any_key(self, name: str, keys: list[dict]) -> list[dict]:
        """Append the face of a random seed."""
        return self.add_key(name, keys, new_seed())

    @shows_errors
    def adapt(self, name: str, keys: list[dict]) -> list[dict]:
        """Adapt to another checkpoint: unchanged first keys take its usual creativity; other keys stay."""
        untouched = keys and keys == _first_keys(Character.from_dict(keys[0]).psi)
        return _first_keys(self.studios.get(name).usual_psi) if untouched else keys

    @staticmethod
    def _with(keys: list[dict], character: Character) -> list[dict]:
        if len(keys) == KEYS[1]:
            raise AnimeGenError(f"An animation has at most {KEYS[1]} key characters; remove one first.")
        return [*keys, character.to_dict()]

    @shows_errors
    def act(self, keys: list[dict], event: gr.EventData) -> list[dict]:
        """Move a key by one position, or remove it."""
        if event.action == "remove":
            return keys[: event.index] + keys[event.index + 1 :]
        return _moved(keys, event.index, event.index + (1 if event.action == "right" else -1))

    @shows_errors
    def move(self, keys: list[dict], event: gr.EventData) -> list[dict]:
        """Move a key to another position."""
        return _moved(keys, event.index, event.to)

    @shows_errors
    def edit_key(self, keys: list[dict], event: gr.EventData) -> tuple:
        """Open a key in the Generate tab."""
        return gr.Tabs(selected="generate"), message("show", Character.from_dict(nth(keys, event.index)))

    @shows_errors
    def open_message(self, note: dict, keys: list[dict], *controls: Any) -> tuple:
        """Take a message: a face to add, or an animation to open."""
        if note.get("verb") == "add":
            return self._with(keys, Character.from_dict(note["character"])), *controls
        film = Animation.from_dict(note.get("animation"))
        return [key.to_dict() for key in film.keys], film.path, film.frames, film.fps, film.easing, film.loop

    @shows_errors
    def show(self, request: gr.Request, name: str, keys: list[dict], *how: Any) -> tuple:
        """Draw the keys' faces and the film at the network's own size."""
        is_newest = self.latest.begin(request)
        faces, film = self._faces(name, keys), self._shoot(is_newest, 0, name, keys, *how)
        if not is_newest():
            return gr.skip(), gr.skip()
        self.latest.answer(request)
        return faces, film

    @shows_errors
    def shoot(self, request: gr.Request, *what: Any) -> dict[str, Any] | None:
        """Draw the film only."""
        is_newest = self.latest.begin(request)
        film = self._shoot(is_newest, 0, *what)
        if not is_newest():
            return gr.skip()
        self.latest.answer(request)
        return film

    @shows_errors
    def sharpen(self, request: gr.Request, *what: Any) -> dict[str, Any] | None:
        """Draw the film again, enlarged. Stops if the visitor has requested another film, which gets its own call."""
        nothing_since, is_newest = self.latest.watch(request), self.latest_sharp.begin(request)
        _, keys, _, frames, *_ = what
        if len(keys) < KEYS[0] or frames > _SHARPENED_FRAMES or not self.latest.is_answered(request):
            return gr.skip()
        film = self._shoot(lambda: nothing_since() and is_newest(), FILM, *what)
        return film if nothing_since() and is_newest() else gr.skip()

    def _faces(self, name: str, keys: list[dict]) -> list[dict]:
        characters = [Character.from_dict(key) for key in keys]
        studio = self.studios.get(name)
        pictures = studio.render_many(characters, shown_side(studio, TILE))
        return [
            {"src": data_url(picture), "label": caption(character), "short": str(character.seed)}
            for character, picture in zip(characters, pictures)
        ]

    def _shoot(self, is_wanted: Callable[[], bool], most: int, name: str, keys: list[dict], *how: Any) -> dict[str, Any] | None:
        """All frames as one image, for the film view; only some if the visitor has requested another film.

        Args:
            most: as in ``shown_side``.
        """
        if len(keys) < KEYS[0]:
            return None
        film = _animation(keys, *how)
        studio = self.studios.get(name)
        frames = list(itertools.takewhile(lambda _: is_wanted(), studio.animate(film, shown_side(studio, most))))
        return contact_sheet(film, frames) if frames else None

    @shows_errors
    def export_film(
        self,
        name: str,
        keys: list[dict],
        *rest: Any,
    ) -> Iterator[tuple]:
        """Write the film to a file. Stops when the visitor cancels or leaves."""
        *how, kind, size, embed = rest
        studio, film = self.studios.get(name), _animation(keys, *how)
        side = size_of(studio, size)
        check_pixels(film.frames, "frames", side)
        frames, pace = [], Pace(film.frames)
        yield gr.skip(), gr.skip(), gr.Button(visible=True), gr.skip()
        for picture in studio.animate(film, side):
            frames.append(picture)
            if far := pace.report(len(frames)):
                yield gr.skip(), gr.skip(), gr.skip(), far  # a cancelled export ends here
        description = studio.describe(film, side)
        file = film_file(studio, film, frames, _FORMATS[kind], description if embed else None, self.file.GRADIO_CACHE)
        entry = {
            "src": data_url(frames[0]),
            "label": f"{film.frames} frames through {len(film.keys)} faces · {name}",
            "description": description,
        }
        yield gr.File(file, visible=True), entry, gr.skip(), gr.skip()


def _over() -> tuple:
    """After an export: hide the progress bar and the Cancel button."""
    return gr.Button(visible=False), None


def _first_keys(psi: float) -> list[dict]:
    return [Character(seed, psi=psi).to_dict() for seed in FIRST_SEEDS]


def _animation(keys: list[dict], path: str, frames: int, fps: int, easing: str, loop: str) -> Animation:
    return Animation(tuple(Character.from_dict(key) for key in keys), path, int(frames), int(fps), easing, loop)


def _moved(keys: list[dict], index: int, to: int) -> list[dict]:
    moved, rest = nth(keys, index), keys[:index] + keys[index + 1 :]
    return [*rest[:to], moved, *rest[to:]]

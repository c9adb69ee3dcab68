"""The Picture tab: the face of a checkpoint that is nearest to a picture of one's own."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
from PIL import Image

from animegen_core.character import Character
from animegen_core.data.decoding import Crop, square
from animegen_core.errors import AnimeGenError
from animegen_core.ui.components import progress_bar
from animegen_core.ui.latest import Latest
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.pace import Pace
from animegen_core.ui.page import Page, message
from animegen_core.ui.pictures import LARGE, caption, history_entry, large_view, shown_side
from animegen_core.ui.restore import controls_of
from animegen_core.ui.visitors import FILMS

_SIDE = 512  # px of the shown part of the picture
_STEPS, _MOST_STEPS = 100, 300
_ZOOM = 6


class PictureTab:
    """Builds the tab inside the current Blocks."""

    def __init__(self, page: Page) -> None:
        self.page, self.studios, self.latest = page, page.studios, Latest(page.demo)
        self.found = gr.State(None)  # checkpoint and character of the found face
        able = self.studios.able("inverts")
        with gr.Row(elem_classes="desk desk-compare"):
            with gr.Column(elem_classes="card"):
                self._controls(able)
            with gr.Column():
                self.progress = progress_bar("picture-progress")
                self.pair = gr.ImageSlider(
                    label="Your picture and its face", interactive=False, buttons=[], max_height=_SIDE, elem_id="picture-pair"
                )
                self.words = gr.Markdown("Drop a picture with one face. It is used here only, and deleted after an hour.")
                with gr.Row(elem_classes="buttons"):
                    sends = {
                        "generate": gr.Button("Edit in Generate", elem_id="picture-to-generate", min_width=120),
                        "animate": gr.Button("Animate", elem_id="picture-to-animate", min_width=120),
                    }
        self._wire(sends)

    def _controls(self, able: list[str]) -> None:
        self.picture = gr.Image(
            label="Picture",
            type="filepath",
            image_mode=None,
            sources=["upload", "clipboard"],
            height=220,
            buttons=[],
            elem_id="picture",
        )
        self.zoom = gr.Slider(1, _ZOOM, 1, step=0.05, label="Zoom", elem_id="picture-zoom")
        self.x = gr.Slider(0, 1, 0.5, step=0.01, label="Left to right", elem_id="picture-x")
        self.y = gr.Slider(0, 1, 0.5, step=0.01, label="Top to bottom", elem_id="picture-y")
        self.name = gr.Dropdown(
            [(self.studios.title(name), name) for name in able],
            value=self.studios.default if self.studios.default in able else next(iter(able), None),
            label="Drawn by",
            elem_id="picture-checkpoint",
        )
        self.steps = gr.Slider(
            0, _MOST_STEPS, _STEPS, step=10, label="Steps", info="More come nearer. A VAE needs none.", elem_id="picture-steps"
        )
        self.go = gr.Button("Find its face", variant="primary", size="lg", elem_id="picture-go")
        self.stop = gr.Button("Stop", elem_id="picture-stop")

    def _wire(self, sends: dict[str, gr.Button]) -> None:
        quiet = dict(api_visibility="private", show_progress="hidden")
        crop = [self.picture, self.zoom, self.x, self.y]
        framed = [self.picture.change, self.zoom.input, self.x.input, self.y.input]
        gr.on(framed, self.frame, crop, self.pair, trigger_mode="always_last", **quiet)
        outputs = [self.pair, self.words, self.progress, self.found, self.page.history]
        search = self.go.click(self.find, [*crop, self.name, self.steps], outputs, concurrency_id=FILMS, **quiet)
        self.stop.click(_over, None, self.progress, cancels=[search], **quiet)
        for target, button in sends.items():
            button.click(self._sender(target), self.found, controls_of(self.page), **quiet)

    @shows_errors
    def frame(self, path: str | None, zoom: float, x: float, y: float) -> tuple[Image.Image, Image.Image] | None:
        """Show the chosen part of the picture."""
        if path is None:
            return None
        part = _part(path, zoom, x, y)
        return part, part

    @shows_errors
    def find(
        self, request: gr.Request, path: str | None, zoom: float, x: float, y: float, name: str | None, steps: float
    ) -> Iterator[tuple]:
        """Search, and show the face as it comes nearer."""
        if path is None:
            raise AnimeGenError("There is no picture yet; drop, choose or paste one.")
        if name is None:
            raise AnimeGenError("No checkpoint here can find a face; styles or a VAE are needed.")
        is_newest = self.latest.begin(request)
        studio, part = self.studios.get(name), _part(path, zoom, x, y)
        pace, side = Pace(int(steps) + 1), shown_side(studio, LARGE)
        for done, character in enumerate(studio.search(part, int(steps))):
            if not is_newest():
                return
            if far := pace.report(done):
                yield (part, studio.render(character, side)), "Searching", far, gr.skip(), gr.skip()
        picture = studio.render(character, side)
        entry = history_entry(studio, character, large_view(studio, character, picture))
        words = f"{caption(character)} · {name}"
        yield (part, picture), words, None, {"checkpoint": name, "character": character.to_dict()}, entry

    def _sender(self, target: str) -> Any:
        @shows_errors
        def send(found: dict | None) -> tuple:
            if found is None:
                raise AnimeGenError("There is no face yet; click Find its face.")
            name, character = found["checkpoint"], Character.from_dict(found["character"])
            verb = {"generate": "show", "animate": "add"}[target]
            inboxes = (message(verb, character) if inbox == target else gr.skip() for inbox in self.page.inboxes)
            return name, name, gr.Tabs(selected=target), *inboxes

        return send


def _over() -> None:
    """Hide the progress bar."""


def _part(path: str, zoom: float, x: float, y: float) -> Image.Image:
    """The chosen square of a picture, RGB, ``_SIDE`` pixels."""
    return Image.fromarray(square(path, _SIDE, Crop(zoom, x, y)))

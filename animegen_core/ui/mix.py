"""The Mix tab: pose and shape of one face, features of another, colours of a third."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from animegen_core.character import BANDS, Character, Matrix
from animegen_core.errors import AnimeGenError
from animegen_core.grids import matrix_characters, matrix_sheet
from animegen_core.images import encode_png
from animegen_core.labels import ATTRIBUTES
from animegen_core.latents import parse_seeds
from animegen_core.models.styles import CROSSOVERS, doubled, doublings
from animegen_core.studio import Studio
from animegen_core.ui.components import face_row, live_face, progress_bar
from animegen_core.ui.controls import (
    ANY,
    FIRST_SEEDS,
    choice,
    colour,
    colour_radio,
    new_seed,
    psi_slider,
    seed_number,
    size_of,
    size_radio,
    the_seed,
)
from animegen_core.ui.downloads import LazyDownload
from animegen_core.ui.latest import Latest
from animegen_core.ui.links import CopyLink
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.pace import Pace
from animegen_core.ui.page import Page, message
from animegen_core.ui.pictures import (
    TILE,
    check_pixels,
    data_url,
    file_stem,
    history_entry,
    keep_file,
    large_view,
    previewer,
    shown_side,
)

_SIDE = 8  # faces in a row or column of the matrix
_PARTS = {"coarse": "Pose and shape", "middle": "Features and hair", "fine": "Colours"}
_LEAST, _MOST = 1, 5  # range of the crossover sliders in doublings of 4 px: 8 to 128 px


class MixTab:
    """Builds the tab inside the current Blocks."""

    def __init__(self, page: Page) -> None:
        self.page, self.studios = page, page.studios
        self.latest = Latest(page.demo)
        self.inbox = page.inboxes["mix"]
        self.template = gr.State({"seed": FIRST_SEEDS[0]})  # fields without a control: noise and variation
        first = self.studios.get(self.studios.default)
        able = first.capabilities.styles
        with gr.Column(visible=not able) as self.sorry:
            self.reason = gr.Markdown(_reason(first), elem_id="mix-reason")
            name = self.studios.best_with_styles()
            self.switch = gr.Button(
                f"Open {self.studios.title(name)}" if name else "", variant="primary", visible=bool(name), elem_id="mix-switch"
            )
        with gr.Column(visible=able, elem_id="mixer") as self.mixer:
            with gr.Row(elem_classes="desk desk-mix"):
                with gr.Column(elem_classes="card"):
                    self._lay_out_sources(first)
                with gr.Column(elem_classes="card stage"):
                    self._lay_out_result()
            with gr.Column(elem_classes="card"):
                self._lay_out_matrix()
        self._wire()

    def _lay_out_sources(self, first: Studio) -> None:
        self.sources = face_row("sources")
        with gr.Row(elem_classes="thirds"):
            self.seeds = [
                seed_number(_PARTS[band], f"mix-{band}", seed, min_width=90) for band, seed in zip(BANDS, FIRST_SEEDS)
            ]
        with gr.Row(elem_classes="thirds"):
            self.dice = [
                gr.Button("Another", size="sm", elem_classes="quiet", elem_id=f"dice-{band}", min_width=90) for band in BANDS
            ]
        with gr.Row(elem_classes="pair"):
            self.crossovers = [
                gr.Slider(_LEAST, _MOST, step, step=1, label=_crossover_label(band, step), elem_id=f"{band}-from")
                for band, step in zip(BANDS[1:], map(doublings, CROSSOVERS))
            ]
        self.hair, self.eyes = (
            colour_radio(attribute, f"mix-{attribute}", visible=first.capabilities.labels) for attribute in ATTRIBUTES
        )
        self.psi = psi_slider("mix-creativity", first.usual_psi)

    def _lay_out_result(self) -> None:
        self.portrait = live_face("mix-portrait", {"psi": "mix-creativity"}, previewer(self.studios))
        self.to_animate = gr.Button("Send to Animate", size="sm", elem_id="mix-to-animate", elem_classes="quiet")
        self.size = size_radio("mix-size")
        with gr.Row(elem_classes="buttons"):
            self.download = LazyDownload("Download PNG", "mix-download", min_width=120)
            self.link = CopyLink("mix-copy-link", size="md", elem_classes="quiet")

    def _lay_out_matrix(self) -> None:
        gr.HTML("<h3>Mixing matrix</h3>", elem_classes="row-title", padding=False)
        with gr.Row(elem_classes="thirds"):
            self.rows = gr.Textbox("1-4", label="Rows: seeds", info="Seeds of the colours.", elem_id="matrix-rows")
            self.columns = gr.Textbox(
                "11-16", label="Columns: seeds", info="Seeds of pose, shape and features.", elem_id="matrix-columns"
            )
            self.make = gr.Button("Make the matrix", elem_id="matrix-make", min_width=140)
        self.progress = progress_bar("matrix-progress")
        self.matrix = gr.Image(
            show_label=False,
            alt_text="Matrix of faces: each has the colours of its row's face and the shape of its column's",
            interactive=False,
            buttons=["download", "fullscreen"],
            type="filepath",
            visible=False,
            elem_id="matrix",
        )

    def _wire(self) -> None:
        page = self.page
        quiet = dict(api_visibility="private", show_progress="hidden")
        smooth = dict(quiet, trigger_mode="always_last")
        controls = [*self.seeds, *self.crossovers, self.hair, self.eyes, self.psi]
        blend = dict(
            fn=self.blend,
            inputs=[page.checkpoint, self.template, *controls],
            outputs=[self.sources, self.portrait, page.history],
            **smooth,
        )
        first = blend | dict(fn=self.blend_unasked, outputs=blend["outputs"][:2])
        changes = [*(c.input for c in (*self.crossovers, self.hair, self.eyes)), *(s.submit for s in self.seeds)]
        gr.on([*changes, *(s.blur for s in self.seeds), self.portrait.release], **blend)
        page.tab_items["mix"].select(**first)
        for die, seed in zip(self.dice, self.seeds):
            die.click(new_seed, None, seed, **quiet).then(**blend)
        for band, slider in zip(BANDS[1:], self.crossovers):
            slider.change(self._relabeller(band), slider, slider, queue=False, **quiet)
        adapted = [self.sorry, self.reason, self.mixer, self.hair, self.eyes]
        page.checkpoint.change(self.adapt, page.checkpoint, adapted, **quiet)
        picked = page.header.picked.change(self.adapt_to_picked, page.checkpoint, [*adapted, self.psi], **quiet)
        picked.then(**first)
        page.header.picks(self.switch.click, choose=self.studios.best_with_styles)
        shown = [self.template, *controls, self.rows, self.columns]
        opened = self.inbox.change(self.open_message, [self.inbox, *shown], shown, **quiet)
        opened.success(**blend | dict(fn=self.blend_opened, inputs=[self.inbox, *blend["inputs"]]))
        to_animate = [page.tabs, page.inboxes["animate"]]
        self.to_animate.click(self.send, [self.template, *controls], to_animate, **quiet)
        self.download.makes(self.one_file, [page.checkpoint, self.size, page.embed, self.template, *controls])
        self.link.copies(self.describe, [page.checkpoint, self.template, *controls])
        matrix = [page.checkpoint, self.rows, self.columns, *self.crossovers, self.hair, self.eyes, self.psi]
        matrix += [self.size, page.embed]
        made = [self.matrix, page.history, self.progress]
        self.make.click(self.make_matrix, matrix, made, **quiet)
        opened.success(self.make_opened, [self.inbox, *matrix], made, **quiet)

    @shows_errors
    def blend(self, request: gr.Request, name: str, template: dict, *controls: Any) -> tuple:
        """Draw the three sources and the mixed face, and add it to the history."""
        is_newest, studio = self.latest.begin(request), self.studios.get(name)
        if not studio.capabilities.styles:
            return (gr.skip(),) * 3
        character = _mixed(template, *controls)
        seeds = _seeds(character)
        plain = replace(character, variation_strength=0.0, **dict.fromkeys(BANDS))
        faces = [
            {
                "src": data_url(studio.render(replace(plain, seed=seed), shown_side(studio, TILE))),
                "label": f"Seed {seed}: {_PARTS[band]}",
            }
            | {"short": _PARTS[band]}
            for band, seed in zip(BANDS, seeds)
        ]
        view = large_view(studio, character) | {"caption": " + ".join(f"{seed}" for seed in seeds) + f" · {name}"}
        if not is_newest():
            return (gr.skip(),) * 3
        return faces, view, history_entry(studio, character, view)

    def blend_unasked(self, request: gr.Request, *what: Any) -> tuple:
        """As ``blend``, without an entry in the history, because the visitor has changed nothing."""
        return self.blend(request, *what)[:2]

    def blend_opened(self, request: gr.Request, note: dict, *what: Any) -> tuple:
        """As ``blend``, for a message; nothing is drawn if the message has a matrix."""
        blended = self.blend(request, *what)
        return (*blended[:2], gr.skip()) if "matrix" in note else blended

    @staticmethod
    def _relabeller(band: str) -> Callable[[int], dict]:
        return lambda step: gr.update(label=_crossover_label(band, step))

    @shows_errors
    def adapt(self, name: str) -> tuple:
        """Adapt to another checkpoint: show the mixer, or the reason why mixing is impossible."""
        studio = self.studios.get(name)
        able = studio.capabilities.styles
        colour = gr.update(visible=True) if studio.capabilities.labels else gr.update(visible=False, value=ANY)
        return gr.update(visible=not able), _reason(studio), gr.update(visible=able), colour, colour

    def adapt_to_picked(self, name: str) -> tuple:
        """As ``adapt``, and set its usual creativity."""
        return *self.adapt(name), self.studios.get(name).usual_psi

    @shows_errors
    def open_message(self, note: dict, template: dict, *controls: Any) -> tuple:
        """Take a message: a face as one source, with its colours and creativity, or a mixed character or matrix to open."""
        seeds, others, sides = list(controls[:3]), controls[3:8], controls[8:]
        if "matrix" in note:
            matrix = Matrix.from_dict(note["matrix"])
            _require_ours(matrix)
            return (
                template,
                *seeds,
                *_control_values(matrix.template),
                *(_seed_list(side) for side in (matrix.rows, matrix.columns)),
            )
        character = Character.from_dict(note.get("character"))
        if note["verb"] in BANDS:
            seeds[BANDS.index(note["verb"])] = character.seed
            from_middle, from_fine, hair, eyes, _ = others
            values = from_middle, from_fine, character.hair or hair, character.eyes or eyes, character.psi
            return {"seed": seeds[0]}, *seeds, *values, *sides
        seeds = _seeds(character)
        return note["character"], *seeds, *_control_values(character), *sides

    @shows_errors
    def send(self, template: dict, *controls: Any) -> tuple:
        """Send the mixed face to Animate as a key."""
        return gr.Tabs(selected="animate"), message("add", _mixed(template, *controls))

    def describe(self, name: str, template: dict, *controls: Any) -> dict[str, Any]:
        """The description of the mixed face."""
        return self.studios.get(name).describe(_mixed(template, *controls))

    @shows_errors
    def one_file(self, name: str, size: int, embed: bool, template: dict, *controls: Any) -> str:
        """The mixed face as a PNG."""
        studio, character = self.studios.get(name), _mixed(template, *controls)
        side = size_of(studio, size)
        png = encode_png(studio.render(character, side), studio.describe(character, side) if embed else None)
        return keep_file(png, f"{file_stem(studio, character, side)}.png", self.matrix.GRADIO_CACHE)

    @shows_errors
    def make_matrix(
        self,
        name: str,
        rows: str,
        columns: str,
        middle: int,
        fine: int,
        hair: str,
        eyes: str,
        psi: float,
        size: int,
        embed: bool,
    ) -> Iterator[tuple]:
        """Draw the matrix of every column's shape with every row's colours, and add it to the history."""
        seeds = [parse_seeds(rows), parse_seeds(columns)]
        for what, many in zip(("rows", "columns"), seeds):
            if len(many) > _SIDE:
                raise AnimeGenError(f"The matrix has {len(many)} {what}, but at most {_SIDE} are possible.")
        template = Character(0, colour(hair), colour(eyes), psi, crossovers=_sizes(middle, fine))
        matrix, studio = Matrix(*seeds, template=template), self.studios.get(name)
        side = size_of(studio, size)
        characters, faces = matrix_characters(matrix), []
        check_pixels(len(characters), "faces", side)
        pace = Pace(len(characters))
        for face in studio.render_many(characters, side):
            faces.append(face)
            if far := pace.report(len(faces)):
                yield gr.skip(), gr.skip(), far
        png = encode_png(matrix_sheet(matrix, faces), studio.describe(matrix, side) if embed else None)
        entry = {
            "src": data_url(studio.render(matrix.mixed(matrix.rows[0], matrix.columns[0]))),
            "label": f"Matrix of {len(matrix.rows)} rows and {len(matrix.columns)} columns · {name}",
            "description": studio.describe(matrix),
        }
        yield gr.Image(keep_file(png, "animegen-matrix.png", self.matrix.GRADIO_CACHE), visible=True), entry, None

    def make_opened(self, note: dict, *controls: Any) -> Iterator[tuple]:
        """Draw the matrix of a message."""
        if "matrix" in note:
            yield from self.make_matrix(*controls)


def _reason(studio: Studio) -> str:
    return (
        f"**{studio.checkpoint.name}** has no styles to mix: one latent sets the whole face. "
        "Mixing needs a StyleGAN or a StyleGAN2."
    )


def _crossover_label(band: str, step: int) -> str:
    return f"{_PARTS[band].split()[0]} begin at {doubled(int(step))} px"


def _sizes(middle: int, fine: int) -> tuple[int, int]:
    """Crossovers in px from the sliders; fine never begins before middle."""
    return doubled(int(middle)), doubled(max(int(middle), int(fine)))


def _control_values(character: Character) -> tuple:
    """Values of the controls for crossovers, colours and creativity."""
    return *_steps(character), choice(character.hair), choice(character.eyes), character.psi


def _steps(character: Character) -> list[int]:
    """Values of the crossover sliders."""
    return [min(max(doublings(size), _LEAST), _MOST) for size in character.crossovers]


def _seeds(character: Character) -> list[int]:
    """The seeds that give coarse, middle and fine styles."""
    return [character.seed if getattr(character, band) is None else getattr(character, band) for band in BANDS]


def _require_ours(matrix: Matrix) -> None:
    """Check that the controls can represent a matrix.

    Raises:
        AnimeGenError: it has settings for which there are no controls.
    """
    template = matrix.template
    ours = Character(0, template.hair, template.eyes, template.psi, crossovers=_sizes(*_steps(template)))
    if matrix != Matrix(matrix.rows, matrix.columns, template=ours):
        wish = "python -m animegen_core render"
        raise AnimeGenError(f"This matrix has bands or variations for which this page has no controls; {wish} draws it.")


def _seed_list(seeds: Sequence[int]) -> str:
    """Seeds as text, with ranges for consecutive seeds."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _mixed(
    template: dict,
    coarse: object,
    middle: object,
    fine: object,
    from_middle: int,
    from_fine: int,
    hair: str,
    eyes: str,
    psi: float,
) -> Character:
    """The character of the controls, with the template's noise and variation if it has them."""
    own = Character.from_dict(template)
    seeds = [the_seed(seed, band.capitalize()) for band, seed in zip(BANDS, (coarse, middle, fine))]
    if own.coarse is None and not own.variation_strength:
        own = replace(own, seed=seeds[0])  # the old seed has no effect
    sources = {band: None if seed == own.seed and getattr(own, band) is None else seed for band, seed in zip(BANDS, seeds)}
    return replace(own, hair=colour(hair), eyes=colour(eyes), psi=psi, crossovers=_sizes(from_middle, from_fine), **sources)

"""The Compare tab: the same seeds and settings on several checkpoints."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from animegen_core.character import Character
from animegen_core.errors import AnimeGenError
from animegen_core.studio import Studio
from animegen_core.ui.components import face_table, progress_bar
from animegen_core.ui.controls import character_of, colour_radio, consecutive_seeds, psi_slider, seed_number, the_seed
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.pace import Pace
from animegen_core.ui.page import Page
from animegen_core.ui.pictures import TILE, caption, data_url, shown_side
from animegen_core.ui.restore import restores

_MOST, _FACES = 4, 8  # checkpoints, and faces of each


class CompareTab:
    """Builds the tab inside the current Blocks."""

    def __init__(self, page: Page) -> None:
        self.studios = page.studios
        names = self.studios.names
        with gr.Row(elem_classes="desk desk-compare"):
            with gr.Column(elem_classes="card"):
                self.names = gr.CheckboxGroup(
                    [(self.studios.title(name), name) for name in names],
                    value=names[:_MOST],
                    label=f"Checkpoints, 2 to {_MOST}",
                    elem_id="compare-names",
                )
                self.seed = seed_number("First seed", "compare-seed", 2)
                self.faces = gr.Slider(1, _FACES, 6, step=1, label="Faces", elem_id="compare-faces")
                self.hair = colour_radio("hair", "compare-hair")
                self.eyes = colour_radio("eyes", "compare-eyes")
                self.psi = psi_slider("compare-creativity", self.studios.get(self.studios.default).usual_psi)
            with gr.Column():
                self.progress = progress_bar("compare-progress")
                self.table = face_table("compare-table")
        restores(page, self.table.pick)
        controls = [self.names, self.faces, self.seed, self.hair, self.eyes, self.psi]
        changes = [self.names.input, self.faces.input, self.hair.input, self.eyes.input, self.psi.input, self.seed.submit]
        gr.on(
            [*changes, self.seed.blur, page.tab_items["compare"].select],
            self.compare,
            controls,
            [self.table, self.progress],
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="always_last",
        )

    @shows_errors
    def compare(self, names: list[str], faces: int, seed: float, *values: Any) -> Iterator[tuple]:
        """Draw a row of faces of each checkpoint."""
        if not 2 <= len(names) <= _MOST:
            raise AnimeGenError(f"{len(names)} checkpoints are ticked; tick 2 to {_MOST} to compare.")
        template = character_of(the_seed(seed, "First seed"), *values)
        characters = [replace(template, seed=s) for s in consecutive_seeds(template.seed, faces)]
        studios = [self.studios.get(name) for name in names]
        pace, rows = Pace(len(studios) * len(characters)), []
        for studio in studios:
            title = self.studios.title(studio.checkpoint.name)
            rows.append({"title": title, "note": _note(studio, characters[0]), "faces": []})
            for face in self._faces(studio, characters):
                rows[-1]["faces"].append(face)
                if far := pace.report(sum(len(row["faces"]) for row in rows)):
                    yield gr.skip(), far
        yield rows, None

    def _faces(self, studio: Studio, characters: list[Character]) -> Iterator[dict[str, Any]]:
        """Yield a checkpoint's faces; without the chosen colours if it has no labels."""
        if not studio.capabilities.labels:
            characters = [replace(character, hair=None, eyes=None) for character in characters]
        for character, picture in zip(characters, studio.render_many(characters, shown_side(studio, TILE))):
            yield {"src": data_url(picture), "label": caption(character), "description": studio.describe(character)}


def _note(studio: Studio, wanted: Character) -> str:
    info = studio.checkpoint.info()
    note = f"{info['family']}, {info['resolution']} px, {info['images_seen']:,} training images seen"
    if (wanted.hair or wanted.eyes) and not studio.capabilities.labels:
        note += "; does not know colours, so any"
    return note

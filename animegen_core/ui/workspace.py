"""The layout of the Generate tab: controls on the left, faces in the middle, the chosen face on the right."""

import gradio as gr

from animegen_core.character import BANDS
from animegen_core.ui.change import Change
from animegen_core.ui.components import face_grid, face_row, live_face, progress_bar
from animegen_core.ui.controls import FACES_AT_FIRST, FIRST_SEED, MAX_FACES, colour_radio, psi_slider, seed_number, size_radio
from animegen_core.ui.downloads import LazyDownload
from animegen_core.ui.links import CopyLink
from animegen_core.ui.pictures import previewer
from animegen_core.ui.sheets import Sheets
from animegen_core.ui.studios import Studios

_PARTS = {"coarse": "Pose", "middle": "Features", "fine": "Colours"}  # what a mix takes from the chosen face


def section(title: str, elem_id: str, is_open: bool = True) -> gr.Accordion:
    """A part of a panel that folds."""
    return gr.Accordion(title, open=is_open, elem_id=elem_id, elem_classes="section")


class Workspace:
    """Builds the components of the tab inside the current Blocks; ``GenerateTab`` gives them their behaviour.

    Attributes:
        go, seed, lock, faces: button and fields for new faces.
        hair, eyes, psi, towards, strength: controls of the description; ``traits`` is all of them, in this order, and two of
            ``change``.
        change: what changes a face and keeps it.
        looks: three examples.
        progress, gallery, psi_row, hair_row: the faces.
        portrait, link, sends, size, download, download_all, sheets: the chosen face, and what can be done with it.
    """

    def __init__(self, studios: Studios) -> None:
        self.studios = studios
        with gr.Row(elem_classes="desk desk-generate"):
            with gr.Column(elem_classes="card controls sticky"):
                self._controls()
            with gr.Column(elem_classes="faces"):
                self._faces()
            with gr.Column(elem_classes="card chosen sticky"):
                self._chosen()
        self.traits = [self.hair, self.eyes, self.psi, self.towards, self.strength, self.change.keep, self.change.sliders]

    def _controls(self) -> None:
        labels = self.studios.opens_with("labels")
        self.go = gr.Button("Generate", variant="primary", size="lg", elem_id="generate")
        with gr.Row(elem_classes="pair"):
            self.seed = seed_number("Seed", "seed", FIRST_SEED, min_width=90)
            self.lock = gr.Checkbox(label="Lock seed", elem_id="lock", min_width=90)
        self.hair = colour_radio("hair", "hair", visible=labels)
        self.eyes = colour_radio("eyes", "eyes", visible=labels)
        self.change = Change(self.studios)
        self.psi = psi_slider("creativity", self.studios.get(self.studios.default).usual_psi)
        self.faces = gr.Slider(1, MAX_FACES, FACES_AT_FIRST, step=1, label="Faces", elem_id="faces")
        self.looks = face_row("looks", "Looks to start from")
        with section("Variation", "variation", is_open=False):
            self.towards = seed_number("Toward seed", "variation-seed", 1)
            self.strength = gr.Slider(0, 1, 0, step=0.01, label="Strength", elem_id="variation-strength")

    def _faces(self) -> None:
        self.progress = progress_bar("progress", cancellable=True)
        self.gallery = face_grid("gallery")
        self.psi_row = face_row("psi-row", "The chosen face from calm to wild")
        self.hair_row = face_row("hair-row", "In every hair colour", visible=self.studios.opens_with("labels"))

    def _chosen(self) -> None:
        controls = {"psi": "creativity", "variation_seed": "variation-seed", "variation_strength": "variation-strength"}
        self.portrait = live_face("portrait", controls, previewer(self.studios))
        with gr.Row(elem_classes="buttons quick"):
            self.download = LazyDownload("Download PNG", "download", min_width=120)
            self.link = CopyLink("copy-link", size="md", elem_classes="quiet")
        with section("Send to", "send"), gr.Row(elem_classes="buttons"):
            animate = gr.Button("Animate", size="sm", elem_id="to-animate", elem_classes="quiet", min_width=70)
            mixes = {
                band: gr.Button(f"Mix: {part}", size="sm", elem_id=f"to-{band}", elem_classes="quiet", min_width=70)
                for band, part in _PARTS.items()
            }
        self.sends = {"animate": animate, **{band: mixes[band] for band in BANDS}}
        with section("Files", "files"):
            self.size = size_radio("download-size")
            with gr.Row(elem_classes="buttons"):
                self.download_all = LazyDownload("Download all faces", "download-all", min_width=120)
        with section("Sheets and cut-outs", "sheets"):
            self.sheets = Sheets(self.studios, self.size)

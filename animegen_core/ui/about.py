"""The About tab: facts about the checkpoint, and advice on the use of its faces."""

import re

import gradio as gr

from animegen_core.checkpoint import CARD
from animegen_core.studio import Studio
from animegen_core.ui.components import asset
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.page import Page


class AboutTab:
    """Builds the tab inside the current Blocks."""

    def __init__(self, page: Page) -> None:
        self.studios = page.studios
        with gr.Row(elem_classes="desk desk-about"):
            with gr.Column(elem_classes="card"):
                card = gr.Markdown(_card(self.studios.get(self.studios.default)), elem_id="card", elem_classes="prose-panel")
            with gr.Column(elem_classes="card"):
                gr.Markdown(asset("about.md"), elem_id="about", elem_classes="prose-panel")
        page.checkpoint.change(self.show, page.checkpoint, card, api_visibility="private", show_progress="hidden")

    @shows_errors
    def show(self, name: str) -> str:
        """The card of another checkpoint."""
        return _card(self.studios.get(name))


def _card(studio: Studio) -> str:
    """Facts from the config, then the text of the model card, without its images and links to files."""
    info = studio.checkpoint.info()
    facts = [
        ("Network", f"{info['family']}, {info['resolution']} px, {info['generator_parameters']:,} parameters"),
        ("Trained on", info["trained_on"]),
        ("Training images seen", f"{info['images_seen']:,}"),
        ("Licence", info["licence"]),
        ("Weights", f"`{info['hash']}` (first digits of their SHA-256)"),
    ]
    table = "\n".join(f"- **{name}:** {value}" for name, value in facts)
    path = studio.checkpoint.path / CARD
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if text.startswith("---"):
        text = text.split("---", 2)[-1]
    text = re.sub(r"^# .*$", "", _without_pictures(text), flags=re.MULTILINE)
    return _plain(f"## {studio.checkpoint.name}\n\n{table}\n\n{text.strip()}")


def _plain(text: str) -> str:
    """Markdown that loads nothing when it is shown: without HTML, images and diagrams."""
    text = re.sub(r"<[^>]*>", "", text).replace("<", "&lt;")
    text = re.sub(r"!+(?=\s*\[)", "", text)  # an image becomes a link
    text = re.sub(r"\[([^\]\n]+)\]\((?!https?:)[^)\s]*\)", r"\1", text)  # links to files beside the card do not work here
    return re.sub(r"^(\W*?(?:`{3,}|~{3,})).*$", r"\1", text, flags=re.MULTILINE)  # drop the language of a fence


def _without_pictures(card: str) -> str:
    """The card without images, whose files are not available here, and without paragraphs that introduce them."""
    paragraphs = card.split("\n\n")
    pictures = [paragraph.lstrip().startswith("![") for paragraph in paragraphs] + [False]
    announced = [paragraph.rstrip().endswith(":") for paragraph in paragraphs]
    return "\n\n".join(
        paragraph
        for paragraph, picture, announces, before_picture in zip(paragraphs, pictures, announced, pictures[1:])
        if not picture and not (announces and before_picture)
    )

"""Sheets and cut-outs of the chosen face: transparent background, line art, palette, character sheet."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from PIL import Image

from animegen_core.artwork import character_sheet, cut_out, gimp_palette, line_art, main_colours, palette_picture
from animegen_core.artwork.pictures import encode
from animegen_core.character import Character
from animegen_core.studio import Studio
from animegen_core.ui.components import palette_row
from animegen_core.ui.controls import size_of
from animegen_core.ui.downloads import LazyDownload
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.page import Page
from animegen_core.ui.pictures import LARGE, file_stem, keep_file, shown_side
from animegen_core.ui.studios import Studios

_COLOURS = 6


class Sheets:
    """Builds the buttons inside the current Blocks.

    Args:
        size: of the files in pixels.
    """

    def __init__(self, studios: Studios, size: gr.Radio) -> None:
        self.studios, self.size = studios, size
        with gr.Row(elem_classes="buttons twos"):
            self.png = LazyDownload("Transparent PNG", "cutout-png", min_width=120)
            self.webp = LazyDownload("Transparent WebP", "cutout-webp", min_width=120)
            self.lines = LazyDownload("Line art", "line-art", min_width=120)
            self.sheet = LazyDownload("Character sheet", "character-sheet", min_width=120)
        self.name = gr.Textbox(label="Name on the sheet", placeholder="none", max_length=40, elem_id="sheet-name")
        self.show_palette = gr.Button("Palette", elem_id="palette-show")
        self.palette = palette_row("palette")
        with gr.Row(elem_classes="buttons twos"):
            self.palette_png = LazyDownload("Palette as PNG", "palette-png", min_width=120)
            self.palette_gpl = LazyDownload("Palette as GPL", "palette-gpl", min_width=120)

    def wire(self, page: Page, chosen: Callable[..., Character], inputs: list) -> None:
        """Give the buttons their behaviour.

        Args:
            chosen: returns the character for the values of ``inputs``.
        """
        self._chosen, self._cache = chosen, page.header.restore.GRADIO_CACHE
        drawn = [page.checkpoint, self.size, page.embed, *inputs]
        self.png.makes(self._converter("cutout", ".png", cut_out), drawn)
        self.webp.makes(self._converter("cutout", ".webp", cut_out), drawn)
        self.lines.makes(self._converter("lines", ".png", line_art), drawn)
        self.sheet.makes(self._sheet, [self.name, page.checkpoint, page.embed, *inputs])
        quiet = dict(api_visibility="private", show_progress="hidden")
        self.show_palette.click(self._palette, [page.checkpoint, *inputs], self.palette, **quiet)
        for suffix, button in ((".png", self.palette_png), (".gpl", self.palette_gpl)):
            button.makes(self._palette_maker(suffix), [page.checkpoint, *inputs])

    def _converter(self, what: str, suffix: str, convert: Callable[[Image.Image], Image.Image]) -> Callable[..., str]:
        @shows_errors
        def make(name: str, size: int, embed: bool, *values: Any) -> str:
            studio, character = self.studios.get(name), self._chosen(*values)
            side = size_of(studio, size)
            picture = convert(studio.render(character, side))
            content = encode(picture, suffix, studio.describe(character, side) if embed else None)
            return keep_file(content, f"{file_stem(studio, character, side)}-{what}{suffix}", self._cache)

        return make

    @shows_errors
    def _sheet(self, title: str, name: str, embed: bool, *values: Any) -> str:
        studio, character = self.studios.get(name), self._chosen(*values)
        picture = character_sheet(studio, character, title.strip())
        content = encode(picture, ".png", studio.describe(character) if embed else None)
        return keep_file(content, f"{file_stem(studio, character, picture.width)}-sheet.png", self._cache)

    @shows_errors
    def _palette(self, name: str, *values: Any) -> list[dict[str, Any]]:
        studio = self.studios.get(name)
        swatches = main_colours(_shown(studio, self._chosen(*values)), _COLOURS)
        return [{"hex": swatch.hex, "percent": round(100 * swatch.fraction)} for swatch in swatches]

    def _palette_maker(self, suffix: str) -> Callable[..., str]:
        @shows_errors
        def make(name: str, *values: Any) -> str:
            studio, character = self.studios.get(name), self._chosen(*values)
            swatches = main_colours(_shown(studio, character), _COLOURS)
            stem = f"{file_stem(studio, character, studio.sizes[0])}-palette"
            content = encode(palette_picture(swatches), suffix) if suffix == ".png" else gimp_palette(swatches, stem).encode()
            return keep_file(content, f"{stem}{suffix}", self._cache)

        return make


def _shown(studio: Studio, character: Character) -> Image.Image:
    """The face as the page shows it, so that its palette is that of the picture on the screen."""
    return studio.render(character, shown_side(studio, LARGE))

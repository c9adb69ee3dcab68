"""What is made from drawn faces for work in other programs: cut-outs, palettes, line art and character sheets."""

from animegen_core.artwork.character_sheet import character_sheet
from animegen_core.artwork.cutout import cut_out
from animegen_core.artwork.line_art import line_art
from animegen_core.artwork.palette import Swatch, gimp_palette, main_colours, palette_picture

__all__ = ["Swatch", "character_sheet", "cut_out", "gimp_palette", "line_art", "main_colours", "palette_picture"]

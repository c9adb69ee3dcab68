"""A sheet that introduces one character: the face, variants, its palette, a name and the seed."""

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image, ImageDraw, ImageFont

from animegen_core.artwork.palette import main_colours
from animegen_core.character import Character
from animegen_core.errors import AnimeGenError, quote
from animegen_core.studio import Studio

HAIRS = ("black", "brown", "blonde", "red", "pink", "purple", "blue", "green")  # of the variants
PSIS = (0.4, 0.55, 0.7, 0.85, 1.0, 1.1, 1.2, 1.3)  # of the variants of checkpoints that know no colours
_LONGEST_NAME = 40  # characters
_WIDTH, _HEIGHT = 1888, 1024  # px
_LARGE, _SMALL, _GAP = 768, 256, 32  # px
_INK, _QUIET = "#211f2b", "#625e6d"


def variants(studio: Studio, character: Character) -> list[tuple[str, Character]]:
    """Captions and descriptions of the eight small faces: hair colours, or creativities if the checkpoint knows no colours."""
    if studio.capabilities.labels:
        return [(f"{hair} hair", replace(character, hair=hair)) for hair in HAIRS]
    return [(f"creativity {psi:g}", replace(character, psi=psi)) for psi in PSIS]


def character_sheet(studio: Studio, character: Character, name: str = "") -> Image.Image:
    """Draw the sheet, an RGB image of 1888 x 1024 px.

    Args:
        name: of the character; without one the seed is the title.

    Raises:
        AnimeGenError: the name is too long or has control characters, or the checkpoint cannot draw the character.
    """
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise AnimeGenError(f"The name is {quote(name)}, but must be at most {_LONGEST_NAME} printable characters.")
    face = _drawn(studio, character, _LARGE)
    small = [(caption, _drawn(studio, variant, _SMALL)) for caption, variant in variants(studio, character)]
    return _laid_out(face, small, name.strip() or f"Seed {character.seed}", _facts(studio, character))


def _drawn(studio: Studio, character: Character, side: int) -> Image.Image:
    """The face with ``side`` pixels, drawn at up to four times the checkpoint's own size: more would add no detail."""
    size = next((size for size in studio.sizes[:3] if size >= side), studio.sizes[:3][-1])
    return studio.render(character, size).resize((side, side), Image.Resampling.LANCZOS)


def _facts(studio: Studio, character: Character) -> str:
    words = [f"seed {character.seed}", f"creativity {character.psi:g}"]
    words += [f"{colour} {part}" for part, colour in (("hair", character.hair), ("eyes", character.eyes)) if colour]
    return " · ".join([*words, studio.checkpoint.name])


def _laid_out(face: Image.Image, small: Sequence[tuple[str, Image.Image]], title: str, facts: str) -> Image.Image:
    """Title and face on the left with the palette below, the variants in two columns of four beside them."""
    sheet = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    brush = ImageDraw.Draw(sheet)
    fonts = {size: ImageFont.load_default(size) for size in (52, 24, 20)}
    brush.text((_GAP, 36), title, _INK, fonts[52])
    brush.text((_GAP, 110), facts, _QUIET, fonts[24])
    top = 168
    sheet.paste(face, (_GAP, top))
    for index, (caption, picture) in enumerate(small):
        row, column = divmod(index, 4)
        left, upper = _LARGE + 2 * _GAP + column * _SMALL, top + row * (_SMALL + 40)
        sheet.paste(picture.resize((_SMALL - 16, _SMALL - 16), Image.Resampling.LANCZOS), (left, upper))
        brush.text((left, upper + _SMALL - 6), caption, _QUIET, fonts[20])
    swatches = main_colours(face, 8)
    side = 128
    upper = top + _LARGE - side
    for index, swatch in enumerate(swatches):
        left = _LARGE + 2 * _GAP + index * side
        brush.rectangle((left, upper, left + side - 17, upper + side - 17), swatch.hex)
        brush.text((left, upper + side - 8), swatch.hex, _QUIET, fonts[20])
    brush.text((_GAP, _HEIGHT - 52), "Drawn with AnimeGen", _QUIET, fonts[20])
    return sheet

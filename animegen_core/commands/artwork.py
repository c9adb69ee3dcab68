"""The commands ``cutout``, ``lineart``, ``palette`` and ``sheet``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from animegen_core.artwork import character_sheet, cut_out, gimp_palette, line_art, main_colours, palette_picture
from animegen_core.artwork.palette import COLOURS
from animegen_core.artwork.pictures import FORMATS, description_of, read_picture, save
from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_path
from animegen_core.images import read_description
from animegen_core.studio import Studio, read_character

_Face = Annotated[Path, typer.Argument(help="An image of a face; one that AnimeGen wrote, or another.")]
_Out = Annotated[Path, typer.Option(help=f"The file to write: {' or '.join(FORMATS)}.")]


def cutout(face: _Face, out: _Out) -> None:
    """Write a face with a transparent background; it must stand before white."""
    _converted(cut_out, face, out)


def lineart(face: _Face, out: _Out) -> None:
    """Write a face as dark lines on white."""
    _converted(line_art, face, out)


def palette(
    face: _Face,
    out: Annotated[Path, typer.Option(help="A .png file, or a .gpl file for GIMP, Krita or Inkscape.")],
    colours: Annotated[int, typer.Option(help="Number of colours, {} to {}.".format(*COLOURS))] = 6,
) -> None:
    """Write the main colours of a face, and print their codes."""
    if out.suffix.lower() not in (".png", ".gpl"):
        raise AnimeGenError(f"A palette is written as .png or .gpl, not to {quote(out.name)}.")
    swatches = main_colours(read_picture(face), colours)
    if out.suffix.lower() == ".png":
        save(palette_picture(swatches), out)
    else:
        with atomic_path(out) as temporary:
            temporary.write_text(gimp_palette(swatches, face.stem), encoding="utf-8")
    typer.echo("\n".join(f"{swatch.hex} {swatch.fraction:.0%}" for swatch in swatches))


def sheet(
    face: Annotated[Path, typer.Argument(help="A file of a face that AnimeGen wrote.")],
    out: _Out,
    name: Annotated[str, typer.Option(help="Name of the character, as the title.")] = "",
    checkpoint: Annotated[str | None, typer.Option(help="Checkpoint; by default that of the file.")] = None,
) -> None:
    """Write a character sheet: the face, eight variants, palette, name and seed."""
    description = read_description(face)
    found, character = read_character(description)
    studio = Studio.load(checkpoint or found)
    save(character_sheet(studio, character, name), out, studio.describe(character))


def _converted(convert: Callable[[Image.Image], Image.Image], face: Path, out: Path) -> None:
    if out.suffix.lower() not in FORMATS:
        raise AnimeGenError(f"The picture is written as {' or '.join(FORMATS)}, not to {quote(out.name)}.")
    save(convert(read_picture(face)), out, description_of(face))

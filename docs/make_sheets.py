"""python -m docs.make_sheets CHECKPOINT: draws the sheets of uncurated faces for the card of a checkpoint."""

import sys
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from animegen_core import Character, Studio
from animegen_core.grids import generate_style_mixing_grid
from animegen_core.images import make_grid
from animegen_core.labels import HAIR

_FOLDER = Path(__file__).parent
_SIDE = 128  # pixels of a face at least; on the sheets of colours and mixes exactly
_SEEDS = range(64)
_ROWS, _COLUMNS = range(1, 6), range(11, 17)  # seeds of the mixing matrix
_PAINTER = "portraits-128"  # draws the faces that a VAE reconstructs; no training image may be shown


def sheets(studio: Studio) -> Iterable[tuple[str, Image.Image]]:
    """Suffixes of file names, and sheets."""
    usual, side = studio.usual_psi, max(_SIDE, studio.sizes[0])

    def sheet(characters: Iterable[Character]) -> Image.Image:
        return make_grid(list(studio.render_many(list(characters), side)), columns=8)

    def small(image: Image.Image) -> Image.Image:
        return image.resize([length * _SIDE // side for length in image.size], Image.Resampling.LANCZOS)

    yield "", sheet(Character(seed, psi=usual) for seed in _SEEDS)
    if usual != 1:
        yield "-psi1", sheet(Character(seed) for seed in _SEEDS)
    if studio.capabilities.labels:
        yield "-hair", small(sheet(Character(seed, hair, psi=usual) for hair in HAIR for seed in range(8)))
        if studio.capabilities.styles:
            recoloured = (Character(seed, psi=usual, recolour_hair=hair) for hair in HAIR for seed in range(8))
            yield "-recoloured", small(sheet(recoloured))
    if studio.capabilities.styles:
        mixed = generate_style_mixing_grid(studio, _ROWS, _COLUMNS, template=Character(0, psi=usual), size=side)
        yield "-mixing", small(mixed)
    if hasattr(studio.checkpoint.generator, "encode"):
        drawn = list(Studio.load(_PAINTER).render_many([Character(seed) for seed in range(16)]))
        again = [studio.render(studio.invert(face)) for face in drawn]
        rows = [face for start in (0, 8) for half in (drawn, again) for face in half[start : start + 8]]
        yield "-reconstructions", make_grid([face.resize((_SIDE, _SIDE)) for face in rows], columns=8)


if __name__ == "__main__":
    for _name in sys.argv[1:]:
        for _suffix, _sheet in sheets(Studio.load(_name)):
            _sheet.save(_FOLDER / f"{_name}{_suffix}.jpg", quality=90)

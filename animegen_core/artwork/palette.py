"""The main colours of a face, for painting in other programs."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from animegen_core.artwork.oklab import from_oklab, picture_to_oklab
from animegen_core.errors import check_whole

COLOURS = (5, 8)  # least and most colours of a palette
_SIDE = 96  # px to which a picture is reduced: more pixels give the same colours
_ROUNDS = 30
_SWATCH, _LABEL = 128, 36  # px


@dataclass(frozen=True)
class Swatch:
    """One colour of a palette.

    Attributes:
        red, green, blue: from 0 to 255.
        fraction: of the picture's pixels that are nearest to it.
    """

    red: int
    green: int
    blue: int
    fraction: float

    @property
    def hex(self) -> str:
        """As in style sheets: "#ff8800"."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


def main_colours(picture: Image.Image, colours: int = 6) -> list[Swatch]:
    """The main colours by k-means in OKLab, the most frequent first. The same picture gives the same colours.

    The first centres are the mean and then always the pixel that is farthest from all centres, so that small areas, such as
    the eyes, get a colour of their own.

    Raises:
        AnimeGenError: the number of colours is out of range.
    """
    check_whole("The number of colours", colours, *COLOURS)
    small = picture.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    pixels = picture_to_oklab(small).reshape(-1, 3)
    centres = pixels.mean(axis=0, keepdims=True)
    while len(centres) < colours:
        farthest = _distances(pixels, centres).min(axis=1).argmax()
        centres = np.vstack([centres, pixels[farthest]])
    for _ in range(_ROUNDS):
        nearest = _distances(pixels, centres).argmin(axis=1)
        centres = np.stack([pixels[nearest == k].mean(axis=0) if (nearest == k).any() else c for k, c in enumerate(centres)])
    counts = np.bincount(_distances(pixels, centres).argmin(axis=1), minlength=colours)
    order = np.argsort(-counts, kind="stable")
    return [Swatch(*map(int, rgb), float(counts[k] / len(pixels))) for k, rgb in zip(order, from_oklab(centres[order]))]


def _distances(pixels: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances (N, K) of pixels (N, 3) from centres (K, 3)."""
    return ((pixels[:, None] - centres) ** 2).sum(axis=2)


def palette_picture(swatches: list[Swatch]) -> Image.Image:
    """A strip of squares with the colours' codes below."""
    strip = Image.new("RGB", (_SWATCH * len(swatches), _SWATCH + _LABEL), "white")
    brush, font = ImageDraw.Draw(strip), ImageFont.load_default(18)
    for index, swatch in enumerate(swatches):
        left = index * _SWATCH
        brush.rectangle((left, 0, left + _SWATCH - 1, _SWATCH - 1), (swatch.red, swatch.green, swatch.blue))
        brush.text((left + _SWATCH / 2, _SWATCH + _LABEL / 2), swatch.hex, "black", font, anchor="mm")
    return strip


def gimp_palette(swatches: list[Swatch], name: str) -> str:
    """The colours as a GPL file, which GIMP, Krita, Inkscape and others read."""
    lines = [f"{s.red:3d} {s.green:3d} {s.blue:3d}\t{s.hex}" for s in swatches]
    title = " ".join(name.split())
    return "\n".join(["GIMP Palette", f"Name: {title}", f"Columns: {len(swatches)}", "#", *lines, ""])

"""Large pictures to the small ones an upscaler learns from: moderately spoiled, as what generators draw is clean but soft.

In the manner of Zhang et al. 2021 (https://arxiv.org/abs/2103.14006): blur, resizing, noise and compression, each of random
kind and strength and often left out. Everything is a function of the random generator that is handed in.
"""

import io

import numpy as np
from PIL import Image, ImageFilter
from PIL.Image import Resampling

_FILTERS = (Resampling.BOX, Resampling.BILINEAR, Resampling.BICUBIC, Resampling.LANCZOS)
_CODECS = ("JPEG", "WEBP")
_SIDES = (2 / 3, 5 / 4)  # of the square that becomes a patch, as shares of the patch's own
_SHARPEN = 300  # percent of unsharp masking of a square that was doubled; less for those that were enlarged less

# Probability of each step, and its strongest form.
_BLURRED, _BLUR = 0.4, 0.4  # deviation along x and along y, in pixels of the small picture
_RESIZED_TWICE = 0.25
_SOFTENED, _SOFTER, _RINGING = 0.6, 0.5, 0.4  # share of the finest detail that is taken away, or added once more
_NOISY, _NOISE = 0.3, 3.0  # deviation out of 255
_CHECKERED, _CHECKERS = 0.2, 2.0  # amplitude out of 255
_COMPRESSED, _QUALITIES = 0.2, (75, 99)


def random_patch(picture: Image.Image, size: int, random: np.random.Generator) -> Image.Image:
    """A random square of a picture, mirrored half of the time, at 4/5 to 3/2 of its scale as ``size`` x ``size`` pixels.

    Faces of generators fill the frame, those of portraits do not: hence the enlarged ones, whose lines are sharpened again, as
    soft ones would teach an upscaler to be soft.
    """
    side = min(round(size * random.uniform(*_SIDES)), *picture.size)
    left = int(random.integers(0, picture.width - side, endpoint=True))
    top = int(random.integers(0, picture.height - side, endpoint=True))
    patch = picture.resize((size, size), Resampling.LANCZOS, (left, top, left + side, top + side))
    if side < size:
        patch = patch.filter(ImageFilter.UnsharpMask(radius=1, percent=round(_SHARPEN * (size / side - 1)), threshold=0))
    return patch.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else patch


def degrade(picture: Image.Image, random: np.random.Generator, scale: int = 4) -> Image.Image:
    """A small picture of which ``picture``, RGB and square with a side that ``scale`` divides, may be the enlargement."""
    small = picture.width // scale
    if random.random() < _BLURRED:
        picture = picture.filter(ImageFilter.GaussianBlur((scale * random.random() * _BLUR, scale * random.random() * _BLUR)))
    if random.random() < _RESIZED_TWICE:
        picture = _resize(picture, int(random.integers(2 * small, picture.width, endpoint=True)), random)
    picture = _resize(picture, small, random)
    if random.random() < _SOFTENED:
        picture = _soften_or_ring(picture, random.uniform(-_SOFTER, _RINGING))
    picture = _add_noise(picture, random)
    return _compress(picture, random) if random.random() < _COMPRESSED else picture


def _resize(picture: Image.Image, side: int, random: np.random.Generator) -> Image.Image:
    return picture.resize((side, side), _FILTERS[random.integers(len(_FILTERS))])


def _soften_or_ring(picture: Image.Image, amount: float) -> Image.Image:
    """Weaken the finest detail, as generators do, or overdraw it, which leaves a light seam beside every dark line."""
    return Image.blend(picture.filter(ImageFilter.GaussianBlur(1)), picture, 1 + amount)


def _add_noise(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Grain of every pixel, and the checkerboard that transposed convolutions leave (Odena et al. 2016)."""
    pixels = np.asarray(picture, dtype=np.float32)  # (H, W, 3)
    noisy, checkered = random.random() < _NOISY, random.random() < _CHECKERED
    if noisy:
        deviation = random.uniform(0, _NOISE)
        pixels = pixels + deviation * random.standard_normal(pixels.shape, dtype=np.float32)
    if checkered:
        rows, columns = np.indices(pixels.shape[:2])
        pixels = pixels + random.uniform(0, _CHECKERS) * (1 - 2 * ((rows + columns) % 2))[..., None]
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)) if noisy or checkered else picture


def _compress(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, _CODECS[random.integers(len(_CODECS))], quality=int(random.integers(*_QUALITIES, endpoint=True)))
    return Image.open(stream).convert("RGB")

"""Makes the small images that an upscaler is trained on: moderately degraded, because generators draw clean but soft faces.

After Zhang et al. 2021 (https://arxiv.org/abs/2103.14006): blur, resizing, noise and compression, each of random kind and
strength and often left out. All randomness comes from the generator that is passed in.
"""

import io

import numpy as np
from PIL import Image, ImageFilter
from PIL.Image import Resampling

_FILTERS = (Resampling.BOX, Resampling.BILINEAR, Resampling.BICUBIC, Resampling.LANCZOS)
_CODECS = ("JPEG", "WEBP")
_SIDES = (2 / 3, 5 / 4)  # side of the square that is cut out, relative to the patch
_SHARPEN = 300  # percent of unsharp masking for a square enlarged twice; proportionally less for smaller factors

# Probability and maximum strength of each step.
_BLURRED, _BLUR = 0.4, 0.4  # standard deviation along x and along y, in pixels of the small image
_RESIZED_TWICE = 0.25
_SOFTENED, _SOFTER, _RINGING = 0.6, 0.5, 0.4  # fraction of the finest detail that is removed, or added
_NOISY, _NOISE = 0.3, 3.0  # standard deviation, of 255
_CHECKERED, _CHECKERS = 0.2, 2.0  # amplitude, of 255
_COMPRESSED, _QUALITIES = 0.2, (75, 99)


def random_patch(picture: Image.Image, size: int, random: np.random.Generator) -> Image.Image:
    """A random square of an image, scaled by 4/5 to 3/2 to ``size`` x ``size`` pixels and mirrored with probability one half.

    Generated faces fill the frame and those of portraits do not, so some squares are enlarged. These are sharpened, or the
    upscaler would learn to be soft.
    """
    side = min(round(size * random.uniform(*_SIDES)), *picture.size)
    left = int(random.integers(0, picture.width - side, endpoint=True))
    top = int(random.integers(0, picture.height - side, endpoint=True))
    patch = picture.resize((size, size), Resampling.LANCZOS, (left, top, left + side, top + side))
    if side < size:
        patch = patch.filter(ImageFilter.UnsharpMask(radius=1, percent=round(_SHARPEN * (size / side - 1)), threshold=0))
    return patch.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else patch


def patch_of_pair(
    small: np.ndarray, large: np.ndarray, size: int, random: np.random.Generator
) -> tuple[Image.Image, Image.Image]:
    """The same random square of a small and a large uint8 image, ``size`` pixels in the large, mirrored half of the time."""
    scale = large.shape[0] // small.shape[0]
    side = min(size // scale, *small.shape[:2])
    top, left = (int(random.integers(0, length - side, endpoint=True)) for length in small.shape[:2])
    squares = small[top : top + side, left : left + side], large[scale * top :, scale * left :][: scale * side, : scale * side]
    if random.random() < 0.5:
        squares = tuple(square[:, ::-1] for square in squares)
    return tuple(Image.fromarray(np.ascontiguousarray(square)) for square in squares)


def degrade(picture: Image.Image, random: np.random.Generator, scale: int = 4) -> Image.Image:
    """A degraded copy of ``picture``, reduced ``scale`` times. ``picture`` is RGB and square; ``scale`` divides its side."""
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
    """Weaken the finest detail, as generators do, or amplify it, which leaves a light seam beside every dark line."""
    return Image.blend(picture.filter(ImageFilter.GaussianBlur(1)), picture, 1 + amount)


def _add_noise(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Add independent noise to every pixel, and the checkerboard of transposed convolutions (Odena et al. 2016)."""
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

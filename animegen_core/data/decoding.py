"""Decodes an image of any size, bit depth and colour profile to a square RGB array, within bounded memory."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Condition
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms, ImageOps

from animegen_core.devices import return_freed_memory
from animegen_core.errors import AnimeGenError, quote

Enlarge = Callable[[Image.Image], Image.Image]

MAX_FILE = 100_000_000  # bytes of an encoded image
_MEMORY = 650_000_000  # bytes for all images being decoded: 81 million pixels of a PNG or JPEG
_TRIM = 2**26  # bytes; after a larger image, memory is returned to the system
_LARGE = 2**24  # pixels; a larger JPEG is decoded at a half, a quarter or an eighth of its size
_BAND = 2**20  # pixels converted at once
_LONG = 16  # aspect ratio from which only the centre is resized
_JXL = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")  # signatures of JPEG XL
# Bytes per pixel needed for decoding, including the result's 4. _OTHERS is for other formats, such as AVIF and HEIF.
_DECODERS = {"BMP": 4, "GIF": 4, "JPEG": 4, "MPO": 4, "PNG": 4, "PPM": 4, "TGA": 4, "TIFF": 8, "WEBP": 16}
_OTHERS = 24
_COPY = 4  # bytes per pixel of another copy, for rotation or conversion
# Without formats that run a program (EPS), are decoded in slow Python, or contain other images (ICO).
_FORMATS = (*_DECODERS, "AVIF", "JPEG2000")
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # mode of each colour space of profiles


class Crop(NamedTuple):
    """A square part of an image.

    Attributes:
        zoom: 1 or more; the side is that part of the image's short side.
        x, y: place of the square, from 0 (left, top) to 1 (right, bottom).
    """

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


class Budget:
    """A memory budget of several threads.

    Args:
        total: bytes.
    """

    def __init__(self, total: int) -> None:
        self.total, self._used, self._changed = total, 0, Condition()

    @contextmanager
    def held(self, amount: int) -> Iterator[None]:
        """Wait until ``amount`` bytes (at most ``total``) are free, and reserve them for the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._used + amount <= self.total)
            self._used += amount
        try:
            yield
        finally:
            with self._changed:
                self._used -= amount
                self._changed.notify_all()


_memory = Budget(_MEMORY)


def decode(data: bytes, resolution: int, enlarge: Enlarge | None = None, crop: Crop | None = None) -> np.ndarray:
    """Decode an image to a uint8 array (resolution, resolution, 3) in sRGB.

    Bilinear resize of the short side (small images are enlarged), then centre crop. Transparent parts become white, a camera's
    orientation is applied, a colour profile is converted to sRGB, and 16 bits become 8.

    Args:
        enlarge: enlarges the centre square of a smaller image before resizing; None only resizes.
        crop: a square to cut out first; None is the centre.

    Raises:
        AnimeGenError: the image is too large, or its format is not supported.
        Exception: any other error of PIL; the file is not a complete image.
    """
    with _opened(data) as opened:
        width, height = opened.size
        coefficients = _coefficients(opened)
        if opened.width * opened.height > _LARGE:
            side = round(2 * resolution * (1 if crop is None else crop.zoom))
            opened.draft(None, (side, side))
        needed = _bytes_decoding(opened) + coefficients
        if needed > _memory.total:
            raise AnimeGenError(f"{width:,} x {height:,} px, too large")
        with _memory.held(needed):
            with closing(opened):  # frees its pixels before the memory is reserved again
                array = _square(opened, resolution, enlarge, crop)
            if needed > _TRIM:  # otherwise glibc keeps that memory for each thread
                return_freed_memory()
            return array


def square(picture: Image.Image | str | Path, resolution: int, crop: Crop | None = None) -> np.ndarray:
    """One image as ``decode`` gives it: uint8 (resolution, resolution, 3).

    Args:
        picture: a file, or an image that is already open, of any mode.
        crop: as in ``decode``.

    Raises:
        AnimeGenError: the file does not exist, is no image, or is too large.
    """
    if isinstance(picture, Image.Image):
        return _square(picture.copy(), resolution, None, crop)
    path, name = Path(picture), quote(Path(picture).name)
    try:
        if path.stat().st_size > MAX_FILE:
            raise AnimeGenError(f"{name} has more than {MAX_FILE:,} bytes.")
        return decode(path.read_bytes(), resolution, None, crop)
    except AnimeGenError as error:
        raise AnimeGenError(f"{name} could not be read as an image: {error}") from error
    except FileNotFoundError as error:
        raise AnimeGenError(f"There is no file {quote(str(picture))}.") from error
    except Exception as error:  # PIL raises all kinds of errors for damaged files
        raise AnimeGenError(f"{name} could not be read as an image.") from error


def _square(opened: Image.Image, resolution: int, enlarge: Enlarge | None, crop: Crop | None) -> np.ndarray:
    picture, profile = _upright(opened), opened.info.get("icc_profile")
    if crop is not None:
        picture = _cut(picture, crop)
    picture = _without_extras(picture, profile is not None)
    if enlarge is not None and min(picture.size) < resolution:
        picture = enlarge(_in_srgb(_centre(picture, min(picture.size)), profile))
        profile = None
    return np.array(_in_srgb(_resized(picture, resolution), profile))


def short_side(data: bytes) -> int:
    """Pixels of the shorter side of an encoded image; only the header is read.

    Raises:
        Exception: as ``decode``.
    """
    with _opened(data) as opened:
        return min(opened.size)


def _opened(data: bytes) -> Image.Image:
    formats = _all_formats()
    if data.startswith(_JXL) and "JXL" not in formats:
        raise AnimeGenError("JPEG XL: install pillow-jxl-plugin or convert it")
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError:
        raise AnimeGenError(f"over {2 * Image.MAX_IMAGE_PIXELS:,} px, too large") from None


@cache
def _all_formats() -> tuple[str, ...]:
    """``_FORMATS`` and the formats of installed plugins."""
    with suppress(ImportError):  # optional where only training runs
        from pi_heif import register_heif_opener

        register_heif_opener()
    with suppress(ImportError):  # not a requirement, because its licence is the GPL
        import pillow_jxl  # noqa: F401 - it registers itself
    Image.init()
    return tuple(name for name in (*_FORMATS, "HEIF", "JXL") if name in Image.OPEN)


def _coefficients(opened: Image.Image) -> int:
    """Bytes of the coefficients of a progressive JPEG, at any decoding size."""
    return 2 * len(opened.getbands()) * opened.width * opened.height if opened.info.get("progressive") else 0


def _bytes_decoding(opened: Image.Image) -> int:
    """Maximum memory in bytes of decoding and conversion."""
    pixels = opened.width * opened.height
    if opened.format == "TIFF":  # its tiles may be larger than the image
        pixels = max(pixels, int(opened.tag_v2.get(322, 0)) * int(opened.tag_v2.get(323, 0)))
    return pixels * (_DECODERS.get(opened.format, _OTHERS) + _COPY)


def _upright(opened: Image.Image) -> Image.Image:
    opened.load()
    with suppress(Exception):  # a damaged orientation is ignored; PIL raises all kinds of errors
        ImageOps.exif_transpose(opened, in_place=True)
    return opened


def _without_extras(picture: Image.Image, has_profile: bool) -> Image.Image:
    """An image of any mode as L, RGB or CMYK, with 8 bits per channel and white in place of transparency."""
    if picture.mode.startswith("I") or picture.mode == "F":
        full = _full_scale(picture)
        return _in_bands(picture, "L", lambda band: _to_8_bits(band, full))
    if picture.has_transparency_data:
        mode = "L" if picture.mode in ("1", "L", "LA", "La") else "RGB"
        return _in_bands(picture, mode, lambda band: _on_white(band).convert(mode))
    keeps_its_mode = picture.mode in ("L", "RGB") or (picture.mode == "CMYK" and has_profile)
    return picture if keeps_its_mode else picture.convert("RGB")


def _in_bands(picture: Image.Image, mode: str, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Convert an image in bands of rows, so that no step copies all of it."""
    result = Image.new(mode, picture.size)
    for box in _bands(picture):
        result.paste(convert(picture.crop(box)), box)
    return result


def _bands(picture: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    width, height = picture.size
    rows = max(1, _BAND // width)
    return ((0, top, width, min(top + rows, height)) for top in range(0, height, rows))


def _full_scale(picture: Image.Image) -> float:
    """The value of white in an image of 16 or 32 bits; files of floats do not specify it."""
    if picture.mode.startswith("I;16"):
        return 65535
    high = max(float(np.nanmax(np.asarray(picture.crop(box)), initial=0)) for box in _bands(picture))
    scales = (65535,) if picture.mode == "I" else (1, 255, 65535)
    return next((scale for scale in scales if high <= scale), high)


def _to_8_bits(band: Image.Image, full: float) -> Image.Image:
    values = np.nan_to_num(np.asarray(band, dtype=np.float64))
    scaled = values // 256 if full == 65535 else values * (255 / full) + 0.5
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))


def _on_white(band: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", band.size, "white"), band.convert("RGBA"))


def _cut(picture: Image.Image, crop: Crop) -> Image.Image:
    side = max(1, round(min(picture.size) / crop.zoom))
    left, top = (round(place * (length - side)) for place, length in zip((crop.x, crop.y), picture.size))
    return picture.crop((left, top, left + side, top + side))


def _centre(picture: Image.Image, side: int) -> Image.Image:
    left, top = (round((length - side) / 2) for length in picture.size)
    return picture.crop((left, top, left + side, top + side))


def _resized(picture: Image.Image, side: int) -> Image.Image:
    """Resize the short side to ``side`` and crop the centre square."""
    width, height = picture.size
    size = (side, side * height // width) if width <= height else (side * width // height, side)
    if max(size) <= _LONG * side:
        whole = picture if size == picture.size else picture.resize(size, Image.Resampling.BILINEAR)
        return _centre(whole, side)
    middle = (width / 2, height / 2)
    half = min(width, height) / 2
    box = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    return picture.resize((side, side), Image.Resampling.BILINEAR, box)


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """An image of mode L, RGB or CMYK as RGB. Without a valid profile its values are interpreted as sRGB."""
    if profile is not None:
        with suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):
            found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = _MODES.get(found.profile.xcolor_space.strip())
            if picture.mode == "L" and mode == "RGB":
                picture = picture.convert("RGB")
            name = found.profile.profile_description or ""
            is_srgb = "sRGB" in name and "linear" not in name.lower()
            if picture.mode == mode and not is_srgb:
                return ImageCms.profileToProfile(picture, found, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return picture.convert("RGB")

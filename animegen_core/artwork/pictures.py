"""Reads and writes the pictures of this package."""

import io
from pathlib import Path

from PIL import ExifTags, Image

from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_path
from animegen_core.images import description_text, encode_png, read_description

FORMATS = (".png", ".webp")


def read_picture(path: str | Path) -> Image.Image:
    """An image file as RGB; transparent parts become white.

    Raises:
        AnimeGenError: it is no image.
    """
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise AnimeGenError(f"{quote(Path(path).name)} could not be read as an image.") from error
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def description_of(path: str | Path) -> dict | None:
    """The description in a file, or None if it has none."""
    try:
        return read_description(path)
    except AnimeGenError:
        return None


def encode(picture: Image.Image, suffix: str, description: dict | None = None) -> bytes:
    """A PNG, or a WebP without loss, with the description; both keep transparency.

    Raises:
        AnimeGenError: the suffix is not one of ``FORMATS``.
    """
    if suffix.lower() not in FORMATS:
        raise AnimeGenError(f"The suffix is {quote(suffix)}, but must be one of: {', '.join(FORMATS)}.")
    if suffix.lower() == ".png":
        return encode_png(picture, description)
    exif, stream = Image.Exif(), io.BytesIO()
    if description is not None:
        exif[ExifTags.Base.ImageDescription] = description_text(description)
    picture.save(stream, "WEBP", lossless=True, exact=True, exif=exif)
    return stream.getvalue()


def save(picture: Image.Image, path: str | Path, description: dict | None = None) -> Path:
    """Write ``encode`` atomically, in the format of the path's suffix.

    Raises:
        AnimeGenError: as ``encode``.
    """
    content = encode(picture, Path(path).suffix, description)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)

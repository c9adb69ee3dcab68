"""Conversion between tensors in [-1, 1] and 8-bit images; sheets; descriptions embedded in files."""

import html
import io
import json
import math
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin

from animegen_core.embedded import embedded_texts
from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_path

DESCRIPTION_KEY = "animegen"  # the PNG tEXt keyword under which a description is stored
MAX_DESCRIPTION = 262_144  # characters; an animation of eight characters has 2,000, or 200,000 with latents of their own
_TEXT_PREFIX = DESCRIPTION_KEY + " "  # identifies our comments


def to_model_range(images: torch.Tensor) -> torch.Tensor:
    """Convert uint8 images to float32 in [-1, 1]. Float tensors are returned unchanged."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images


def to_images(pictures: np.ndarray) -> torch.Tensor:
    """Convert uint8 images (N, H, W, 3) to a tensor (N, 3, H, W) in [-1, 1]."""
    return to_model_range(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2))


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Convert images (N, 3, H, W) in [-1, 1] to a uint8 array (N, H, W, 3). Values outside of the range are clipped."""
    scaled = images.detach().float().mul(127.5).add(127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_pil(images: torch.Tensor) -> list[Image.Image]:
    """Convert images (N, 3, H, W) in [-1, 1] to N Pillow images in RGB."""
    return [Image.fromarray(array) for array in to_uint8(images)]


def make_grid(
    pictures: Sequence[Image.Image], columns: int | None = None, padding: int = 2, background: str = "white"
) -> Image.Image:
    """A sheet of images of one size, row by row.

    Args:
        columns: images in a row; by default the sheet is nearly square.
        padding: pixels between and around the images.

    Raises:
        AnimeGenError: there is no image.
    """
    if not pictures:
        raise AnimeGenError("A sheet needs at least 1 image, got 0.")
    columns = columns or math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = pictures[0].size
    sheet = Image.new("RGB", (columns * (width + padding) + padding, rows * (height + padding) + padding), background)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        sheet.paste(picture, (padding + column * (width + padding), padding + row * (height + padding)))
    return sheet


def encode_png(picture: Image.Image, description: dict | None = None) -> bytes:
    """A PNG with ``description`` as JSON in a tEXt chunk. The same input gives the same bytes."""
    info = PngImagePlugin.PngInfo()
    if description is not None:
        info.add_text(DESCRIPTION_KEY, json.dumps(description, sort_keys=True))
    stream = io.BytesIO()
    picture.save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def save_png(picture: Image.Image, path: str | Path, description: dict | None = None) -> Path:
    """Write the PNG of ``encode_png`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(encode_png(picture, description))
    return Path(path)


def description_text(description: dict) -> str:
    """A description as text for formats without named fields: a comment, or the EXIF description."""
    return _TEXT_PREFIX + json.dumps(description, sort_keys=True)


def read_description(path: str | Path) -> dict:
    """The description embedded in a PNG, GIF, WebP or MP4 by AnimeGen. No pixel is decoded.

    Also finds it in a copy saved by another program, for example as JPEG, if that kept texts.

    Raises:
        AnimeGenError: the file is not an image or video, or has no readable description.
    """
    name = quote(Path(path).name)
    try:
        found = _embedded_description(path)
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise AnimeGenError(f"{name} could not be read as an image.") from error
    if found is None:
        raise AnimeGenError(f"{name} has no AnimeGen description; only files saved by AnimeGen have one.")
    return parse_description(found, f"The description in {name}")


def parse_description(text: str, what: str = "The description") -> dict:
    """Parse the JSON text of a description.

    Raises:
        AnimeGenError: the text is not a JSON object, or too long.
    """
    try:
        description = json.loads(text) if len(text) <= MAX_DESCRIPTION else None
    except (ValueError, RecursionError) as error:
        raise AnimeGenError(f"{what} is damaged.") from error
    if not isinstance(description, dict):
        raise AnimeGenError(f"{what} is damaged.")
    return description


def _embedded_description(path: str | Path) -> str | None:
    """The JSON of the first intact description in a file, else of the first damaged one; None if there is none."""
    damaged = None
    with Path(path).open("rb") as stream:
        for stored in embedded_texts(stream):
            text = _after_prefix(stored)
            if text is None:
                continue
            with suppress(ValueError, RecursionError):
                description, end = json.JSONDecoder().raw_decode(text)
                if isinstance(description, dict):
                    return text[:end]
            damaged = text if damaged is None else damaged
    return damaged


def _after_prefix(stored: bytes) -> str | None:
    """The text after our prefix, which may be inside EXIF or XMP; None without the prefix."""
    if stored.startswith(_TEXT_PREFIX.encode()):
        return stored[len(_TEXT_PREFIX) :].decode("utf-8", "replace")
    # EXIF may use UTF-16. Big-endian is tried first, because it would also match little-endian text, one byte earlier.
    for encoding in ("utf-8", "utf-16-be", "utf-16-le"):
        start = stored.find(f"{_TEXT_PREFIX}{{".encode(encoding))
        if start >= 0:
            text = stored[start:].decode(encoding, "replace").removeprefix(_TEXT_PREFIX)
            return html.unescape(text) if b"<rdf:" in stored else text  # XMP has &quot; for quotes
    return None

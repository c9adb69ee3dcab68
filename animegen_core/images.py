"""The only place where tensors in [-1, 1] become 8-bit pictures; sheets; descriptions embedded in files."""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin

from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_path

DESCRIPTION_KEY = "animegen"  # the PNG tEXt keyword under which a description is stored


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Pictures (N, 3, H, W) in [-1, 1] to a uint8 array (N, H, W, 3); -1 is 0, 1 is 255, values outside are clipped."""
    scaled = images.detach().float().mul(127.5).add(127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_pil(images: torch.Tensor) -> list[Image.Image]:
    """Pictures (N, 3, H, W) in [-1, 1] to N RGB pictures."""
    return [Image.fromarray(array) for array in to_uint8(images)]


def make_grid(
    pictures: Sequence[Image.Image], columns: int | None = None, padding: int = 2, background: str = "white"
) -> Image.Image:
    """Pictures of one size in rows, left to right.

    Args:
        columns: pictures in a row; by default as square as possible.
        padding: pixels between the pictures and around them.

    Raises:
        AnimeGenError: there is no picture.
    """
    if not pictures:
        raise AnimeGenError("A sheet needs at least 1 picture, got 0.")
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
    """Write a PNG made by ``encode_png`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(encode_png(picture, description))
    return Path(path)


def read_description(path: str | Path) -> dict:
    """The description embedded in a PNG by ``save_png``.

    Raises:
        AnimeGenError: the file is no picture, or carries no readable description.
    """
    name = Path(path).name
    try:
        with Image.open(path) as picture:
            text = getattr(picture, "text", {}).get(DESCRIPTION_KEY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise AnimeGenError(f"'{name}' could not be read as a picture.") from error
    if text is None:
        raise AnimeGenError(f"'{name}' carries no AnimeGen description; only files saved by AnimeGen do.")
    try:
        description = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AnimeGenError(f"The description in '{name}' is damaged.") from error
    if not isinstance(description, dict):
        raise AnimeGenError(f"The description in '{name}' is damaged.")
    return description

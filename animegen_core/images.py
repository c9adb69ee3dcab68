"""The only place where tensors in [-1, 1] become 8-bit pictures and back; sheets; descriptions embedded in files."""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, PngImagePlugin

from animegen_core import mp4
from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_path

DESCRIPTION_KEY = "animegen"  # the PNG tEXt keyword under which a description is stored
MAX_PIXELS = 40_000_000  # of a file that is asked for its description
MAX_DESCRIPTION = 65_536  # characters; an animation of eight characters has 2,000
_TEXT_PREFIX = DESCRIPTION_KEY + " "  # tells our comments from other programs'


def to_model_range(images: torch.Tensor) -> torch.Tensor:
    """uint8 pictures to float32 in [-1, 1]; float tensors are taken to be in that range already."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images


def to_images(pictures: np.ndarray) -> torch.Tensor:
    """uint8 pictures (N, H, W, 3) to tensors (N, 3, H, W) in [-1, 1]."""
    return to_model_range(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2))


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


def description_text(description: dict) -> str:
    """A description as the text that formats without named fields carry: in a comment, or as the EXIF description."""
    return _TEXT_PREFIX + json.dumps(description, sort_keys=True)


def read_description(path: str | Path) -> dict:
    """The description embedded in a PNG, GIF, WebP or MP4 by AnimeGen. No pixel is decoded.

    Raises:
        AnimeGenError: the file is no picture or video, or carries no readable description.
    """
    name = quote(Path(path).name)
    try:
        text = _embedded_text(path)
    except AnimeGenError as error:
        raise AnimeGenError(f"{name} {error}") from None
    except Exception as error:  # decoders of pictures raise whatever a damaged file leads them to
        raise AnimeGenError(f"{name} could not be read as a picture.") from error
    if text is None:
        raise AnimeGenError(f"{name} carries no AnimeGen description; only files saved by AnimeGen do.")
    return parse_description(text, f"The description in {name}")


def parse_description(text: str, what: str = "The description") -> dict:
    """JSON text to a description.

    Raises:
        AnimeGenError: the text is no JSON object, or longer than any description.
    """
    try:
        description = json.loads(text) if len(text) <= MAX_DESCRIPTION else None
    except (ValueError, RecursionError) as error:
        raise AnimeGenError(f"{what} is damaged.") from error
    if not isinstance(description, dict):
        raise AnimeGenError(f"{what} is damaged.")
    return description


def _embedded_text(path: str | Path) -> str | None:
    """The description's JSON, or None; at most a little more than ``MAX_DESCRIPTION`` characters of it."""
    with Path(path).open("rb") as stream:
        if mp4.is_mp4(stream):
            text = mp4.read_comment(stream, 2 * MAX_DESCRIPTION)
        else:
            stream.seek(0)
            with Image.open(stream, formats=("PNG", "GIF", "WEBP", "JPEG")) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise AnimeGenError(f"has {picture.width} x {picture.height} pixels; at most {MAX_PIXELS:,} are read.")
                if picture.format == "PNG":  # whose EXIF Pillow would decode all pixels for
                    return picture.info.get(DESCRIPTION_KEY)
                text = picture.info.get("comment") or picture.getexif().get(ExifTags.Base.ImageDescription)
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return text.removeprefix(_TEXT_PREFIX) if isinstance(text, str) and text.startswith(_TEXT_PREFIX) else None

"""Films as the page shows and hands them out."""

import math
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from animegen_core.animation import save_animation
from animegen_core.character import Animation
from animegen_core.errors import AnimeGenError
from animegen_core.studio import Studio
from animegen_core.ui.pictures import data_url, keep_file

FORMATS = {"gif": ".gif", "webp": ".webp", "mp4": ".mp4", "png": ".zip"}
_MOST_PIXELS = 240 * 512 * 512  # of one film: the longest at a size for every screen, and some seconds of work


def check_size(frames: int, side: int) -> None:
    """See, before anything is drawn, that a film is not larger than a visitor may ask for.

    Raises:
        AnimeGenError: it is.
    """
    if frames * side**2 > _MOST_PIXELS:
        most = _MOST_PIXELS // side**2
        raise AnimeGenError(f"{frames} frames of {side} px are too many; take {most} or fewer, or a smaller size.")


def contact_sheet(film: Animation, pictures: Sequence[Image.Image]) -> dict[str, Any]:
    """All frames as one picture: the value of a ``film_view``."""
    columns = math.ceil(math.sqrt(len(pictures)))
    side = pictures[0].width
    sheet = Image.new("RGB", (columns * side, math.ceil(len(pictures) / columns) * side))
    for index, picture in enumerate(pictures):
        sheet.paste(picture, (index % columns * side, index // columns * side))
    return {"src": data_url(sheet), "frames": len(pictures), "columns": columns, "size": side, "loop": film.loop}


def film_file(
    studio: Studio, film: Animation, pictures: Sequence[Image.Image], kind: str, description: dict | None, cache: str
) -> str:
    """The film's file, of a kind in ``FORMATS``, where a visitor may fetch it."""
    suffix = FORMATS[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("film" if kind == "png" else f"film{suffix}")
        save_animation(pictures, path, film.fps, description, loop=film.loop != "once")
        if kind == "png":
            path = _zip(path)
        name = f"{Path(studio.checkpoint.name).name}-{'-'.join(str(key.seed) for key in film.keys)}{suffix}"
        return keep_file(path.read_bytes(), name, cache)


def _zip(folder: Path) -> Path:
    """A folder's files in a zip beside it; stored, as PNGs do not get smaller."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for picture in sorted(folder.iterdir()):
            archive.write(picture, picture.name)
    return path

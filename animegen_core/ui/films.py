"""Films: the preview and the exported file."""

import math
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from animegen_core.animation import save_animation
from animegen_core.character import Animation
from animegen_core.studio import Studio
from animegen_core.ui.pictures import data_url, keep_file

FORMATS = {"gif": ".gif", "webp": ".webp", "mp4": ".mp4", "png": ".zip"}


def contact_sheet(film: Animation, pictures: Sequence[Image.Image]) -> dict[str, Any]:
    """All frames as one image: the value of a ``film_view``."""
    columns = math.ceil(math.sqrt(len(pictures)))
    side = pictures[0].width
    sheet = Image.new("RGB", (columns * side, math.ceil(len(pictures) / columns) * side))
    for index, picture in enumerate(pictures):
        sheet.paste(picture, (index % columns * side, index // columns * side))
    return {"src": data_url(sheet), "frames": len(pictures), "columns": columns, "size": side, "loop": film.loop}


def film_file(
    studio: Studio, film: Animation, pictures: Sequence[Image.Image], kind: str, description: dict | None, cache: str
) -> str:
    """Path of the film's file, in a format of ``FORMATS``, in the folder of downloads."""
    suffix = FORMATS[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("film" if kind == "png" else f"film{suffix}")
        save_animation(pictures, path, film.fps, description, loop=film.loop != "once")
        if kind == "png":
            path = _zip(path)
        name = (
            f"{Path(studio.checkpoint.name).name}-{'-'.join(str(key.seed) for key in film.keys)}-{pictures[0].width}px{suffix}"
        )
        return keep_file(path.read_bytes(), name, cache)


def _zip(folder: Path) -> Path:
    """A zip of a folder's files, uncompressed because PNGs are compressed already."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for picture in sorted(folder.iterdir()):
            archive.write(picture, picture.name)
    return path

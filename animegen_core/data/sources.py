"""Where pictures come from (a folder, nested folders or a zip) and how one file becomes a square RGB array."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from animegen_core.errors import AnimeGenError

Enlarge = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class PictureSource:
    """The files found at a path, whatever they turn out to hold.

    Attributes:
        path: the folder or zip, absolute.
        names: file names relative to it, sorted, with forward slashes.
        fingerprint: changes when a file is added, removed or modified.
        read: name -> bytes of that file; safe to call from several threads.
    """

    path: Path
    names: list[str]
    fingerprint: str
    read: Callable[[str], bytes]


def find_pictures(path: str | Path) -> PictureSource:
    """List the files of a folder (recursively) or of a zip; hidden files and macOS resource forks are left out.

    Raises:
        AnimeGenError: the path does not exist, is neither folder nor zip, or holds no file.
    """
    given, path = path, Path(path).expanduser().resolve()
    if path.is_dir():
        source = _folder(path)
    elif zipfile.is_zipfile(path):
        source = _zip(path)
    elif path.exists():
        raise AnimeGenError(f"Data path '{given}' is neither a folder nor a zip of pictures.")
    else:
        raise AnimeGenError(f"Data path '{given}' does not exist; give a folder or a zip of pictures.")
    if not source.names:
        raise AnimeGenError(f"Data path '{given}' holds no files; give a folder or a zip of pictures.")
    return source


def decode(data: bytes, resolution: int, enlarge: Enlarge | None = None) -> np.ndarray:
    """One encoded picture to a uint8 array (resolution, resolution, 3).

    The reports' pipeline: RGB, bilinear resize of the short side (small pictures are enlarged), centre crop. Transparent
    parts turn white and a camera's orientation tag is obeyed.

    Args:
        enlarge: makes the centre square of a smaller picture larger before it is resized; without it, resizing does all.

    Raises:
        Exception: of nearly any kind, as PIL has it; not a whole picture.
    """
    from torchvision.transforms import InterpolationMode  # slow to import, and not needed to draw
    from torchvision.transforms import functional as F

    with Image.open(io.BytesIO(data)) as opened:
        picture = _to_rgb(ImageOps.exif_transpose(opened))
    if enlarge is not None and min(picture.size) < resolution:
        picture = enlarge(F.center_crop(picture, min(picture.size)))
    picture = F.resize(picture, resolution, InterpolationMode.BILINEAR)
    return np.asarray(F.center_crop(picture, resolution))


def short_side(data: bytes) -> int:
    """Pixels of the shorter side of an encoded picture, of which only the header is read.

    Raises:
        Exception: as ``decode``.
    """
    with Image.open(io.BytesIO(data)) as opened:
        return min(opened.size)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel, which PIL would clip rather than scale
        return Image.fromarray((np.asarray(picture, dtype=np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _fingerprint(entries: list[tuple]) -> str:
    return hashlib.sha256(repr(entries).encode()).hexdigest()[:16]


def _folder(path: Path) -> PictureSource:
    entries = []
    for file in path.rglob("*"):
        name = file.relative_to(path).as_posix()
        if file.is_file() and not _is_hidden(name):
            stat = file.stat()
            entries.append((name, stat.st_size, stat.st_mtime_ns))
    entries.sort()
    return PictureSource(path, [e[0] for e in entries], _fingerprint(entries), lambda name: (path / name).read_bytes())


def _zip(path: Path) -> PictureSource:
    try:
        archive = zipfile.ZipFile(path)  # kept open: reading from it is thread-safe
    except zipfile.BadZipFile as error:
        raise AnimeGenError(f"Data path '{path}' is a damaged zip: {error}.") from error
    entries = [(i.filename, i.file_size, i.CRC) for i in archive.infolist() if not i.is_dir()]
    entries = sorted(e for e in entries if not _is_hidden(e[0]))
    return PictureSource(path, [e[0] for e in entries], _fingerprint(entries), archive.read)

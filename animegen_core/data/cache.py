"""Pictures decoded once into a memory-mapped uint8 array that later runs open at once."""

import hashlib
import json
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from animegen_core.data.sources import Enlarge, PictureSource, decode, find_pictures, short_side
from animegen_core.errors import AnimeGenError

_NAMED = 10  # how many of the skipped files a message names


@dataclass(frozen=True)
class PictureCache:
    """Decoded pictures.

    Attributes:
        pictures: uint8 array (N, resolution, resolution, 3), memory-mapped and read-only.
        names: the file each picture came from, relative to the source, in the same order.
        skipped: the files that were not whole pictures.
        path: the folder or zip, as it was given.
        short_sides: pixels of each picture's shorter side before it was resized; None in caches of earlier versions.
        interpolated: whether smaller pictures were enlarged by interpolation alone.
    """

    pictures: np.ndarray
    names: list[str]
    skipped: list[str]
    path: Path
    short_sides: list[int] | None
    interpolated: bool

    @property
    def enlarged(self) -> int:
        """How many pictures were smaller than the resolution; 0 in caches of earlier versions, which do not tell."""
        return sum(side < self.pictures.shape[1] for side in self.short_sides or ())

    @property
    def skipped_message(self) -> str:
        """One sentence that counts the skipped files and names the first ten; empty when there are none."""
        if not self.skipped:
            return ""
        total = len(self.skipped) + len(self.names)
        named = ", ".join(self.skipped[:_NAMED]) + (", ..." if len(self.skipped) > _NAMED else "")
        return f"Skipped {len(self.skipped)} of {total} files that are not whole pictures: {named}."


def default_cache_dir() -> Path:
    """``$ANIMEGEN_CACHE``, or ``animegen`` in the user's cache folder."""
    fallback = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "animegen"
    return Path(os.environ.get("ANIMEGEN_CACHE", fallback)).expanduser()


def load_pictures(
    path: str | Path, resolution: int = 64, cache_dir: str | Path | None = None, enlarge: Enlarge | None = None
) -> PictureCache:
    """Open the cache of a folder or zip of pictures, building it first where there is none or the source has changed.

    Args:
        path: a folder (nested or not) or a zip with JPEG, PNG or WebP pictures of any size.
        resolution: side of the stored squares in pixels.
        cache_dir: where caches lie; by default see ``default_cache_dir``.
        enlarge: as in ``decode``; pictures made with it have a cache of their own.

    Raises:
        AnimeGenError: the path is missing or empty, or no file in it is a picture.
    """
    source = find_pictures(path)
    folder = Path(cache_dir) if cache_dir else default_cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    # The name holds the fingerprint: what lies under a name never changes, so a reader needs no lock.
    made = str(resolution) if enlarge is None else f"enlarged-{resolution}"
    owner = f"{hashlib.sha256(str(source.path).encode()).hexdigest()[:12]}-{made}"
    array = folder / f"{owner}-{source.fingerprint}.npy"
    if not array.exists():
        with FileLock(folder / f"{owner}.lock"):
            if not array.exists():  # another run may have built it while this one waited
                _build(source, resolution, enlarge, array)
                for stale in set(folder.glob(f"{owner}-*")) - {array, _index_of(array)}:
                    stale.unlink(missing_ok=True)
    index = json.loads(_index_of(array).read_text(encoding="utf-8"))
    if not index["names"]:
        raise AnimeGenError(f"Data path '{path}' holds no picture: none of its {len(source.names)} files could be decoded.")
    pictures = np.load(array, mmap_mode="r")
    return PictureCache(pictures, index["names"], index["skipped"], Path(path), index.get("short_sides"), enlarge is None)


def _index_of(array: Path) -> Path:
    return array.with_suffix(".json")


def _build(source: PictureSource, resolution: int, enlarge: Enlarge | None, array: Path) -> None:
    def attempt(name: str) -> tuple[np.ndarray, int] | None:
        try:
            data = source.read(name)
            return decode(data, resolution, enlarge), short_side(data)
        except Exception:  # on damaged bytes PIL, zipfile and zlib raise nearly anything
            return None

    # Raw bytes are appended as they come, because the number of good pictures is known only at the end.
    raw, names, skipped, short_sides = array.with_suffix(".partial"), [], [], []
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool, raw.open("wb") as stream:
        warnings.simplefilter("ignore")  # damaged metadata in a picture that decodes is none of our business
        decoded = tqdm(pool.map(attempt, source.names), "decoding", len(source.names), unit="file", leave=False)
        for name, result in zip(source.names, decoded):
            if result is None:
                skipped.append(name)
            else:
                picture, side = result
                names.append(name)
                short_sides.append(side)
                stream.write(picture.tobytes())

    finished = array.with_suffix(".finished")
    shape = (len(names), resolution, resolution, 3)
    with finished.open("wb") as stream, raw.open("rb") as pixels:
        np.lib.format.write_array_header_1_0(stream, {"descr": np.dtype(np.uint8).str, "fortran_order": False, "shape": shape})
        while chunk := pixels.read(1 << 24):
            stream.write(chunk)
    raw.unlink()
    index = {"names": names, "skipped": skipped, "short_sides": short_sides}
    _index_of(array).write_text(json.dumps(index), encoding="utf-8")
    finished.replace(array)  # last: whoever sees the array finds its index too

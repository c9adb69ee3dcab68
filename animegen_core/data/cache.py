"""Pictures decoded once into a memory-mapped uint8 array that later runs open at once."""

import hashlib
import json
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from tqdm import tqdm

from animegen_core.data.decoding import MAX_FILE, Budget, Enlarge, decode, short_side
from animegen_core.data.sources import PictureSource, find_pictures
from animegen_core.errors import AnimeGenError, printable

_DECODER = "2"  # of decode; another one's pictures may look different, as those with a colour profile do since 2
_NAMED = 10  # how many of the skipped files a message names
_AT_ONCE = 256  # files whose pictures wait to be written, at most


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
        reasons: why some of the skipped files were, by name: too large, a password, a format that cannot be opened.
    """

    pictures: np.ndarray
    names: list[str]
    skipped: list[str]
    path: Path
    short_sides: list[int] | None
    interpolated: bool
    reasons: dict[str, str] = field(default_factory=dict)

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
        named = ", ".join(_with_reason(name, self.reasons) for name in self.skipped[:_NAMED])
        named += ", ..." if len(self.skipped) > _NAMED else ""
        return f"Skipped {len(self.skipped)} of {total} files that are not whole pictures: {named}."


def _with_reason(name: str, reasons: dict[str, str]) -> str:
    return f"{printable(name)} ({reasons[name]})" if name in reasons else printable(name)


def default_cache_dir() -> Path:
    """``$ANIMEGEN_CACHE``, or ``animegen`` in the user's cache folder."""
    fallback = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "animegen"
    return Path(os.environ.get("ANIMEGEN_CACHE", fallback)).expanduser()


def load_pictures(
    path: str | Path, resolution: int = 64, cache_dir: str | Path | None = None, enlarge: Enlarge | None = None
) -> PictureCache:
    """Open the cache of a folder or zip of pictures, building it first where there is none or the source has changed.

    Args:
        path: a folder (nested or not) or a zip with JPEG, PNG, WebP, HEIC or other pictures of any size.
        resolution: side of the stored squares in pixels.
        cache_dir: where caches lie; by default see ``default_cache_dir``.
        enlarge: as in ``decode``; pictures made with it have a cache of their own.

    Raises:
        AnimeGenError: the path is missing or empty, no file in it is a picture, or the cache cannot be written.
    """
    source = find_pictures(path)
    folder = Path(cache_dir) if cache_dir else default_cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    # The name holds the fingerprint: what lies under a name never changes, so a reader needs no lock.
    made = str(resolution) if enlarge is None else f"enlarged-{resolution}"
    owner = f"{hashlib.sha256(os.fsencode(source.path)).hexdigest()[:12]}-{made}"
    array = folder / f"{owner}-{_DECODER}{source.fingerprint}.npy"
    if not array.exists():
        with FileLock(folder / f"{owner}.lock"):
            if not array.exists():  # another run may have built it while this one waited
                _remove_leftovers(folder, owner)
                try:
                    _build(source, resolution, enlarge, array)
                except OSError as error:  # such as a full disk; files of the source are read inside of _build's own try
                    raise AnimeGenError(
                        f"The decoded pictures cannot be kept in '{folder}': {error.strerror}; "
                        "ANIMEGEN_CACHE can name another folder."
                    ) from error
                for stale in set(folder.glob(f"{owner}-*")) - {array, _index_of(array)}:
                    stale.unlink(missing_ok=True)
    index = json.loads(_index_of(array).read_text(encoding="utf-8"))
    reasons = index.get("reasons", {})
    if not index["names"]:
        named = "".join(f" The first: {_with_reason(name, reasons)}." for name in list(reasons)[:1])
        raise AnimeGenError(
            f"Data path '{path}' holds no picture: none of its {len(source.names)} files could be decoded.{named}"
        )
    pictures = np.load(array, mmap_mode="r")
    return PictureCache(
        pictures, index["names"], index["skipped"], Path(path), index.get("short_sides"), enlarge is None, reasons
    )


def _index_of(array: Path) -> Path:
    return array.with_suffix(".json")


def _remove_leftovers(folder: Path, owner: str) -> None:
    """Remove parts of caches whose runs were killed: those of ``owner``, whose lock is held, and of other sources."""
    for part in (*folder.glob("*.partial"), *folder.glob("*.finished")):
        other = part.stem.rsplit("-", 1)[0]
        try:
            with nullcontext() if other == owner else FileLock(folder / f"{other}.lock", timeout=0):
                part.unlink(missing_ok=True)
        except Timeout:  # another run is building it now
            continue


def _build(source: PictureSource, resolution: int, enlarge: Enlarge | None, array: Path) -> None:
    # Raw bytes are appended as they come, because the number of good pictures is known only at the end.
    raw, finished = array.with_suffix(".partial"), array.with_suffix(".finished")
    try:
        index = _decode_all(source, resolution, enlarge, raw)
        shape = (len(index["names"]), resolution, resolution, 3)
        with finished.open("wb") as stream, raw.open("rb") as pixels:
            header = {"descr": np.dtype(np.uint8).str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            while chunk := pixels.read(1 << 24):
                stream.write(chunk)
        _index_of(array).write_text(json.dumps(index), encoding="utf-8")
        finished.replace(array)  # last: whoever sees the array finds its index too
    finally:
        raw.unlink(missing_ok=True)
        finished.unlink(missing_ok=True)


def _decode_all(source: PictureSource, resolution: int, enlarge: Enlarge | None, raw: Path) -> dict[str, list | dict]:
    """Write the pixels of all whole pictures to ``raw`` and return the cache's index."""
    files = Budget(MAX_FILE)  # bytes of encoded pictures that are in memory at once

    def attempt(name: str) -> tuple[np.ndarray, int] | str:
        try:
            with files.held(min(source.sizes[name], MAX_FILE)):
                data = source.read(name)
                return decode(data, resolution, enlarge), short_side(data)
        except AnimeGenError as error:
            return str(error)
        except Exception:  # on damaged bytes PIL, zipfile and zlib raise nearly anything
            return ""

    index: dict = {"names": [], "skipped": [], "short_sides": [], "reasons": {}}
    progress = tqdm(desc="decoding", total=len(source.names), unit="file", leave=False)
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool, raw.open("wb") as stream, progress:
        warnings.simplefilter("ignore")  # damaged metadata in a picture that decodes is none of our business
        for start in range(0, len(source.names), _AT_ONCE):
            names = source.names[start : start + _AT_ONCE]
            for name, result in zip(names, pool.map(attempt, names)):
                if isinstance(result, str):
                    index["skipped"].append(name)
                    index["reasons"] |= {name: result} if result else {}
                else:
                    index["names"].append(name)
                    index["short_sides"].append(result[1])
                    stream.write(result[0].tobytes())
                progress.update()
    return index

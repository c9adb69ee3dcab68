"""Decodes images once into a memory-mapped uint8 array that later runs reuse."""

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

_DECODER = "2"  # version of decode; since 2 colour profiles are converted
_NAMED = 10  # number of skipped files in a message
_AT_ONCE = 256  # maximum number of decoded images that wait to be written


@dataclass(frozen=True)
class PictureCache:
    """Decoded images.

    Attributes:
        pictures: uint8 array (N, resolution, resolution, 3), memory-mapped and read-only.
        names: file of each image, relative to the source, in the same order.
        skipped: files that are not complete images.
        path: the folder or zip, as given.
        short_sides: pixels of each image's shorter side before resizing; None in caches of earlier versions.
        interpolated: whether smaller images were enlarged by interpolation, without upscaler.
        reasons: reasons for skipping, by name, where known: too large, a password, an unsupported format.
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
        """Number of images smaller than the resolution; 0 in caches of earlier versions, where it is unknown."""
        return sum(side < self.pictures.shape[1] for side in self.short_sides or ())

    @property
    def skipped_message(self) -> str:
        """One sentence with the number of skipped files and the first ten names; empty if there are none."""
        if not self.skipped:
            return ""
        total = len(self.skipped) + len(self.names)
        named = ", ".join(_with_reason(name, self.reasons) for name in self.skipped[:_NAMED])
        named += ", ..." if len(self.skipped) > _NAMED else ""
        return f"Skipped {len(self.skipped)} of {total} files that are not complete images: {named}."


def _with_reason(name: str, reasons: dict[str, str]) -> str:
    return f"{printable(name)} ({reasons[name]})" if name in reasons else printable(name)


def default_cache_dir() -> Path:
    """``$ANIMEGEN_CACHE``, or ``animegen`` in the user's cache folder."""
    fallback = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "animegen"
    return Path(os.environ.get("ANIMEGEN_CACHE", fallback)).expanduser()


def load_pictures(
    path: str | Path, resolution: int = 64, cache_dir: str | Path | None = None, enlarge: Enlarge | None = None
) -> PictureCache:
    """Open the cache of a folder or zip of images. It is built first if it does not exist or the source has changed.

    Args:
        path: a folder, with subfolders, or a zip of JPEG, PNG, WebP, HEIC or other images of any size.
        resolution: size of the stored square images in pixels.
        cache_dir: folder of caches; by default ``default_cache_dir()``.
        enlarge: as in ``decode``; the result has a separate cache.

    Raises:
        AnimeGenError: the path does not exist or is empty, no file is an image, or the cache cannot be written.
    """
    source = find_pictures(path)
    folder = Path(cache_dir) if cache_dir else default_cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    # The name has the fingerprint, so the contents of a file never change and readers need no lock.
    made = str(resolution) if enlarge is None else f"enlarged-{resolution}"
    owner = f"{hashlib.sha256(os.fsencode(source.path)).hexdigest()[:12]}-{made}"
    array = folder / f"{owner}-{_DECODER}{source.fingerprint}.npy"
    if not array.exists():
        with FileLock(folder / f"{owner}.lock"):
            if not array.exists():  # another run may have built it while this one waited
                _remove_leftovers(folder, owner)
                try:
                    _build(source, resolution, enlarge, array)
                except OSError as error:  # such as a full disk; errors of the source are handled in _build
                    raise AnimeGenError(
                        f"The decoded images cannot be saved in '{folder}': {error.strerror}; "
                        "set ANIMEGEN_CACHE to another folder."
                    ) from error
                for stale in set(folder.glob(f"{owner}-*")) - {array, _index_of(array)}:
                    stale.unlink(missing_ok=True)
    index = json.loads(_index_of(array).read_text(encoding="utf-8"))
    reasons = index.get("reasons", {})
    if not index["names"]:
        named = "".join(f" The first: {_with_reason(name, reasons)}." for name in list(reasons)[:1])
        raise AnimeGenError(f"Data path '{path}' has no image: none of its {len(source.names)} files could be decoded.{named}")
    pictures = np.load(array, mmap_mode="r")
    return PictureCache(
        pictures, index["names"], index["skipped"], Path(path), index.get("short_sides"), enlarge is None, reasons
    )


def _index_of(array: Path) -> Path:
    return array.with_suffix(".json")


def _remove_leftovers(folder: Path, owner: str) -> None:
    """Remove incomplete caches of killed runs: those of ``owner``, whose lock is held, and of other sources."""
    for part in (*folder.glob("*.partial"), *folder.glob("*.finished")):
        other = part.stem.rsplit("-", 1)[0]
        try:
            with nullcontext() if other == owner else FileLock(folder / f"{other}.lock", timeout=0):
                part.unlink(missing_ok=True)
        except Timeout:  # another run is building it
            continue


def _build(source: PictureSource, resolution: int, enlarge: Enlarge | None, array: Path) -> None:
    # Raw bytes are appended, because the number of valid images is known only at the end.
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
        finished.replace(array)  # last, so that the array never exists without its index
    finally:
        raw.unlink(missing_ok=True)
        finished.unlink(missing_ok=True)


def _decode_all(source: PictureSource, resolution: int, enlarge: Enlarge | None, raw: Path) -> dict[str, list | dict]:
    """Write the pixels of all valid images to ``raw`` and return the cache's index."""
    files = Budget(MAX_FILE)  # bytes of encoded images in memory

    def attempt(name: str) -> tuple[np.ndarray, int] | str:
        try:
            with files.held(min(source.sizes[name], MAX_FILE)):
                data = source.read(name)
                return decode(data, resolution, enlarge), short_side(data)
        except AnimeGenError as error:
            return str(error)
        except Exception:  # PIL, zipfile and zlib raise all kinds of errors on damaged files
            return ""

    index: dict = {"names": [], "skipped": [], "short_sides": [], "reasons": {}}
    progress = tqdm(desc="decoding", total=len(source.names), unit="file", leave=False)
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool, raw.open("wb") as stream, progress:
        warnings.simplefilter("ignore")  # damaged metadata does not matter
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

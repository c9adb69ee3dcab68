"""Atomic writes: readers never see an incomplete file, also after a kill."""

import itertools
import os
import platform
import re
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from animegen_core.errors import AnimeGenError

_LONG_AGO = 86_400  # seconds after which any temporary file is removed
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"  # process numbers are only valid on one computer
_TEMPORARY = re.compile(r"\.animegen-([0-9a-f]{8})-(\d+)-\d+(\.\w*)?")
_count = itertools.count()
_open: set[Path] = set()  # temporary files and folders of this process


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``. It replaces ``path`` when the block ends, and is deleted if the block raises.

    The temporary name keeps the suffix, which many writers need. Temporary files of killed processes in the folder are removed.

    Raises:
        OSError: the file cannot be written; it names ``path``, and replaces libraries' own types of error.
        AnimeGenError: it cannot be written for an unknown reason.
    """
    path = Path(path)
    with _temporary(path, path.suffix) as temporary:
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)
        except Exception as error:
            _raise_of(error, path, temporary)
            raise


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """``atomic_path`` for a folder: yields an empty folder. ``path`` must not exist or be an empty folder."""
    path = Path(path)
    with _temporary(path, "") as temporary:
        temporary.mkdir()
        yield temporary
        temporary.replace(path)


@contextmanager
def _temporary(path: Path, suffix: str) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent.absolute())
    suffix = suffix if len(suffix) < 16 else ""  # otherwise the name may be too long
    temporary = path.with_name(f".animegen-{_HOST}-{os.getpid()}-{next(_count)}{suffix}")
    _open.add(temporary.absolute())
    try:
        yield temporary
    finally:
        _remove(temporary)
        _open.discard(temporary.absolute())


def _remove(temporary: Path) -> None:
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)


def atomic_write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Give an OSError raised inside, such as that of a full disk, the name of the file if it has none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _raise_of(error: Exception, path: Path, temporary: Path) -> None:
    """Raise the operating system's error behind ``error``, if there is one, with the name of the target file."""
    if isinstance(error, OSError):
        if error.errno is None:  # raised by NumPy and Pillow after an incomplete write
            raise AnimeGenError(f"'{path}' cannot be written, perhaps because the disk is full: {error}.") from error
        if error.filename is None or str(error.filename) == str(temporary):
            error.filename = str(path)
            error.filename2 = None
    elif code := re.search(r"\(os error (\d+)\)", str(error)):  # the message of libraries in Rust, such as safetensors
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error


@lru_cache(maxsize=256)  # once for each folder
def _remove_leftovers(folder: Path) -> None:
    for path in folder.glob(".animegen-*"):
        match = _TEMPORARY.fullmatch(path.name)
        if match and path not in _open and (_is_dead(match[1], int(match[2])) or _is_old(path)):
            with suppress(OSError):
                _remove(path)


def _is_dead(host: str, process: int) -> bool:
    from psutil import pid_exists  # only needed here

    return host == _HOST and (process == os.getpid() or not pid_exists(process))


def _is_old(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _LONG_AGO
    return False

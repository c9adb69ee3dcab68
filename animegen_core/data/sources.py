"""Sources of images: a folder with subfolders and linked folders, or a zip."""

import hashlib
import os
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from animegen_core.data.decoding import MAX_FILE, Enlarge, decode, short_side
from animegen_core.errors import AnimeGenError

__all__ = ["Enlarge", "PictureSource", "decode", "find_pictures", "short_side"]

_ENCRYPTED = 1  # a flag of zip entries


@dataclass(frozen=True)
class PictureSource:
    """The files at a path; they need not be images.

    Attributes:
        path: the folder or zip, absolute.
        names: file names relative to it, sorted, with forward slashes.
        fingerprint: changes when a file is added, removed or modified.
        read: returns the bytes of a file; raises AnimeGenError above ``MAX_FILE``. Thread-safe.
        sizes: declared size of each file in bytes.
    """

    path: Path
    names: list[str]
    fingerprint: str
    read: Callable[[str], bytes]
    sizes: dict[str, int]


def find_pictures(path: str | Path) -> PictureSource:
    """List the files of a folder (with its subfolders and linked folders) or of a zip, without hidden files and macOS forks.

    Raises:
        AnimeGenError: the path does not exist, is neither folder nor zip, has no file, or needs a password.
    """
    given, path = path, Path(path).expanduser().resolve()
    if path.is_dir():
        source = _folder(path)
    elif zipfile.is_zipfile(path):
        source = _zip(path)
    elif path.exists():
        with path.open("rb") as stream:
            starts_as_zip = stream.read(4) == b"PK\x03\x04"
        found = "a damaged zip, perhaps incomplete" if starts_as_zip else "neither a folder nor a zip of images"
        raise AnimeGenError(f"Data path '{given}' is {found}.")
    else:
        raise AnimeGenError(f"Data path '{given}' does not exist; give a folder or a zip of images.")
    if not source.names:
        raise AnimeGenError(f"Data path '{given}' has no files; give a folder or a zip of images.")
    return source


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _fingerprint(entries: list[tuple]) -> str:
    return hashlib.sha256(repr(entries).encode()).hexdigest()[:16]


def _folder(path: Path) -> PictureSource:
    entries = sorted(_entries(path))
    sizes = {name: max(0, size) for name, size, _ in entries}
    return PictureSource(path, list(sizes), _fingerprint(entries), lambda name: _read(path / name), sizes)


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        return _at_most(stream, MAX_FILE)


def _at_most(stream: IO[bytes], most: int) -> bytes:
    data = stream.read(most + 1)
    if len(data) > most:
        raise AnimeGenError(f"over {most // 10**6} MB, too large")
    return data


def _entries(root: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of each file; size and time are -1 for a broken link or an unreadable folder, so that it is reported.

    Linked folders are listed last, and every folder only once, so that cycles end.
    """
    visited, folders, linked = set(), deque([root]), deque()
    while folders or linked:
        folder = folders.popleft() if folders else linked.popleft()
        try:
            stat = folder.stat()
            if (stat.st_dev, stat.st_ino) in visited:
                continue
            visited.add((stat.st_dev, stat.st_ino))
            files = sorted(os.scandir(folder), key=lambda file: file.name)
        except OSError:
            yield folder.relative_to(root).as_posix(), -1, -1
            continue
        for file in files:
            name = Path(file.path).relative_to(root).as_posix()
            if _is_hidden(file.name):
                continue
            if file.is_dir():
                (linked if file.is_symlink() else folders).append(Path(file.path))
            elif file.is_file():
                stat = file.stat()
                yield name, stat.st_size, stat.st_mtime_ns
            elif file.is_symlink():
                yield name, -1, -1


def _zip(path: Path) -> PictureSource:
    try:
        archive = zipfile.ZipFile(path)  # kept open; reading is thread-safe
    except Exception as error:  # zipfile raises all kinds of errors on damaged files
        raise AnimeGenError(f"Data path '{path}' is a damaged zip: {error}.") from error
    infos = {i.filename: i for i in archive.infolist() if not i.is_dir() and not _is_hidden(i.filename)}
    if infos and all(info.flag_bits & _ENCRYPTED for info in infos.values()):
        raise AnimeGenError(f"Data path '{path}' is a zip with a password; unpack it and give the folder.")

    def read(name: str) -> bytes:
        if infos[name].flag_bits & _ENCRYPTED:
            raise AnimeGenError("has a password")
        with archive.open(infos[name]) as stream:
            return _at_most(stream, MAX_FILE)

    entries = sorted((name, info.file_size, info.CRC) for name, info in infos.items())
    return PictureSource(path, [e[0] for e in entries], _fingerprint(entries), read, {e[0]: e[1] for e in entries})

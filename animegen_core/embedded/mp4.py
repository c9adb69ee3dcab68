"""Reads comment and metadata of an MP4 (ISO/IEC 14496-12), which has nested boxes with size and type."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

# The path of boxes to iTunes' comment, which ffmpeg writes, and the bytes to skip in each.
_WAY = {b"moov": 0, b"udta": 0, b"meta": 4, b"ilst": 0, b"\xa9cmt": 0, b"data": 8}
_MAX_BOXES = 10_000  # siblings; a malicious file could have millions of empty boxes


def is_mp4(stream: BinaryIO) -> bool:
    """Whether the stream begins like an MP4."""
    stream.seek(4)
    return stream.read(4) == b"ftyp"


def read_comment(stream: BinaryIO, most: int) -> bytes | None:
    """The comment in the metadata, its first ``most`` bytes, or None."""
    start, end = 0, stream.seek(0, 2)
    for kind, skip in _WAY.items():
        box = _find(stream, kind, start, end)
        if box is None:
            return None
        start, end = box[0] + skip, box[1]
    stream.seek(start)
    return stream.read(max(0, min(end - start, most)))


def metadata(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """The first ``most`` bytes of each outermost box except the film's data.

    Programs that copy the file may move the comment: beside ``meta``, under another name, into XMP.
    """
    for kind, start, end in _boxes(stream, 0, stream.seek(0, 2)):
        if kind != b"mdat":
            stream.seek(start)
            yield stream.read(min(end - start, most))


def _find(stream: BinaryIO, wanted: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Start and end of the contents of the first box of this type between two offsets."""
    return next(((start, end) for kind, start, end in _boxes(stream, start, end) if kind == wanted), None)


def _boxes(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Boxes between two offsets, up to the first damaged one: type, start and end of the contents."""
    for _ in range(_MAX_BOXES):
        stream.seek(start)
        header = stream.read(16)
        if start + 8 > end or len(header) < 8:
            return
        size, kind = struct.unpack(">I4s", header[:8])
        contents = start + 8
        if size == 1 and len(header) == 16:  # a size of 64 bits follows
            size, contents = struct.unpack(">Q", header[8:])[0], start + 16
        elif size == 0:  # extends to the end
            size = end - start
        if start + size < contents or start + size > end:
            return
        yield kind, contents, start + size
        start += size

"""Just enough of MP4 (ISO/IEC 14496-12) to read its comment and metadata: boxes within boxes, each with its size and type."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

# The way to iTunes' comment, which ffmpeg writes, and the bytes to skip at the start of each box's contents.
_WAY = {b"moov": 0, b"udta": 0, b"meta": 4, b"ilst": 0, b"\xa9cmt": 0, b"data": 8}
_MAX_BOXES = 10_000  # beside each other; a hostile file could hold millions of empty ones


def is_mp4(stream: BinaryIO) -> bool:
    """Whether the stream begins as an MP4 does."""
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
    """The contents of the outermost boxes other than the film's own data, the first ``most`` bytes of each.

    Programs that write the file again put the comment elsewhere: beside ``meta``, under a name of their own, into XMP.
    """
    for kind, start, end in _boxes(stream, 0, stream.seek(0, 2)):
        if kind != b"mdat":
            stream.seek(start)
            yield stream.read(min(end - start, most))


def _find(stream: BinaryIO, wanted: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where the contents of the first box of this type begin and end, between two offsets."""
    return next(((start, end) for kind, start, end in _boxes(stream, start, end) if kind == wanted), None)


def _boxes(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two offsets, up to the first that is damaged: type, and where the contents begin and end."""
    for _ in range(_MAX_BOXES):
        stream.seek(start)
        header = stream.read(16)
        if start + 8 > end or len(header) < 8:
            return
        size, kind = struct.unpack(">I4s", header[:8])
        contents = start + 8
        if size == 1 and len(header) == 16:  # the size needs 64 bits
            size, contents = struct.unpack(">Q", header[8:])[0], start + 16
        elif size == 0:  # up to the end
            size = end - start
        if start + size < contents or start + size > end:
            return
        yield kind, contents, start + size
        start += size

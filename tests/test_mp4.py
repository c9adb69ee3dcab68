import io
import struct

import pytest

from animegen_core.embedded.mp4 import is_mp4, read_comment


def box(kind, contents=b"", size=None):
    return struct.pack(">I4s", len(contents) + 8 if size is None else size, kind) + contents


def film(comment=b"hello"):
    data = box(b"data", b"\0\0\0\1\0\0\0\0" + comment)
    found = box(b"udta", box(b"meta", b"\0" * 4 + box(b"hdlr", b"x") + box(b"ilst", box(b"\xa9too") + box(b"\xa9cmt", data))))
    return box(b"ftyp", b"isom") + box(b"free") + box(b"moov", box(b"mvhd", b"1234") + found)


def comment_of(data, most=100):
    return read_comment(io.BytesIO(data), most)


def test_the_comment_is_found_among_other_boxes():
    assert is_mp4(io.BytesIO(film())) and not is_mp4(io.BytesIO(b"GIF89a")) and not is_mp4(io.BytesIO())
    assert comment_of(film()) == b"hello"
    assert comment_of(film(b"")) == b""
    assert comment_of(film(b"x" * 1000)) == b"x" * 100


def test_sizes_of_64_bits_and_up_to_the_end_are_known():
    moov = film()[20:]
    assert comment_of(struct.pack(">I4sQ", 1, b"mdat", 16 + 9) + b"123456789" + moov) == b"hello"
    assert comment_of(struct.pack(">I", 0) + moov[4:]) == b"hello"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        film()[:30],
        box(b"ftyp"),
        box(b"moov", size=2**32 - 1),
        box(b"moov", size=7),
        struct.pack(">I4sQ", 1, b"moov", 2**64 - 1),
        struct.pack(">I4sQ", 1, b"free", 3),
        box(b"moov", box(b"udta", box(b"meta"))),
        box(b"free") * 200_000 + film(),
        film().replace(b"udta", b"udtb"),
    ],
)
def test_damaged_and_hostile_boxes_hold_no_comment(data):
    assert comment_of(data) is None

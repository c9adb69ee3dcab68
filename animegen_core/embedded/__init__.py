"""Reads the texts in image and film files without decoding pixels.

Programs that copy a file may move its texts: after the pixels of a PNG, into EXIF, into XMP. Pillow finds texts after the
    pixels
only by decoding them, and takes minutes for a GIF of many comments.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import BinaryIO

from PIL import ExifTags, Image

from animegen_core.embedded import mp4

MAX_TEXT = 1_000_000  # maximum number of bytes of one text
_MAX_INFLATED = 100  # maximum number of compressed texts of one PNG; each can be a thousand times larger than compressed
_GIF_IMAGE, _GIF_EXTENSION, _GIF_END = 0x2C, 0x21, 0x3B
_GIF_COMMENT, _GIF_APPLICATION = 0xFE, 0xFF
_JPEG_COMMENT, _JPEG_APPLICATION = 0xFE, range(0xE0, 0xF0)
_JPEG_PIXELS, _JPEG_END = 0xDA, 0xD9
_JPEG_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))


def embedded_texts(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the texts in a file: comments, EXIF, XMP, and PNG's named texts as name, space and text.

    EXIF and XMP are yielded as stored, with their structure; EXIF's description is also yielded alone, before. Long texts are
    cut.

    Args:
        stream: a PNG, GIF, WebP, JPEG or MP4 with a file descriptor.

    Raises:
        ValueError, struct.error or IndexError: the file has another format or is damaged; texts before the damage are
            yielded first.
    """
    if mp4.is_mp4(stream):
        yield mp4.read_comment(stream, MAX_TEXT) or b""
        yield from mp4.metadata(stream, MAX_TEXT)
        return
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data[:12]
        if start.startswith(b"\x89PNG\r\n\x1a\n"):
            yield from _png(data)
        elif start.startswith((b"GIF87a", b"GIF89a")):
            yield from _gif(data)
        elif start.startswith(b"RIFF") and start.endswith(b"WEBP"):
            yield from _webp(data)
        elif start.startswith(b"\xff\xd8"):
            yield from _jpeg(data)
        else:
            raise ValueError("unknown format")


def _png(data: mmap.mmap) -> Iterator[bytes]:
    """Texts of a PNG: chunks of length, type, contents and checksum (PNG specification, section 5.3)."""
    position, inflated = 8, count()
    while True:
        length, kind = struct.unpack_from(">I4s", data, position)
        contents = position + 8
        position = contents + length + 4
        if kind == b"IEND":
            return
        if kind == b"eXIf":
            yield from _exif(data[contents : contents + min(length, MAX_TEXT)])
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            name, _, text = data[contents : contents + min(length, MAX_TEXT)].partition(b"\0")
            compressed = kind == b"zTXt" or (kind == b"iTXt" and text[:1] == b"\1")
            if kind == b"iTXt":  # compression flag and method, language, translated name
                text = text[2:].split(b"\0", 2)[-1]
            elif compressed:
                text = text[1:]
            if compressed:
                if next(inflated) == _MAX_INFLATED:
                    raise ValueError("too many compressed texts")
                with suppress(zlib.error):
                    text = zlib.decompressobj().decompress(text, MAX_TEXT)
            if name.startswith(b"Raw profile type"):  # ImageMagick's EXIF and XMP: name, length, hexadecimal digits
                with suppress(ValueError):
                    text = bytes.fromhex("".join(text.decode("ascii").split()[2:]))
            yield name + b" " + text
            yield text


def _gif(data: mmap.mmap) -> Iterator[bytes]:
    """Texts of a GIF (GIF89a specification, sections 18 to 26)."""
    position = 13 + _colour_table(data[10])
    while (kind := data[position]) != _GIF_END:
        if kind == _GIF_IMAGE:
            _, position = _sub_blocks(data, position + 11 + _colour_table(data[position + 9]), 0)
        elif kind == _GIF_EXTENSION:
            label, start = data[position + 1], position + 2
            text, position = _sub_blocks(data, start, MAX_TEXT if label == _GIF_COMMENT else 0)
            if label == _GIF_COMMENT:
                yield text
            elif label == _GIF_APPLICATION:  # XMP is not cut into blocks
                yield data[start : min(position, start + MAX_TEXT)]
        else:
            raise ValueError("not a block of a GIF")


def _colour_table(flags: int) -> int:
    """Size in bytes of the colour table, from the flags of a screen or an image."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(data: mmap.mmap, position: int, most: int) -> tuple[bytes, int]:
    """The contents of the sub-blocks at a position, cut after about ``most`` bytes, and their end."""
    text = bytearray()
    while size := data[position]:
        if len(text) < most:
            text += data[position + 1 : position + 1 + size]
        position += 1 + size
    return bytes(text), position + 1


def _webp(data: mmap.mmap) -> Iterator[bytes]:
    """Texts of a WebP: RIFF chunks of type, length and contents, padded to an even length."""
    position = 12
    while position < len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        contents = data[position + 8 : position + 8 + min(length, MAX_TEXT)] if kind in (b"EXIF", b"XMP ") else b""
        yield from _exif(contents) if kind == b"EXIF" else [contents]
        position += 8 + length + length % 2


def _jpeg(data: mmap.mmap) -> Iterator[bytes]:
    """Texts of a JPEG: segments before the pixels (ITU T.81, B.1.1) with EXIF, XMP, IPTC and comments."""
    position = 2
    while (marker := data[position + 1]) not in (_JPEG_PIXELS, _JPEG_END):
        if data[position] != 0xFF:
            raise ValueError("not a segment of a JPEG")
        if marker == 0xFF:  # padding
            position += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", data, position + 2)
            if marker == _JPEG_COMMENT or marker in _JPEG_APPLICATION:
                stored = data[position + 4 : position + 2 + length]
                yield from _exif(stored) if stored.startswith(b"Exif") else [stored]
            position += 2 + length


def _exif(stored: bytes) -> Iterator[bytes]:
    """Yield EXIF's description, if there is one, then the whole EXIF."""
    exif, text = Image.Exif(), ""
    with suppress(Exception):  # Pillow raises all kinds of errors on damaged EXIF
        exif.load(stored)
        text = str(exif.get(ExifTags.Base.ImageDescription, ""))
    yield text.encode("utf-8", "replace")
    yield stored

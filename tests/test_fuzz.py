"""Damaged inputs of every kind end in an AnimeGenError or are understood: no other error, no hang, no full memory.

A few of each kind are tried here; ``make fuzz`` tries thousands. Each kind has a seed, so that what fails fails again.
"""

import io
import json
import os
import random
import re
import shutil
import signal
import threading
import warnings
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from icc import ADOBE_RGB, rgb_profile
from PIL import Image

from animegen_core import AnimeGenError, Character, Studio
from animegen_core.checkpoint import load_checkpoint
from animegen_core.data.cache import load_pictures
from animegen_core.data.tags import labels_for, read_tags
from animegen_core.images import encode_png, parse_description, read_description
from animegen_core.studio import read_described

COUNT = int(os.environ.get("ANIMEGEN_FUZZ", "40"))  # inputs of each kind
SECONDS = 10
NUMBERS = (b"0", b"-1", b"1e999", b"NaN", b"-Infinity", b"99999999999999999999", b"1.5", b'"1"', b"null", b"[]", b"{}", b"true")


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to four changes of the kinds that damage, editors and attackers make."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 4, 30, 1000)))
        kind = chance.randrange(8)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + chance.randbytes(end - at) + data[end:]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            data = data[:at] + data[at:end] * chance.choice((2, 3, 500)) + data[end:]
        elif kind == 4:
            data = (
                data[:at]
                + chance.choice((b"\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b'"', b"\n", b",", b"\xc3", b"\\"))
                + data[end:]
            )
        elif kind == 5 and (found := list(re.finditer(rb"-?\d+(\.\d+)?", data))):
            number = chance.choice(found)
            data = data[: number.start()] + chance.choice(NUMBERS) + data[number.end() :]
        elif kind == 6 and (found := list(re.finditer(rb'"[^"]*"', data))):
            text = chance.choice(found)
            data = data[: text.start()] + chance.choice((*NUMBERS, b'"' + b"x" * 5000 + b'"')) + data[text.end() :]
        elif kind == 7 and data:
            flipped = bytearray(data)
            flipped[min(at, len(data) - 1)] ^= 1 << chance.randrange(8)
            data = bytes(flipped)
    return data


@contextmanager
def no_hang():
    def too_long(*_):
        raise TimeoutError(f"took more than {SECONDS} s")

    can_alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if can_alarm:
        before = signal.signal(signal.SIGALRM, too_long)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        if can_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def peak() -> int:
    """The process's peak of memory in MiB; 0 where it is unknown."""
    status = Path("/proc/self/status")
    return int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1]) // 1024 if status.exists() else 0


def attack(originals, use, seed, tmp_path):
    """Let ``use`` meet ``COUNT`` mutations; what failed is kept as ``failed``."""
    chance, before = random.Random(seed), peak()
    for index in range(COUNT):
        data = mutated(chance.choice(originals), chance)
        try:
            with warnings.catch_warnings(), no_hang():
                warnings.simplefilter("ignore")
                use(data)
        except AnimeGenError as error:
            message = str(error)
            assert message and "\n" not in message and len(message) < 2000, message
        except BaseException as error:
            (tmp_path / "failed").write_bytes(data)
            raise AssertionError(f"input {index}, kept in {tmp_path / 'failed'}: {error!r}") from error
    assert peak() - before < 1024


def descriptions(studio):
    looks = Character(3, variation_seed=5, variation_strength=0.25)
    return [
        json.dumps(studio.describe(looks)).encode(),
        b'{"program": "AnimeGen", "version": "0.1.0", "checkpoint": "tiny", "checkpoint_hash": "0123456789ab", "animation": {'
        b'"keys": [{"seed": 1, "psi": 0.7}, {"seed": 2, "hair": "red"}], "path": "slerp", "frames": 60, "fps": 30}}',
    ]


def test_descriptions(tiny_checkpoint, tmp_path):
    def use(data):
        read_described(parse_description(data.decode("utf-8", "replace")))

    attack(descriptions(Studio.load(tiny_checkpoint, "cpu")), use, 1, tmp_path)


def test_files_that_carry_a_description(tiny_checkpoint, tmp_path):
    studio = Studio.load(tiny_checkpoint, "cpu")
    picture, path = Image.new("RGB", (32, 32), "red"), tmp_path / "file"

    def use(data):
        path.write_bytes(data)
        read_described(read_description(path))

    attack([encode_png(picture, studio.describe(Character(1)))], use, 2, tmp_path)


@pytest.mark.parametrize("name, seed", [("config.json", 3), ("model.safetensors", 4)])
def test_checkpoints(family_checkpoints, tmp_path, name, seed):
    folders = []
    for family, folder in family_checkpoints.items():
        shutil.copytree(folder, tmp_path / family)
        folders.append(tmp_path / family)
    current = random.Random(seed)

    def use(data):
        folder = current.choice(folders)
        (folder / name).write_bytes(data)
        load_checkpoint(folder)

    attack([(folder / name).read_bytes() for folder in folders], use, seed, tmp_path)


def test_tags(tmp_path):
    path = tmp_path / "tags.csv"
    originals = [
        b"file,hair,eyes\n0.png,red,blue\na/1.png,aqua,\n\n2.png,,yellow\n",
        b'file;eyes;hair;hair_probability\r\n"0.png";blue;red;0,75\r\n"a, b.png";;aqua;1\r\n',
        "file\thair\teyes\n0.png\tred\tblue\n".encode("utf-16"),
    ]

    def use(data):
        path.write_bytes(data)
        labels_for(["0.png", "a/1.png"], read_tags(path))

    attack(originals, use, 5, tmp_path)


def encoded_pictures(draw):
    def encode(picture, kind, **options):
        stream = io.BytesIO()
        picture.save(stream, kind, **options)
        return stream.getvalue()

    picture, exif, profile = draw(1, (40, 30)), Image.Exif(), rgb_profile(ADOBE_RGB, 2.2)
    exif[0x0112] = 6
    return [
        encode(picture, "PNG", icc_profile=profile, exif=exif),
        encode(picture.convert("RGBA"), "PNG"),
        encode(picture.quantize(16), "PNG", transparency=0),
        encode(picture.convert("I;16"), "PNG"),
        encode(picture, "JPEG", icc_profile=profile, exif=exif),
        encode(picture, "JPEG", progressive=True),
        encode(picture.convert("CMYK"), "JPEG"),
        encode(picture, "WEBP", lossless=True),
        encode(picture, "WEBP", exif=exif),
        encode(picture, "GIF"),
        encode(picture, "BMP"),
        encode(picture, "TIFF", compression="tiff_lzw"),
        encode(picture.convert("F"), "TIFF"),
        encode(picture, "TGA", compression="tga_rle"),
        encode(picture, "PPM"),
    ]


def test_pictures(draw, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "good.png").write_bytes(encoded_pictures(draw)[0])

    def use(data):
        (tmp_path / "data" / "damaged").write_bytes(data)
        found = load_pictures(tmp_path / "data", 32)
        assert "good.png" in found.names and len(found.names) + len(found.skipped) == 2

    attack(encoded_pictures(draw), use, 6, tmp_path)


def test_zips(draw, tmp_path):
    def zipped(method):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            for index, data in enumerate(encoded_pictures(draw)[:4]):
                archive.writestr(f"a/{index}\u00fc.png", data)
        return stream.getvalue()

    def use(data):
        (tmp_path / "faces.zip").write_bytes(data)
        load_pictures(tmp_path / "faces.zip", 32)

    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    attack([zipped(method) for method in methods], use, 7, tmp_path)

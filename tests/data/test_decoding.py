"""Pictures as cameras, scanners, printers and other programs make them; and such as would fill the memory."""

import base64
import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from commands import forks
from icc import ADOBE_RGB, DISPLAY_P3, PROPHOTO, cmyk_profile, gray_profile, rgb_profile, srgb_of_lab, srgb_of_rgb
from PIL import Image

from animegen_core.data.cache import load_pictures
from animegen_core.data.decoding import Crop, _all_formats, decode, short_side, square
from animegen_core.errors import AnimeGenError


def encode(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "primaries, gamma, colour",
    [
        (ADOBE_RGB, 563 / 256, (150, 120, 90)),
        (ADOBE_RGB, 563 / 256, (90, 130, 110)),
        (DISPLAY_P3, 2.203125, (200, 90, 80)),
        (PROPHOTO, 1.80078125, (120, 110, 100)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_colour_profile_is_converted_to_srgb(primaries, gamma, colour, kind):
    data = encode(Image.new("RGB", (16, 16), colour), kind, icc_profile=rgb_profile(primaries, gamma))
    expected = srgb_of_rgb(colour, primaries, gamma)
    assert np.abs(expected - colour).max() > 4  # or the test would prove nothing
    np.testing.assert_allclose(decode(data, 8)[4, 4], expected, atol=1.5)


def test_a_profile_is_used_under_transparency_and_a_palette_too():
    colour, profile = (150, 120, 90), rgb_profile(ADOBE_RGB, 563 / 256)
    expected = srgb_of_rgb(colour, ADOBE_RGB, 563 / 256)
    half = Image.new("RGBA", (16, 16), (*colour, 255))
    half.paste((0, 0, 0, 0), (8, 0, 16, 16))
    array = decode(encode(half, icc_profile=profile), 16)
    np.testing.assert_allclose(array[8, 2], expected, atol=1.5)
    assert (array[:, 8:] >= 254).all()
    palette = Image.new("RGB", (16, 16), colour).quantize(4)
    np.testing.assert_allclose(decode(encode(palette, icc_profile=profile), 16)[8, 8], expected, atol=1.5)


def test_a_grey_profile_is_converted_and_one_of_another_kind_ignored():
    grey = Image.new("L", (16, 16), 100)
    expected = srgb_of_rgb((100, 100, 100), ADOBE_RGB, 1.0)
    np.testing.assert_allclose(decode(encode(grey, icc_profile=gray_profile(1.0)), 16)[8, 8], expected, atol=1.5)
    colour = Image.new("RGB", (16, 16), (10, 100, 200))
    for profile in (gray_profile(1.0), b"no profile at all"):
        assert decode(encode(colour, icc_profile=profile), 16)[8, 8].tolist() == [10, 100, 200]


def test_cmyk_with_a_profile_has_the_printers_colours():
    lab = (55, 40, 20)
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    plain = encode(picture, "TIFF")
    printed = encode(picture, "TIFF", icc_profile=cmyk_profile({(0, 1, 1, 0): lab}))
    np.testing.assert_allclose(decode(printed, 8)[4, 4], srgb_of_lab(*lab), atol=3)
    assert decode(plain, 8)[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize("values, byte", [((0.0, 0.5), 128), ((0.0, 1.0), 255), ((0.0, 200.0), 200), ((0.0, 33023.0), 128)])
def test_pictures_of_floats_keep_their_brightness(values, byte):
    array = np.zeros((16, 16), np.float32)
    array[8:] = values[1]
    array[0, 0], array[0, 1] = values[0], np.nan
    decoded = decode(encode(Image.fromarray(array), "TIFF"), 16)
    assert (decoded[8:] == byte).all() and (decoded[:8] == 0).all()


def png(width: int, height: int, depth: int, colour_type: int, row: bytes, rows: int | None = None) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    compressor = zlib.compressobj(1)
    pixels = b"".join(compressor.compress(b"\0" + row) for _ in range(rows or height)) + compressor.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_16_bits_a_channel_in_colour_keep_their_brightness():
    data = png(16, 16, 16, 2, 16 * struct.pack(">3H", 0x80FF, 0x1000, 0xFFFF))
    assert decode(data, 16)[8, 8].tolist() == [0x80, 0x10, 0xFF]
    with_alpha = png(16, 16, 16, 6, 16 * struct.pack(">4H", 0x80FF, 0x1000, 0xFFFF, 0xFFFF))
    assert decode(with_alpha, 16)[8, 8].tolist() == [0x80, 0x10, 0xFF]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_an_orientation_holds_beside_a_profile_and_a_damaged_one_is_none():
    picture, exif = Image.new("RGB", (16, 24), (150, 120, 90)), Image.Exif()
    picture.paste((0, 0, 0), (0, 0, 16, 12))  # the upper half; turned by orientation 6, the right one
    exif[0x0112] = 6
    array = decode(encode(picture, exif=exif, icc_profile=rgb_profile(ADOBE_RGB, 563 / 256)), 16)
    assert (array[:, 8:] <= 1).all()
    np.testing.assert_allclose(array[8, 2], srgb_of_rgb((150, 120, 90), ADOBE_RGB, 563 / 256), atol=1.5)
    damaged = encode(picture, "JPEG", quality=100, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + 40 * b"\xff")
    assert decode(damaged, 16)[15, 8, 0] > 140


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 1), (40, 4_000)])
def test_of_a_very_long_picture_the_middle_is_kept(size):
    picture = Image.new("RGB", size, "red")
    middle = [length // 2 for length in size]
    half = min(size)
    picture.paste("blue", (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half))
    array = decode(encode(picture), 64)
    assert array.shape == (64, 64, 3) and (array == (0, 0, 255)).all()
    assert short_side(encode(picture)) == min(size)


def test_a_large_jpeg_is_the_same_picture_when_it_is_decoded_at_a_fraction_of_its_size(draw):
    picture = draw(5, (64, 48)).resize((5120, 3840), Image.Resampling.BICUBIC)
    array = decode(encode(picture, "JPEG", quality=95), 64)
    expected = np.asarray(picture.resize((85, 64), Image.Resampling.BILINEAR).crop((10, 0, 74, 64)))
    assert np.abs(array.astype(int) - expected).mean() < 2


def resized_header(data: bytes, marker: int, size: tuple[int, int]) -> bytes:
    at = data.index(bytes([0xFF, marker])) + 5
    return data[:at] + struct.pack(">HH", size[1], size[0]) + data[at + 4 :]


def resized_webp(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"VP8L") + 9
    alpha = data[at + 3] & 0xF0
    size = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return data[:at] + size[:3] + bytes([size[3] | alpha]) + data[at + 4 :]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "data, size",
    [
        (png(11_000, 9_000, 8, 0, bytes(11_000), rows=2), "11,000 x 9,000 px"),
        (resized_header(encode(Image.new("RGB", (16, 16)), "JPEG", progressive=True), 0xC2, (12_000, 12_000)), "12,000 x"),
        (resized_header(encode(Image.new("RGB", (16, 16)), "JPEG"), 0xC0, (60_000, 60_000)), "178,956,970 px"),
        (resized_webp(encode(Image.new("RGB", (16, 16)), "WEBP", lossless=True), 9_000, 9_000), "9,000 x 9,000 px"),
    ],
    ids=["png", "progressive jpeg", "baseline jpeg", "webp"],
)
def test_a_picture_that_would_fill_the_memory_is_skipped_with_its_size(tmp_path, draw, data, size):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("huge", data)
        archive.writestr("good.png", encode(draw(1)))
    found = load_pictures(tmp_path / "faces.zip")
    assert found.names == ["good.png"] and found.skipped == ["huge"]
    assert size in found.skipped_message and "too large" in found.skipped_message


def memory_to_load(path):
    """How many MiB are taken at most while a path is loaded, how many pictures it has, and what is said of others."""
    _all_formats()
    status = Path("/proc/self/status")

    def peak():
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) // 1024

    Path("/proc/self/clear_refs").write_text("5")  # forget the peak before
    before = peak()
    found = load_pictures(path, 64, cache_dir=path.parent / "cache")
    return peak() - before, len(found.names), found.skipped_message


def test_decoding_takes_little_memory_whatever_comes(tmp_path, draw):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of memory is read from /proc")
    paths = [tmp_path / "large", tmp_path / "long", tmp_path / "bomb.zip"]
    for path in paths[:2]:
        path.mkdir()
    large = png(6_500, 6_500, 8, 2, bytes(19_500))  # 169 MB each
    for index in range(3):
        (paths[0] / f"{index}.png").write_bytes(large)
    (paths[1] / "long.png").write_bytes(encode(Image.new("RGB", (1, 20_000))))
    with zipfile.ZipFile(paths[2], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("good.png", encode(draw(1)))
        with archive.open("bomb.png", "w") as stream:
            for _ in range(250):
                stream.write(bytes(1_000_000))
    with forks().Pool(1) as process:
        (peak, *found), (long_peak, *long_found), (zip_peak, *zip_found) = process.map(memory_to_load, paths)
    assert found == [3, ""] and peak < 300
    assert long_found == [1, ""] and long_peak < 100
    assert zip_found == [1, "Skipped 1 of 2 files that are not complete images: bomb.png (over 100 MB, too large)."]
    assert zip_peak < 230


HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEA"
    "AQAAAAABegABAAAAAAAAAC0AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmND"
    "AQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgIaDAgA"
    "AAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAA"
    "AAABAAEEgQIDBAAAADVtZGF0AAAAKSgBrwT4QTJp2/+C7///6Ic///IA0GEH7i7L78U4Zv/AJ3ndptnvzD/g"
)  # 64 x 64 px, the left half (20, 160, 60), the right one (200, 40, 90)
JXL = "/wpPQCQIAAEAiABLGIsVANSIG2P8j3+BEAAABkgoEOAwGiABuxw4nt82yNQJ"


def test_a_telephones_heic_is_opened():
    array = decode(base64.b64decode(HEIC), 64)
    np.testing.assert_allclose(array[32, 16], (20, 160, 60), atol=8)
    np.testing.assert_allclose(array[32, 48], (200, 40, 90), atol=8)


def test_jpeg_xl_is_named_where_no_plugin_opens_it(tmp_path):
    if "JXL" in Image.OPEN:
        pytest.skip("the plugin is installed")
    (tmp_path / "face.jxl").write_bytes(base64.b64decode(JXL))
    with pytest.raises(AnimeGenError, match=r"face\.jxl \(JPEG XL: install pillow-jxl-plugin or convert it\)\."):
        load_pictures(tmp_path)


@pytest.mark.parametrize(
    "crop, box",
    [(Crop(), (20, 0, 60, 40)), (Crop(2, 0, 1), (0, 20, 20, 40)), (Crop(4, 1, 0), (70, 0, 80, 10))],
)
def test_a_chosen_square_is_cut_out_first(draw, crop, box):
    picture = draw(3, (80, 40))
    wanted = np.asarray(picture.crop(box).resize((10, 10), Image.Resampling.BILINEAR))
    assert np.array_equal(square(picture, 10, crop), wanted)


def test_a_square_of_a_large_photo_is_not_taken_from_a_reduced_copy(tmp_path):
    """A JPEG of that size is decoded reduced, by as much as the whole needs; a part needs more."""
    picture = Image.new("RGB", (5000, 4000))
    picture.paste("white", (0, 0, 1, 4000))  # a line of one pixel
    picture.save(tmp_path / "large.jpg", quality=95)
    part = square(tmp_path / "large.jpg", 64, Crop(60, 0, 0.5))
    assert part[:, 0].min() > 150 and part[:, 4:].max() < 60

import json
import resource
import zlib

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, PngImagePlugin

from animegen_core.errors import AnimeGenError
from animegen_core.images import (
    DESCRIPTION_KEY,
    MAX_DESCRIPTION,
    make_grid,
    read_description,
    save_png,
    to_model_range,
    to_pil,
    to_uint8,
)

DESCRIPTION = {"program": "AnimeGen", "character": {"seed": 7}, "note": 'quotes " and 目'}


def png_with_text(path, text, draw):
    info = PngImagePlugin.PngInfo()
    info.add_itxt(DESCRIPTION_KEY, text)
    draw().save(path, pnginfo=info)
    return path


def test_the_ends_of_the_models_range_are_black_and_white():
    values = torch.tensor([-7.0, -1.0, 0.0, 1.0, 7.0]).reshape(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert to_uint8(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_all_256_levels_survive_the_way_into_the_network_and_back():
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(1, 3, 16, 16)
    np.testing.assert_array_equal(to_uint8(to_model_range(levels)), levels.permute(0, 2, 3, 1))


def test_tensors_become_rgb_pictures_with_the_channels_in_order():
    red_then_blue = torch.full((2, 3, 4, 6), -1.0)
    red_then_blue[0, 0] = red_then_blue[1, 2] = 1
    first, second = to_pil(red_then_blue)
    assert (first.mode, first.size) == ("RGB", (6, 4))
    assert first.getpixel((5, 3)) == (255, 0, 0)
    assert second.getpixel((0, 0)) == (0, 0, 255)


def test_a_sheet_is_filled_row_by_row():
    colours = ["red", "lime", "blue", "black", "gray"]
    sheet = make_grid([Image.new("RGB", (8, 6), colour) for colour in colours], padding=2)
    assert sheet.size == (3 * 10 + 2, 2 * 8 + 2)
    places = [(2, 2), (12, 2), (22, 2), (2, 10), (12, 10)]
    for colour, (x, y) in zip(colours, places):
        tile = sheet.crop((x, y, x + 8, y + 6))
        assert tile.getcolors() == [(48, Image.new("RGB", (1, 1), colour).getpixel((0, 0)))]
    assert sheet.getpixel((0, 0)) == sheet.getpixel((25, 12)) == (255, 255, 255)


def test_a_sheet_has_as_many_columns_as_asked():
    pictures = [Image.new("RGB", (4, 4))] * 5
    assert make_grid(pictures, columns=5, padding=0).size == (20, 4)
    assert make_grid(pictures, columns=2, padding=1).size == (11, 16)


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(AnimeGenError, match="at least 1 image"):
        make_grid([])


def test_a_saved_picture_carries_its_description_and_keeps_its_pixels(tmp_path, draw):
    path = save_png(draw(), tmp_path / "new" / "face.png", DESCRIPTION)
    assert read_description(path) == DESCRIPTION
    with Image.open(path) as picture:
        assert picture.tobytes() == draw().tobytes()
        assert json.loads(picture.text[DESCRIPTION_KEY]) == DESCRIPTION
    assert [file.name for file in path.parent.iterdir()] == ["face.png"]


def test_the_same_picture_is_saved_to_the_same_bytes(tmp_path, draw):
    reordered = dict(reversed(DESCRIPTION.items()))
    first, second = save_png(draw(), tmp_path / "1.png", DESCRIPTION), save_png(draw(), tmp_path / "2.png", reordered)
    assert first.read_bytes() == second.read_bytes()


def test_a_failing_save_keeps_the_old_file(tmp_path, draw):
    path = save_png(draw(), tmp_path / "face.png", DESCRIPTION)
    with pytest.raises(TypeError):
        save_png(draw(1), path, {"not JSON": object()})
    assert read_description(path) == DESCRIPTION
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "3", "null", "[" * 100_000, "9" * 10_000])
def test_a_damaged_description_is_told_in_one_sentence(tmp_path, draw, text):
    path = png_with_text(tmp_path / "face.png", text, draw)
    with pytest.raises(AnimeGenError, match=r"^The description in 'face.png' is damaged.$"):
        read_description(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_picture_of_another_origin_carries_no_description(tmp_path, draw, suffix):
    path = tmp_path / f"photo{suffix}"
    draw().save(path)
    with pytest.raises(AnimeGenError, match="has no AnimeGen description"):
        read_description(path)


def write_text(path, _draw):
    path.write_text("no picture")


def write_half_a_png(path, draw):
    save_png(draw(), path, DESCRIPTION)
    path.write_bytes(path.read_bytes()[:40])


@pytest.mark.parametrize("write", [write_text, write_half_a_png, lambda path, draw: None])
def test_a_file_that_is_no_picture_is_told_in_one_sentence(tmp_path, draw, write):
    write(tmp_path / "face.png", draw)
    with pytest.raises(AnimeGenError, match=r"^'face.png' could not be read as an image.$"):
        read_description(tmp_path / "face.png")


def test_no_pixel_of_a_large_picture_is_looked_at(tmp_path):
    picture = tmp_path / "face.png"
    Image.new("RGB", (9_000, 9_000)).save(picture)  # 250 kB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AnimeGenError, match="has no AnimeGen"):
        read_description(picture)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_compressed_text_is_not_unpacked_beyond_a_descriptions_length(tmp_path, draw):
    info, text = PngImagePlugin.PngInfo(), zlib.compress(b" " * 20_000_000)
    for _ in range(50):
        info.add(b"zTXt", DESCRIPTION_KEY.encode() + b"\0\0" + text)
    draw().save(tmp_path / "face.png", pnginfo=info)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AnimeGenError, match=r"^The description in 'face.png' is damaged.$"):
        read_description(tmp_path / "face.png")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_long_text_is_no_description(tmp_path, draw):
    path = png_with_text(tmp_path / "face.png", "{" + " " * MAX_DESCRIPTION + "}", draw)
    with pytest.raises(AnimeGenError, match="is damaged"):
        read_description(path)


def test_another_programs_comment_is_no_description(tmp_path, draw):
    draw().save(tmp_path / "face.gif", comment="Created with another program")
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "a holiday"
    draw().save(tmp_path / "face.webp", exif=exif)
    for name in ("face.gif", "face.webp"):
        with pytest.raises(AnimeGenError, match="has no AnimeGen description"):
            read_description(tmp_path / name)

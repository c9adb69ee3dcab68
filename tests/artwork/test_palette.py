"""Palettes of pictures whose colours are known."""

import pytest
from PIL import Image, ImageDraw

from animegen_core.artwork import gimp_palette, main_colours, palette_picture
from animegen_core.errors import AnimeGenError

COLOURS = ["#f8e0d0", "#3040a0", "#c02030", "#208040", "#101010"]


@pytest.fixture
def flag():
    """Five stripes, each narrower than the one before."""
    picture, left = Image.new("RGB", (150, 60)), 0
    for colour, width in zip(COLOURS, (50, 40, 30, 20, 10)):
        ImageDraw.Draw(picture).rectangle((left, 0, left + width - 1, 59), colour)
        left += width
    return picture


def test_the_colours_of_a_picture_are_found_the_most_frequent_first(flag):
    swatches = main_colours(flag.resize((90, 36), Image.Resampling.NEAREST), 5)
    assert [swatch.hex for swatch in swatches] == COLOURS
    assert [swatch.fraction for swatch in swatches] == pytest.approx([5 / 15, 4 / 15, 3 / 15, 2 / 15, 1 / 15])


def test_a_large_picture_has_nearly_the_same_palette_and_each_call_the_very_same(flag):
    large = flag.resize((900, 360))
    assert main_colours(large, 6) == main_colours(large, 6)
    assert sum(swatch.fraction for swatch in main_colours(large, 6)) == pytest.approx(1)


def test_a_picture_of_one_colour_has_a_palette():
    assert {swatch.hex for swatch in main_colours(Image.new("RGB", (8, 8), "#336699"), 5)} == {"#336699"}


@pytest.mark.parametrize("colours", [4, 9, 5.5])
def test_a_number_out_of_range_is_refused(flag, colours):
    with pytest.raises(AnimeGenError, match="whole number from 5 to 8"):
        main_colours(flag, colours)


def test_the_strip_shows_the_colours_and_the_gpl_file_lists_them(flag):
    swatches = main_colours(flag.resize((90, 36), Image.Resampling.NEAREST), 5)
    strip = palette_picture(swatches)
    shown = [strip.getpixel((strip.width * (2 * index + 1) // 10, 20)) for index in range(5)]
    assert ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in shown] == COLOURS
    lines = gimp_palette(swatches, "a\nname").splitlines()
    assert lines[:4] == ["GIMP Palette", "Name: a name", "Columns: 5", "#"]
    assert [line.split()[:3] for line in lines[4:]][1] == ["48", "64", "160"]

"""Lines where there are edges, and nowhere else."""

import numpy as np
from PIL import Image, ImageDraw

from animegen_core.artwork import line_art


def lines_of(fill, background, size=200):
    picture = Image.new("RGB", (size, size), background)
    ImageDraw.Draw(picture).ellipse((size * 0.25, size * 0.25, size * 0.75, size * 0.75), fill)
    return np.asarray(line_art(picture))


def test_an_edge_becomes_a_line_and_areas_stay_white():
    for fill, background in (("#202020", "white"), ("#f0c0a0", "#604020"), ("#303050", "#8090a0")):
        lines = lines_of(fill, background)
        assert lines.shape == (200, 200) and lines.dtype == np.uint8
        assert lines[100, 40:62].min() < 60  # across the edge
        assert lines[100, 100] > 240 and lines[10, 10] > 240  # also within dark hair
        assert (lines < 128).mean() < 0.12


def test_a_picture_without_edges_has_no_lines():
    assert (np.asarray(line_art(Image.new("RGB", (64, 64), "#553311"))) == 255).all()

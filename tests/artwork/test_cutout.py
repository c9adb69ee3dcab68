"""The background goes, the face stays, and what cannot be cut out is refused."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from animegen_core.artwork import cut_out
from animegen_core.errors import AnimeGenError


def bust(background="white", hair="#7030a0", skin="#f3cfb4", size=160):
    """A head with hair and white eyes over a dress that reaches the lower border."""
    picture = Image.new("RGB", (size, size), background)
    brush = ImageDraw.Draw(picture)
    for colour, box in (
        ("#204060", (0.2, 0.75, 0.8, 1.2)),
        (hair, (0.22, 0.1, 0.78, 0.8)),
        (skin, (0.3, 0.25, 0.7, 0.78)),
        ("white", (0.36, 0.45, 0.46, 0.55)),
        ("white", (0.54, 0.45, 0.64, 0.55)),
    ):
        brush.ellipse([edge * size for edge in box], colour)
    return picture.filter(ImageFilter.GaussianBlur(size / 160))


@pytest.mark.parametrize("size", [160, 520])
def test_the_background_is_transparent_and_the_face_with_its_white_eyes_is_not(size):
    alpha = np.asarray(cut_out(bust(size=size)))[..., 3] / 255
    places = [(int(y * size), int(x * size)) for y, x in ((0.02, 0.02), (0.05, 0.5), (0.5, 0.05), (0.3, 0.95))]
    assert all(alpha[place] == 0 for place in places)
    places = [(int(y * size), int(x * size)) for y, x in ((0.5, 0.5), (0.5, 0.41), (0.5, 0.59), (0.97, 0.5), (0.2, 0.5))]
    assert all(alpha[place] == 1 for place in places)


def test_the_edge_is_soft_and_has_no_white_rim_on_black():
    cut = cut_out(bust(size=320))
    alpha = np.asarray(cut)[..., 3]
    assert ((alpha > 20) & (alpha < 235)).sum() > 200
    on_black = Image.alpha_composite(Image.new("RGBA", cut.size, "black"), cut).convert("L")
    row = np.asarray(on_black)[160, 40:90].astype(int)  # from the background into the hair
    assert row[0] == 0 and row.max() <= row[-1] + 12


def test_a_picture_whose_border_is_not_white_is_refused():
    with pytest.raises(AnimeGenError, match="because it is not white: only 0% of the border is, and 10% are needed"):
        cut_out(bust("#4060c0"))


def test_white_hair_that_would_vanish_is_refused():
    with pytest.raises(AnimeGenError, match="hair or skin is as light"):
        cut_out(bust(hair="white", skin="#fdfcfb"))

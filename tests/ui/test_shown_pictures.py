"""The sides at which the page shows faces."""

from types import SimpleNamespace

import pytest

from animegen_core.helpers.upscaling import sizes_of
from animegen_core.ui.pictures import FILM, LARGE, TILE, shown_side


@pytest.mark.parametrize(
    "own, tile, film, large", [(64, 128, 256, 256), (128, 128, 256, 512), (256, 256, 256, 512), (1024, 1024, 1024, 1024)]
)
def test_faces_are_shown_as_large_as_a_screen_needs_but_never_smaller_than_drawn(own, tile, film, large):
    studio = SimpleNamespace(sizes=sizes_of(own))
    assert [shown_side(studio, most) for most in (0, TILE, FILM, LARGE)] == [own, tile, film, large]

"""The sides at which the page shows faces."""

from types import SimpleNamespace

import pytest

from animegen_core.errors import AnimeGenError
from animegen_core.helpers.upscaling import sizes_of
from animegen_core.ui.controls import size_of
from animegen_core.ui.pictures import FILM, LARGE, TILE, check_pixels, shown_side


@pytest.mark.parametrize(
    "own, tile, film, large", [(64, 128, 256, 256), (128, 128, 256, 512), (256, 256, 256, 512), (1024, 1024, 1024, 1024)]
)
def test_faces_are_shown_as_large_as_a_screen_needs_but_never_smaller_than_drawn(own, tile, film, large):
    studio = SimpleNamespace(sizes=sizes_of(own))
    assert [shown_side(studio, most) for most in (0, TILE, FILM, LARGE)] == [own, tile, film, large]


@pytest.mark.parametrize(
    "own, wanted, side", [(64, 0, 64), (64, 256, 256), (64, 2048, 2048), (512, 256, 512), (96, 256, 384), (16, 2048, 512)]
)
def test_a_file_has_the_wanted_size_or_the_next_that_the_checkpoint_can_have(own, wanted, side):
    assert size_of(SimpleNamespace(sizes=sizes_of(own)), wanted) == side


def test_a_file_of_too_many_pixels_is_refused_with_the_most_images():
    check_pixels(15, "faces", 2048)
    with pytest.raises(AnimeGenError, match="16 faces of 2048 px are too many; choose at most 15, or a smaller size"):
        check_pixels(16, "faces", 2048)

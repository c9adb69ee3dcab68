"""Colours in OKLab against the table of its author, and back."""

import numpy as np
import pytest

from animegen_core.artwork.oklab import from_oklab, to_oklab


@pytest.mark.parametrize(
    "colour, lab",
    [
        ((255, 255, 255), (1.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 255, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_known_colours(colour, lab):
    assert to_oklab(np.array(colour)) == pytest.approx(np.array(lab), abs=2e-4)


def test_there_and_back_is_the_same_colour():
    colours = np.random.RandomState(0).randint(0, 256, (500, 3))
    assert (from_oklab(to_oklab(colours)) == colours).all()

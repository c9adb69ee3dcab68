import pytest
import torch

from animegen_core import Studio
from animegen_core.steering.faces import Faces
from animegen_core.steering.measures import MEASURES, _measured
from animegen_core.steering.sliders import Sample, fit

NAMES = list(MEASURES)


@pytest.fixture
def faces(family_checkpoints):
    return Faces(Studio.load(family_checkpoints["stylegan2"], "cpu").checkpoint, 1.0)


def test_a_slider_moves_along_what_its_measure_depends_on(faces):
    random = torch.Generator().manual_seed(0)
    ways = torch.randn(1500, 3, 16, generator=random)
    measures = torch.randn(1500, len(NAMES), generator=random)
    measures[:, NAMES.index("tilt")] += 3 * ways[:, 0, 5]  # of the coarse layers
    measures[:, NAMES.index("face size")] += 3 * (ways[:, 0, 5] + ways[:, 0, 7])  # moves with tilt
    measures[:, NAMES.index("contrast")] += 3 * ways[:, 2, 2]  # of fine layers
    labels = torch.randint(11, (1500, 2), generator=random)
    measures[:, NAMES.index("saturation")] += 3.0 * labels[:, 0]  # the colour's, which no slider may move
    directions, explained = fit(faces, Sample(ways, measures, labels))
    assert explained["tilt"] > 0.7 and explained["contrast"] > 0.6
    assert explained["saturation"] < 0.2
    tilt, size, contrast = directions["tilt"], directions["face size"], directions["contrast"]
    assert tilt[0].argmax() == 5 and tilt[4:].abs().max() == 0  # pose stands in the layers of 4 and 8 px
    assert tilt[0, 7] < -tilt[0, 5] / 2  # keeps the size of the face
    assert size[0].argmax() == 7 and abs(size[0, 5]) < size[0, 7] / 2
    assert contrast[:4].abs().max() == 0


def drawing(eyes=((24, 34), (40, 34)), lowest=50):
    """A face with two irises, and the hair around it: image, and how much hair and irises recolour."""
    plain, hair, iris = torch.full((1, 3, 64, 64), 0.9), torch.full((1, 1, 64, 64), 0.3), torch.zeros(1, 1, 64, 64)
    hair[:, :, 22:lowest, 16:48] = 0
    for x, y in eyes:
        iris[:, :, y - 3 : y + 3, x - 3 : x + 3] = 0.4
    return plain, hair, iris


def test_measures_say_what_moved():
    def measured(*arguments, **options):
        return dict(zip(NAMES, _measured(*drawing(*arguments, **options))[0].tolist()))

    usual = measured()
    tilted = measured(((24, 31), (40, 37)))
    assert tilted["tilt"] > usual["tilt"] + 0.05
    assert measured(lowest=58)["face size"] > usual["face size"]
    assert measured(lowest=58)["hair length"] < usual["hair length"]
    assert measured(((28, 34), (44, 34)))["turn"] > usual["turn"] + 0.03
    assert abs(usual["tilt"]) < 0.01 and abs(usual["turn"]) < 0.02

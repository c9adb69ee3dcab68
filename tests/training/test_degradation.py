"""Small pictures an upscaler learns from: functions of the seed, of the right size, and spoiled no more than moderately."""

import numpy as np
import pytest
from PIL import Image

from animegen_core.training.helpers.degradation import degrade, random_patch

SEEDS = range(60)


@pytest.fixture(scope="module")
def picture(draw):
    return draw(3, (64, 64))


def degraded(picture, seed):
    return np.asarray(degrade(picture, np.random.default_rng(seed)))


def test_a_patch_is_a_function_of_the_seed(picture):
    patches = [np.asarray(random_patch(picture, 32, np.random.default_rng(seed))) for seed in SEEDS]
    again = [np.asarray(random_patch(picture, 32, np.random.default_rng(seed))) for seed in SEEDS]
    assert all(map(np.array_equal, patches, again))
    assert all(patch.shape == (32, 32, 3) for patch in patches)
    assert len({patch.tobytes() for patch in patches}) > len(SEEDS) // 2


def test_a_patch_may_be_the_whole_picture_and_never_more(picture):
    sides = [random_patch(picture, 64, np.random.default_rng(seed)).size for seed in SEEDS]
    assert set(sides) == {(64, 64)}


def test_half_of_the_patches_are_mirrored():
    ramp = Image.fromarray(np.tile(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], (64, 1, 3)))
    patches = [np.asarray(random_patch(ramp, 32, np.random.default_rng(seed)), dtype=int) for seed in range(200)]
    mirrored = np.mean([patch[:, 0].mean() > patch[:, -1].mean() for patch in patches])
    assert 0.4 < mirrored < 0.6


def test_degradation_is_a_function_of_the_seed(picture):
    small = [degraded(picture, seed) for seed in SEEDS]
    assert all(map(np.array_equal, small, (degraded(picture, seed) for seed in SEEDS)))
    assert len({array.tobytes() for array in small}) > len(SEEDS) // 2


@pytest.mark.parametrize("scale", [2, 4])
def test_degraded_pictures_have_the_size(picture, scale):
    for seed in SEEDS:
        small = degrade(picture, np.random.default_rng(seed), scale)
        assert small.size == (64 // scale, 64 // scale) and small.mode == "RGB"


def test_degraded_pictures_stay_near_the_reduced_one(picture):
    clean = np.asarray(picture.reduce(4), dtype=float)
    errors = [np.abs(degraded(picture, seed) - clean).mean() for seed in SEEDS]
    assert max(errors) < 20 and np.median(errors) < 10


@pytest.mark.parametrize("level", [0, 255])
def test_black_stays_black_and_white_stays_white(level):
    plain = Image.new("RGB", (64, 64), (level,) * 3)
    for seed in SEEDS:
        assert np.abs(degraded(plain, seed).astype(int) - level).mean() < 6  # and wraps nowhere

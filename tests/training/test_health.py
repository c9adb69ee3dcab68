import pytest
import torch

from animegen_core.training.health import COLLAPSED, WON, Health, discriminator_has_won, diversity


def rows(*scores):
    return [dict(images=i, real_score=real, fake_score=fake) for i, (real, fake) in enumerate(scores)]


SURE, UNSURE = (0.99, 0.01), (0.8, 0.2)


@pytest.mark.parametrize(
    "scores, won",
    [
        ([], False),
        ([SURE] * 9, False),
        ([SURE] * 10, True),
        ([UNSURE] * 50 + [SURE] * 10, True),
        ([SURE] * 50 + [UNSURE], False),
        ([(0.99, 0.2)] * 10, False),
        ([(0.9, 0.01)] * 10, False),
    ],
)
def test_the_discriminator_has_won_when_it_is_sure_of_both_for_long(scores, won):
    assert discriminator_has_won(rows(*scores)) is won


def test_the_diversity_is_the_mean_distance_of_two_pictures():
    images = torch.stack([torch.full((3, 4, 4), value) for value in (-0.5, 0.5, 0.5)])
    assert diversity(images) == pytest.approx(2 / 3)
    assert diversity(9 * images) == pytest.approx(4 / 3)  # seen as white and black


def test_each_warning_comes_once():
    health = Health({})
    assert health.check_scores(rows(*[UNSURE] * 10)) is None
    assert health.check_scores(rows(*[SURE] * 10)) == WON
    assert health.check_scores(rows(*[SURE] * 11)) is None


def test_collapse_is_measured_against_the_best_of_the_whole_run():
    torch.manual_seed(0)
    faces, progress = torch.rand(8, 3, 4, 4) - 0.5, {}
    assert Health(progress).check_samples(faces) is None
    resumed = Health(progress)
    assert resumed.check_samples(0.5 * faces) is None
    assert resumed.check_samples(0.3 * faces) == COLLAPSED
    assert resumed.check_samples(0.3 * faces) is None
    assert resumed.check_samples(faces) is None

import pytest
import torch

from animegen_core.evaluation.intervals import bootstrap, jackknife, of_fraction, of_mean

NUMBERS = torch.arange(100.0)


def test_wilsons_interval_is_the_known_one_and_never_leaves_zero_to_one():
    tenth = of_fraction(1, 10)
    assert (tenth.value, tenth.low, tenth.high) == pytest.approx((0.1, 0.0179, 0.4042), abs=1e-4)
    assert of_fraction(0, 5).low == pytest.approx(0) and of_fraction(5, 5).high == pytest.approx(1)
    assert of_fraction(5, 5).low < 0.6


def test_all_intervals_of_a_mean_agree():
    direct = of_mean(NUMBERS)
    parts = NUMBERS[torch.randperm(100, generator=torch.Generator().manual_seed(0))].view(10, 10)
    folded = jackknife(lambda folds: float(parts[list(folds)].mean()))
    again = bootstrap(lambda sample: float(sample.mean()), NUMBERS)
    for interval in (direct, folded, again):
        assert interval.value == pytest.approx(49.5)
        assert interval.high - interval.low == pytest.approx(11.37, rel=0.4)  # 2 x 1.96 x 29.01 / 10

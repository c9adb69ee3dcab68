"""Frechet and kernel distances against known answers and against torchmetrics."""

import pytest
import torch
from torch import nn

from animegen_core.evaluation.distances import frechet_distance, frechet_interval, kernel_distance, kernel_interval


def normal(count, dim, seed=0):
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))


def exactly(sample, mean, deviations):
    """A sample whose mean and covariance are exactly these."""
    centred = (sample - sample.mean(0)).double()
    white = centred @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(centred.T))).T
    return white * torch.tensor(deviations) + torch.tensor(mean)


def test_the_frechet_distance_of_two_normal_distributions_is_the_closed_form():
    a = exactly(normal(50, 3), [0.0, 0, 0], [1.0, 2, 3])
    b = exactly(normal(70, 3, 1), [1.0, 2, 2], [2.0, 2, 1])
    assert frechet_distance(a, b) == pytest.approx(9 + 1 + 0 + 4, abs=1e-6)  # |shift|^2 and the sum of (s_a - s_b)^2


def test_identical_sets_have_no_distance_even_when_there_are_fewer_pictures_than_features():
    a = normal(20, 40)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, a + 1) == pytest.approx(40, abs=1e-5)


def test_the_kernel_distance_is_unbiased():
    values = [kernel_distance(normal(30, 8, 2 * seed), normal(50, 8, 2 * seed + 1)) for seed in range(60)]
    mean, error = torch.tensor(values).mean(), torch.tensor(values).std() / 60**0.5
    assert abs(mean) < 3 * error
    assert min(values) < 0 < max(values)


def test_intervals_hold_the_value_and_shrink_with_more_faces():
    real = normal(4000, 4)
    few, many = (frechet_interval(real, normal(count, 4, 1) + 0.5) for count in (100, 4000))
    assert few.low < few.value < few.high and many.low < 1.0 < many.high  # 4 x .5^2
    assert many.high - many.low < (few.high - few.low) / 3
    kernel = kernel_interval(real, normal(4000, 4, 2))
    assert kernel.low < 0 < kernel.high
    assert kernel_interval(real, normal(4000, 4, 2) + 0.5).low > 0


class _Flat(nn.Module):
    num_features = 12

    def forward(self, images):
        return images.flatten(1).float()


def test_both_agree_with_torchmetrics():
    pytest.importorskip("torchmetrics")
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import poly_mmd

    a, b = normal(300, 12), 1.2 * normal(200, 12, 1) + 0.3
    theirs = FrechetInceptionDistance(feature=_Flat(), input_img_size=(3, 2, 2))
    theirs.update(a.view(-1, 3, 2, 2), real=True)
    theirs.update(b.view(-1, 3, 2, 2), real=False)
    assert frechet_distance(a, b) == pytest.approx(float(theirs.compute()), rel=1e-3)
    assert kernel_distance(a[:200], b) == pytest.approx(float(poly_mmd(a[:200].double(), b.double())), rel=1e-3)

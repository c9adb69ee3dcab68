import math

import pytest
import torch

from animegen_core.training.losses import bce_discriminator_loss, bce_generator_loss


def softplus(x):
    return math.log1p(math.exp(x))


def cross_entropy(logit, label):
    return softplus(logit) - label * logit


def test_an_undecided_discriminator_pays_log_2_for_each_side():
    zeros = torch.zeros(5)
    assert bce_discriminator_loss(zeros, zeros).item() == pytest.approx(2 * math.log(2))
    assert bce_generator_loss(zeros).item() == pytest.approx(math.log(2))


def test_the_discriminator_asks_reals_for_the_smoothed_label_and_fakes_for_0():
    real, fake = [2.0, -1.0], [0.5, -3.0]
    expected = sum(cross_entropy(x, 0.9) for x in real) / 2 + sum(cross_entropy(x, 0) for x in fake) / 2
    assert bce_discriminator_loss(torch.tensor(real), torch.tensor(fake)).item() == pytest.approx(expected)


def test_the_smoothed_loss_is_lowest_where_the_discriminator_says_0_9():
    def loss(logit):
        return bce_discriminator_loss(torch.tensor([logit]), torch.tensor([0.0])).item()

    best = math.log(0.9 / 0.1)
    assert loss(best) < loss(best - 0.2)
    assert loss(best) < loss(best + 0.2)


def test_labels_drawn_from_a_range_stay_in_it_and_average_to_its_middle():
    torch.manual_seed(0)
    logit = 3.0
    losses = [bce_discriminator_loss(torch.tensor([logit]), torch.tensor([0.0]), 0.9, 1.0).item() for _ in range(500)]
    labels = [(softplus(logit) + math.log(2) - loss) / logit for loss in losses]
    assert 0.9 - 1e-5 < min(labels) < 0.91
    assert 0.99 < max(labels) < 1 + 1e-5
    assert sum(labels) / 500 == pytest.approx(0.95, abs=0.005)


def test_the_generator_pays_for_fakes_that_are_recognised():
    assert bce_generator_loss(torch.tensor([-4.0, 1.0])).item() == pytest.approx((softplus(4) + softplus(-1)) / 2)


def test_the_generators_gradient_stays_strong_when_it_loses_badly():
    logits = torch.tensor([-50.0], requires_grad=True)
    bce_generator_loss(logits).backward()
    assert logits.grad.item() == pytest.approx(-1)


def test_huge_logits_give_finite_losses():
    huge = torch.tensor([1e4, -1e4])
    assert torch.isfinite(bce_discriminator_loss(huge, huge))
    assert torch.isfinite(bce_generator_loss(huge))

import math

import pytest
import torch

from animegen_core.training.losses import (
    bce_discriminator_loss,
    bce_generator_loss,
    feature_matching_loss,
    kl_divergence,
    nonsaturating_discriminator_loss,
    nonsaturating_generator_loss,
    path_length_penalty,
    r1_penalty,
    r2_penalty,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
)


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


def test_the_nonsaturating_losses_are_cross_entropies_without_smoothing():
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    torch.testing.assert_close(nonsaturating_discriminator_loss(real, fake), bce_discriminator_loss(real, fake, 1.0, 1.0))
    torch.testing.assert_close(nonsaturating_generator_loss(fake), bce_generator_loss(fake))
    huge = torch.tensor([1e4, -1e4])
    assert nonsaturating_discriminator_loss(huge, huge).item() == pytest.approx(1e4)
    assert nonsaturating_generator_loss(huge).item() == pytest.approx(5e3)


def test_relativistic_losses_look_at_the_difference_within_each_pair():
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    expected = (softplus(0.5 - 2.0) + softplus(-3.0 + 1.0)) / 2
    assert relativistic_discriminator_loss(real, fake).item() == pytest.approx(expected)
    assert relativistic_discriminator_loss(real + 40, fake + 40).item() == pytest.approx(expected)  # no logit counts alone
    torch.testing.assert_close(relativistic_generator_loss(real, fake), relativistic_discriminator_loss(fake, real))
    huge = torch.tensor([1e4, -1e4])
    assert relativistic_generator_loss(huge, -huge).item() == pytest.approx(1e4)


def test_the_relativistic_generator_is_pushed_while_its_fakes_look_less_real():
    real, fake = torch.tensor([50.0, -50.0]), torch.tensor([0.0, 0.0], requires_grad=True)
    relativistic_generator_loss(real, fake).backward()
    assert fake.grad.tolist() == pytest.approx([-0.5, 0])  # of the mean of two


def test_feature_matching_compares_means_only():
    real = torch.tensor([[[1.0, 2.0]], [[3.0, 6.0]]])
    assert feature_matching_loss(real, real.flip(0)).item() == 0
    assert feature_matching_loss(real, torch.zeros(5, 1, 2)).item() == pytest.approx(2**2 + 4**2)
    fake = torch.zeros(4, 1, 2, requires_grad=True)
    feature_matching_loss(real, fake).backward()
    assert fake.grad[0, 0].tolist() == pytest.approx([-2 * 2 / 4, -2 * 4 / 4])


@pytest.mark.parametrize("penalty", [r1_penalty, r2_penalty])
def test_r1_of_a_linear_discriminator_is_half_gamma_times_its_squared_weights(penalty):
    torch.manual_seed(0)
    weight = torch.randn(3, 4, 4, requires_grad=True)
    real = torch.randn(5, 3, 4, 4, requires_grad=True)
    value = penalty((real * weight).sum((1, 2, 3)) + 7, real, gamma=0.3)
    torch.testing.assert_close(value, 0.15 * weight.square().sum())
    value.backward()
    torch.testing.assert_close(weight.grad, 0.3 * weight.detach())
    assert real.grad is None  # nothing flows on into the pictures


def test_r1_of_a_quadratic_discriminator_grows_with_the_pictures():
    real = torch.full((2, 1, 2, 2), 3.0, requires_grad=True)
    assert r1_penalty(real.square().sum((1, 2, 3)) / 2, real, gamma=2).item() == pytest.approx(4 * 3**2)


def linear_map(count):
    """A linear map of w of length 5 to pictures of 3 x 4 x 8, and pictures made with it."""
    torch.manual_seed(0)
    matrix = torch.randn(3 * 4 * 8, 5, requires_grad=True)
    ws = torch.randn(count, 1, 5, requires_grad=True)
    return matrix, ws, (ws[:, 0] @ matrix.T).view(count, 3, 4, 8)


def test_path_lengths_of_a_linear_map_are_those_of_the_noise_it_carries_back():
    matrix, ws, images = linear_map(6)
    torch.manual_seed(5)
    penalty, mean = path_length_penalty(images, ws, torch.tensor(2.0))
    torch.manual_seed(5)
    noise = torch.randn(6, 3, 4, 8).flatten(1) / math.sqrt(4 * 8)
    lengths = (noise @ matrix).norm(dim=1)
    expected = 2 + 0.01 * (lengths.mean() - 2)
    torch.testing.assert_close(mean, expected.detach())
    torch.testing.assert_close(penalty, (lengths - mean).square().mean())
    (own,) = torch.autograd.grad(penalty, matrix)
    (theirs,) = torch.autograd.grad((lengths - mean).square().mean(), matrix)
    torch.testing.assert_close(own, theirs)


def test_the_mean_square_path_length_is_the_maps_squared_norm_over_the_pixels():
    matrix, ws, images = linear_map(4000)
    mean_square, _ = path_length_penalty(images, ws, torch.tensor(0.0), decay=0)
    assert mean_square.item() == pytest.approx(matrix.square().sum().item() / (4 * 8), rel=0.05)


def test_path_lengths_that_are_no_numbers_leave_the_mean_alone():
    _, ws, images = linear_map(4)
    penalty, mean = path_length_penalty(images * float("nan"), ws, torch.tensor(2.0))
    assert mean.item() == 2
    assert not penalty.isfinite()


def test_the_divergence_is_that_of_torch_and_zero_for_the_prior():
    torch.manual_seed(0)
    mean, log_variance = torch.randn(3, 5), torch.randn(3, 5)
    posterior, prior = torch.distributions.Normal(mean, (log_variance / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    wanted = torch.distributions.kl_divergence(posterior, prior).sum(1)
    assert torch.allclose(kl_divergence(mean, log_variance), wanted, atol=1e-6)
    assert kl_divergence(torch.zeros(1, 5), torch.zeros(1, 5)) == 0

"""Losses and penalties as pure functions."""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu, softplus


def bce_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, real_label_low: float = 0.9, real_label_high: float = 0.9
) -> Tensor:
    """Cross-entropy of the discriminator (Goodfellow et al. 2014, eq. 1) with one-sided label smoothing
    (Salimans et al. 2016, section 3.4): the targets are U[low, high] for reals and 0 for fakes.

    Args:
        real_logits, fake_logits: tensors (N,).

    Returns:
        A scalar: the sum of the mean over reals and the mean over fakes.
    """
    labels = torch.empty_like(real_logits).uniform_(real_label_low, real_label_high)
    real = binary_cross_entropy_with_logits(real_logits, labels)
    fake = binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    return real + fake


def bce_generator_loss(fake_logits: Tensor) -> Tensor:
    """The non-saturating form, -log D(G(z)) (Goodfellow et al. 2014, section 3). Logits (N,) to a scalar."""
    return binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def bce_mismatch_loss(logits: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy with target 0 for real images paired with a wrong label (Reed et al. 2016, algorithm 1).

    Args:
        logits: tensor (N,).
        known: bool (N,), false where the image's label is unknown, so that no label is wrong.

    Returns:
        A scalar: the mean over all N, so that a batch with few known labels weighs less.
    """
    return (binary_cross_entropy_with_logits(logits, torch.zeros_like(logits), reduction="none") * known).mean()


def nonsaturating_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))) (Goodfellow et al. 2014, eq. 1), as softplus of logits.

    Args:
        real_logits, fake_logits: tensors (N,).

    Returns:
        A scalar: the sum of the mean over reals and the mean over fakes.
    """
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def nonsaturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(G(z))) (Goodfellow et al. 2014, section 3), as softplus. Logits (N,) to a scalar."""
    return softplus(-fake_logits).mean()


def relativistic_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(x) - D(G(z))) (RSGAN of Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734): each real image
    should score higher than the fake it is paired with. Needs both R1 and R2 to converge (R3GAN, Huang et al. 2024,
    https://arxiv.org/abs/2501.05441).

    Args:
        real_logits, fake_logits: tensors (N,), paired by position.

    Returns:
        A scalar, the mean over pairs.
    """
    return softplus(fake_logits - real_logits).mean()


def relativistic_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(G(z)) - D(x)) (RSGAN). Logits (N,), paired by position, to a scalar."""
    return softplus(real_logits - fake_logits).mean()


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim and Ye 2017, https://arxiv.org/abs/1705.02894, eq. 25).

    Args:
        real_logits, fake_logits: tensors of any shape.

    Returns:
        A scalar: the mean over logits of reals and the mean over logits of fakes, added.
    """
    return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """-E D(G(z)) (Lim and Ye 2017). Logits of any shape to a scalar."""
    return -fake_logits.mean()


def feature_matching_loss(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """|E f(x) - E f(G(z))|^2 with f an inner layer of the discriminator (Salimans et al. 2016, section 3.1).

    Args:
        real_features, fake_features: tensors (N, ...).

    Returns:
        A scalar, the squared length of the difference of the means over the batch.
    """
    return (real_features.mean(0) - fake_features.mean(0)).square().sum()


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) (Kingma and Welling 2014, appendix B), summed over dimensions, in nats.

    Args:
        mean, log_variance: tensors (N, D).

    Returns:
        A tensor (N,).
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


def r1_penalty(real_logits: Tensor, real: Tensor, gamma: float) -> Tensor:
    """gamma / 2 E |grad D(x)|^2 over real images only (Mescheder, Geiger, Nowozin 2018, eq. 9, R1).

    Second derivatives need float32: compute the logits outside autocast.

    Args:
        real_logits: tensor (N,), computed from ``real``.
        real: images (N, 3, H, W) that require gradients.
        gamma: weight.

    Returns:
        A scalar with a graph to the discriminator's weights.
    """
    return _gradient_penalty(real_logits, real, gamma)


def r2_penalty(fake_logits: Tensor, fake: Tensor, gamma: float) -> Tensor:
    """gamma / 2 E |grad D(G(z))|^2 over fakes only (the same paper, R2): as ``r1_penalty``, for fakes detached from the
    generator.
    """
    return _gradient_penalty(fake_logits, fake, gamma)


def _gradient_penalty(logits: Tensor, images: Tensor, gamma: float) -> Tensor:
    # An image's logit also depends on its neighbours, through the minibatch standard deviation; the sum covers that.
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gamma / 2 * gradient.square().sum((1, 2, 3)).mean()


def path_length_penalty(images: Tensor, ws: Tensor, mean: Tensor, decay: float = 0.01) -> tuple[Tensor, Tensor]:
    """E (|J_w^T y| - a)^2 (Karras et al. 2020, eq. 4): steps of equal length in w should change images equally.

    y is noise N(0, 1) / sqrt(H W), so that the lengths do not depend on the resolution, and a the running mean of the lengths
    (appendix B). Second derivatives need float32: compute the images outside autocast.

    Args:
        images: (N, 3, H, W), computed from ``ws``.
        ws: (N, layers, w_dim); the length is the root mean square over the layers.
        mean: the scalar a so far.
        decay: weight of the batch's mean length in the new a.

    Returns:
        The penalty, a scalar, and the new a, which is unchanged if a length is not a number.
    """
    noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)  # J^T y, (N, layers, w_dim)
    lengths = gradient.square().sum(2).mean(1).sqrt()  # (N,)
    moved = mean.lerp(lengths.detach().mean(), decay)
    mean = torch.where(moved.isfinite(), moved, mean)
    return (lengths - mean).square().mean(), mean

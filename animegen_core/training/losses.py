"""Adversarial losses as pure functions of logits."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def bce_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, real_label_low: float = 0.9, real_label_high: float = 0.9
) -> Tensor:
    """Cross-entropy of the discriminator (Goodfellow et al. 2014, eq. 1) with one-sided label smoothing
    (Salimans et al. 2016, section 3.4): reals are asked for U[low, high], fakes for 0.

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
    """Cross-entropy that asks for 0 where a real picture is shown with a wrong label (Reed et al. 2016, algorithm 1).

    Args:
        logits: tensor (N,).
        known: bool (N,), false where the picture's label is unknown and so no label is wrong.

    Returns:
        A scalar: the mean over all N, so that a batch with few known labels weighs less.
    """
    return (binary_cross_entropy_with_logits(logits, torch.zeros_like(logits), reduction="none") * known).mean()

"""Distances between the distributions of two sets of features."""

import torch
from torch import Tensor

from animegen_core.evaluation.intervals import Interval, jackknife, of_mean

_BLOCK = 1000  # images in a block of the kernel distance (Binkowski et al. 2018, section 4)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Squared Frechet distance of normal distributions fitted to two sets (Heusel et al. 2017, eq. 6).

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2), in float64. It is biased upwards for small sets and
    many features.

    Args:
        a, b: features (N, D) and (M, D).
    """
    return _frechet_from(_normal(a), b)


def frechet_interval(real: Tensor, fake: Tensor) -> Interval:
    """``frechet_distance`` with the error from the choice of faces."""
    normal, parts = _normal(real), fake.tensor_split(10)
    return jackknife(lambda folds: _frechet_from(normal, torch.cat([parts[fold] for fold in folds])))


def _normal(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, covariance and its symmetric root of features (N, D), in float64."""
    covariance = torch.cov(a.double().T)
    values, vectors = torch.linalg.eigh(covariance)
    return a.double().mean(0), covariance, (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def _frechet_from(normal: tuple[Tensor, Tensor, Tensor], b: Tensor) -> float:
    mean, cov_a, root = normal
    shift, cov_b = mean - b.double().mean(0), torch.cov(b.double().T)
    # C_a C_b has the same eigenvalues as root C_b root, which is symmetric: real and more accurate.
    common = torch.linalg.eigvalsh(root @ cov_b @ root).clamp_min(0).sqrt().sum()
    return max(0.0, float(shift @ shift + cov_a.trace() + cov_b.trace() - 2 * common))


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy with the kernel (x y / D + 1)^3, unbiased (Binkowski et al. 2018, eq. 4).

    Unlike the Frechet distance its expectation does not depend on the sets' sizes. For equal distributions it is near zero and
    may be negative.

    Args:
        a, b: features (N, D) and (M, D).
    """
    a, b = a.double(), b.double()
    within = [(kernel.sum() - kernel.trace()) / (len(kernel) * (len(kernel) - 1)) for kernel in (_cubic(a, a), _cubic(b, b))]
    return float(sum(within) - 2 * _cubic(a, b).mean())


def kernel_interval(real: Tensor, fake: Tensor) -> Interval:
    """Mean of ``kernel_distance`` over disjoint blocks of 1000, or at least two blocks."""
    blocks = max(2, min(len(real), len(fake)) // _BLOCK)
    size = min(len(real), len(fake)) // blocks
    starts = range(0, blocks * size, size)
    return of_mean([kernel_distance(real[start : start + size], fake[start : start + size]) for start in starts])


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3

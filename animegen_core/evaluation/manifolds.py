"""Quality and variety, separately, from neighbourhoods of features.

Precision and recall: Kynkaanniemi et al. 2019, https://arxiv.org/abs/1904.06991. Density and coverage, which are robust
against outliers: Naeem et al. 2020, https://arxiv.org/abs/2002.09797.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_ROWS = 1000  # rows of a table of distances at once


@dataclass(frozen=True)
class ManifoldScores:
    """One value for each image; the scores are their means.

    Attributes:
        precision: for each fake, 1 if it is in the neighbourhood of a real image.
        recall: for each real image, 1 if it is in the neighbourhood of a fake.
        density: for each fake, the number of real neighbourhoods that contain it, divided by k; may exceed 1.
        coverage: for each real image, 1 if a fake is in its neighbourhood.
    """

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def manifold_scores(real: Tensor, fake: Tensor, k: int = 5) -> ManifoldScores:
    """Scores of fakes (M, D) against real features (N, D); a neighbourhood extends to the k-th nearest of the same set."""
    real_radius, fake_radius = neighbourhood_radius(real, k), neighbourhood_radius(fake, k)
    precision, density = [], []
    recall, coverage = torch.zeros(len(real), dtype=torch.bool), torch.zeros(len(real), dtype=torch.bool)
    for rows, distances in _distances(fake, real):
        inside = distances <= real_radius  # (m, N)
        precision.append(inside.any(1))
        density.append(inside.sum(1) / k)
        coverage |= inside.any(0)
        recall |= (distances <= fake_radius[rows, None]).any(0)
    return ManifoldScores(torch.cat(precision).float(), recall.float(), torch.cat(density), coverage.float())


def neighbourhood_radius(features: Tensor, k: int) -> Tensor:
    """Distance of each of (N, D) to its k-th nearest other: (N,)."""
    return torch.cat([table.topk(k + 1, largest=False).values[:, -1] for _, table in _distances(features, features)])


def nearest(features: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Distance of each of (N, D) to the nearest ``among`` (M, D), and its index: (N,) each."""
    found = [table.min(1) for _, table in _distances(features, among)]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])


def _distances(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield distances of blocks of rows of a (N, D) to all of b (M, D), because 10,000 by 10,000 are 400 MB."""
    for start in range(0, len(a), _ROWS):
        rows = slice(start, start + _ROWS)
        yield rows, torch.cdist(a[rows], b)

"""Splits the real images into a reference and a part for the floor."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from animegen_core.errors import AnimeGenError

LEAST = 60  # minimum number of images in each part, and of faces


@dataclass(frozen=True)
class Split:
    """Indices of real images, in random order that depends only on their numbers.

    Attributes:
        floor_images: the floor images, as many as faces; their scores are the floor, the scores of a perfect generator.
        reference: the others, with which faces and floor images are compared.
    """

    floor_images: np.ndarray
    reference: np.ndarray

    @property
    def count(self) -> int:
        """Number of faces to compare; a set of another size would have another floor."""
        return len(self.floor_images)

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the reference and of the floor images, from those of all images."""
        return features[torch.from_numpy(self.reference)], features[torch.from_numpy(self.floor_images)]


def split(real: int, samples: int) -> Split:
    """Split ``real`` images; at most half are floor images.

    Raises:
        AnimeGenError: there are too few images or samples.
    """
    if real < 2 * LEAST:
        raise AnimeGenError(f"There are {real} real images, but comparing needs at least {2 * LEAST}.")
    if samples < LEAST:
        raise AnimeGenError(f"samples is {samples}, but must be at least {LEAST}.")
    order = np.random.RandomState(0).permutation(real)
    count = min(samples, real // 2)
    return Split(order[:count], order[count:])

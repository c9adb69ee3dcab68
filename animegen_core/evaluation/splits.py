"""Which real pictures generated faces are compared with, and which stand in for them to show what the best value would be."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from animegen_core.errors import AnimeGenError

LEAST = 60  # real pictures, and faces


@dataclass(frozen=True)
class Split:
    """Indices of real pictures, in random order; the same for the same numbers.

    Attributes:
        stand_ins: as many as faces are drawn: their scores are the floor, what perfect faces would get.
        reference: the others, with which both are compared.
    """

    stand_ins: np.ndarray
    reference: np.ndarray

    @property
    def count(self) -> int:
        """How many faces are compared: a set of another size would have another floor."""
        return len(self.stand_ins)

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the reference and of the stand-ins, from those of all pictures."""
        return features[torch.from_numpy(self.reference)], features[torch.from_numpy(self.stand_ins)]


def split(real: int, samples: int) -> Split:
    """Half of the ``real`` pictures at most stand in.

    Raises:
        AnimeGenError: they are, or the samples are, too few to measure anything.
    """
    if real < 2 * LEAST:
        raise AnimeGenError(f"There are {real} real pictures, but comparing needs at least {2 * LEAST}.")
    if samples < LEAST:
        raise AnimeGenError(f"samples is {samples}, but must be at least {LEAST}.")
    order = np.random.RandomState(0).permutation(real)
    count = min(samples, real // 2)
    return Split(order[:count], order[count:])

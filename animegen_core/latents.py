"""Seeds to latents.

A latent is ``numpy.random.RandomState(seed).standard_normal(dim)``: NumPy has frozen that stream, so a seed means the same
face on every device, in every batch and under every later version.
"""

from collections.abc import Sequence

import numpy as np
import torch

from animegen_core.errors import AnimeGenError

MAX_SEED = 2**32 - 1


def check_seed(seed: object) -> int:
    """Return ``seed`` as an int in [0, 4294967295], or raise AnimeGenError."""
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MAX_SEED:
        raise AnimeGenError(f"Seed {seed!r} is not a whole number from 0 to {MAX_SEED}.")
    return int(seed)


def seed_to_z(seed: int, dim: int) -> np.ndarray:
    """One latent of N(0, 1): float64 array (dim,)."""
    return np.random.RandomState(check_seed(seed)).standard_normal(dim)


def seeds_to_z(seeds: Sequence[int], dim: int) -> torch.Tensor:
    """Latents of N(0, 1) for several seeds, each drawn from its own stream: float32 tensor (len(seeds), dim)."""
    return torch.from_numpy(np.stack([seed_to_z(seed, dim) for seed in seeds])).float()

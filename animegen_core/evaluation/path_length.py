"""Perceptual path length (Karras et al. 2019, section 4.1): does a small step between faces change the picture by little?"""

import numpy as np
import torch
from torch import Tensor, nn

from animegen_core.evaluation.intervals import Interval, of_mean
from animegen_core.latents import linear_interpolate, slerp
from animegen_core.models.stylegan import StyleBasedGenerator

_STEP = 1e-3  # of the way from one latent to another; a smaller one drowns in float32's rounding
_BATCH = 50
_TRIMMED = 0.01  # share of the pairs left out at each end, as in the reference implementation


@torch.inference_mode()
def path_length(generator: nn.Module, network: nn.Module, pairs: int = 1000, seed: int = 0) -> Interval:
    """Mean squared change of features for a step on the way between random latents, over the step squared.

    The way is straight in w for style-based generators, in whose layers noise is left out, and along the sphere in z for
    the others. It is measured in our own feature space instead of LPIPS', so only values measured by us compare.

    Args:
        generator: in eval mode; labels, if it has them, are left open.
        network: pictures (N, 3, H, W) in [-1, 1] to features (N, D).
        pairs: number of steps that are looked at.
    """
    random = np.random.RandomState(seed)
    ends = random.standard_normal((2, pairs, generator.latent_dim)).astype(np.float32)
    start = random.uniform(0, 1 - _STEP, pairs).astype(np.float32)
    where = next(generator.parameters()).device
    latents, start = torch.from_numpy(ends).to(where), torch.from_numpy(start).to(where)
    changes = []
    for chunk in torch.arange(pairs, device=where).split(_BATCH):
        here, there = (
            network(_draw(generator, latents[0, chunk], latents[1, chunk], t)) for t in (start[chunk], start[chunk] + _STEP)
        )
        changes.append((there - here).square().sum(1) / _STEP**2)
    ordered = torch.cat(changes).sort().values.cpu()
    trimmed = int(pairs * _TRIMMED)
    return of_mean(ordered[trimmed : pairs - trimmed])


def _draw(generator: nn.Module, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Pictures at t (N,) on the way from a to b, latents (N, D)."""
    if not isinstance(generator, StyleBasedGenerator):
        return generator(slerp(a, b, t))
    w = linear_interpolate(generator.map(a), generator.map(b), t)
    return generator.synthesize(w.unsqueeze(1).expand(-1, generator.num_layers, -1))

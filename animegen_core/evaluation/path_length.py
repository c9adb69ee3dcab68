"""Perceptual path length (Karras et al. 2019, section 4.1): how much a small step of the latent changes the image."""

import numpy as np
import torch
from torch import Tensor, nn

from animegen_core.evaluation.intervals import Interval, of_mean
from animegen_core.latents import linear_interpolate, slerp
from animegen_core.models.stylegan import StyleBasedGenerator

_STEP = 1e-3  # relative to the distance of two latents; smaller steps are lost in float32's rounding
_BATCH = 50
_TRIMMED = 0.01  # fraction of the pairs left out at each end, as in the reference implementation


@torch.inference_mode()
def path_length(generator: nn.Module, network: nn.Module, pairs: int = 1000, seed: int = 0) -> Interval:
    """Mean squared change of features for a step of the interpolation between random latents, divided by the squared step.

    Interpolation is linear in w for style-based generators, without noise, and slerp in z for the others. Features are our own
    instead of LPIPS, so values are not comparable with other programs.

    Args:
        generator: in eval mode; labels are not set.
        network: from images (N, 3, H, W) in [-1, 1] to features (N, D).
        pairs: number of steps.
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
    """Images at t (N,) of the interpolation from a to b, latents (N, D)."""
    if not isinstance(generator, StyleBasedGenerator):
        return generator(slerp(a, b, t))
    w = linear_interpolate(generator.map(a), generator.map(b), t)
    return generator.synthesize(w.unsqueeze(1).expand(-1, generator.num_layers, -1))

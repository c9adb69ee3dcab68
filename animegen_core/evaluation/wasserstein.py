"""Sliced Wasserstein distance of small patches at several scales (Karras et al. 2018, section 5), without a network."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.images import to_images

_SMALLEST = 16  # px, size of the coarsest level
_SIDE, _PATCHES = 7, 64  # px of a patch; patches of an image at each level
_DIRECTIONS = 128
_MOST = 4096  # images; more hardly change the result


def sliced_wasserstein(real: np.ndarray, fake: np.ndarray, seed: int = 0) -> dict[int, float]:
    """Distance x 1000 at each level of a Laplacian pyramid, by its size in pixels, from the finest to 16.

    Patches of both sets are normalised by the real ones' mean and standard deviation in each channel, so that differences of
    colour and contrast remain.

    Args:
        real, fake: uint8 images (N, H, W, 3) of one size. Equal numbers of both are used, at most 4096.
    """
    count = min(len(real), len(fake), _MOST)
    levels = [_patches(pictures[:count], seed) for pictures in (real, fake)]
    return {side: _distance(levels[0][side], levels[1][side], seed) for side in levels[0]}


def _patches(pictures: np.ndarray, seed: int) -> dict[int, Tensor]:
    """Random patches at each level: (N x 64, 3, 49)."""
    random = np.random.RandomState(seed)
    parts: dict[int, list[Tensor]] = {}
    for start in range(0, len(pictures), 256):
        for level in laplacian_pyramid(to_images(pictures[start : start + 256])):
            side, count = level.shape[-1], len(level)
            corners = torch.from_numpy(random.randint(0, side - _SIDE + 1, (2, count, _PATCHES, 1, 1)))
            rows = corners[0] + torch.arange(_SIDE).view(-1, 1)  # (n, 64, 7, 1)
            columns = corners[1] + torch.arange(_SIDE)  # (n, 64, 1, 7)
            found = level[torch.arange(count).view(-1, 1, 1, 1), :, rows, columns]  # (n, 64, 7, 7, 3)
            parts.setdefault(side, []).append(found.flatten(0, 1).flatten(1, 2).transpose(1, 2))
    return {side: torch.cat(found) for side, found in parts.items()}


def laplacian_pyramid(images: Tensor) -> list[Tensor]:
    """Laplacian pyramid of images (N, 3, S, S): the loss of each halving, and the smallest image (Burt, Adelson 1983)."""
    levels = []
    while images.shape[-1] >= 2 * _SMALLEST:
        small = _smooth(images)[:, :, ::2, ::2]
        spread = torch.zeros_like(images)
        spread[:, :, ::2, ::2] = 4 * small
        levels.append(images - _smooth(spread))
        images = small
    return [*levels, images]


def _smooth(images: Tensor) -> Tensor:
    taps = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    kernel = torch.outer(taps, taps).expand(3, 1, 5, 5)
    return F.conv2d(F.pad(images, [2] * 4, mode="reflect"), kernel, groups=3)


def _distance(real: Tensor, fake: Tensor, seed: int) -> float:
    deviation, mean = torch.std_mean(real, (0, 2), keepdim=True)
    random = np.random.RandomState(seed)
    directions = torch.from_numpy(random.standard_normal((3 * _SIDE * _SIDE, _DIRECTIONS))).float()
    directions = directions / directions.norm(dim=0)
    lines = [((patches - mean) / deviation.clamp_min(1e-6)).flatten(1) @ directions for patches in (real, fake)]
    # NumPy sorts contiguous numbers with vector instructions, much faster than torch.
    ordered = [np.sort(np.ascontiguousarray(line.T.numpy()), axis=1) for line in lines]
    return 1000 * float(np.abs(ordered[0] - ordered[1]).mean())

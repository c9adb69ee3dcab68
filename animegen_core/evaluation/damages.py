"""Damages of images, for balancing the feature network and testing the measures."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.images import to_images, to_uint8

_EYES = (
    (0.55, 0.5),
    (0.17, 0.5),
)  # of face crops: centre and extent, vertical and horizontal
_CHUNK = 250


def apply(damage: Callable[[Tensor, float], Tensor], pictures: np.ndarray, strength: float) -> np.ndarray:
    """Apply a damage to uint8 images (N, H, W, 3)."""
    chunks = np.array_split(pictures, max(1, len(pictures) // _CHUNK))
    return np.concatenate([to_uint8(damage(to_images(chunk), strength)) for chunk in chunks])


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Images (N, 3, S, S) with a Gaussian blur of ``sigma`` px."""
    reach = int(3 * sigma + 1)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    return _along_rows(_along_rows(images, taps).mT, taps).mT


def noised(images: Tensor, levels: float) -> Tensor:
    """Images with noise of this standard deviation, in levels of 255."""
    return images + levels / 127.5 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))


def chequered(images: Tensor, levels: float) -> Tensor:
    """Images with every other pixel lighter and darker by this many levels of 255."""
    place = torch.arange(images.shape[-1])
    return images + levels / 127.5 * (1 - 2.0 * ((place + place[:, None]) % 2))


def eyes_smeared(images: Tensor, length: int) -> Tensor:
    """Images blurred horizontally over an odd ``length`` in px around the eyes."""
    side = images.shape[-1]
    middle, reach = _EYES
    place = (torch.arange(side) + 0.5) / side
    rows, columns = (0.5 + 0.5 * torch.cos(torch.pi * ((place - m) / r).clamp(-1, 1)) for m, r in zip(middle, reach))
    mask = (2 * torch.outer(rows, columns)).clamp_max(1)  # without a visible edge
    return torch.lerp(images, _along_rows(images, torch.ones(length)), mask)


def _along_rows(images: Tensor, taps: Tensor) -> Tensor:
    """Weighted mean along the rows of images, mirrored at the border."""
    kernel = (taps / taps.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    reach = len(taps) // 2
    return F.conv2d(F.pad(images, (reach, reach, 0, 0), mode="reflect"), kernel, groups=3)

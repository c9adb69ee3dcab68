"""MS-SSIM between faces of one set (Wang et al. 2003; Odena et al. 2017 as a measure of diversity): high means all alike."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.images import to_images

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first (Wang et al. 2003, section 3.2)
_SIDE, _SIGMA = 11, 1.5  # of the Gaussian window
_PAIRS = 2000


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Similarity of images (N, 3, S, S) in [-1, 1], pair by pair: (N,) in [0, 1].

    Only those of the paper's five scales are used at which the window fits; their weights are scaled to sum to 1.
    """
    scales = sum(a.shape[-1] >> scale >= _SIDE for scale in range(len(_WEIGHTS)))
    total = sum(_WEIGHTS[:scales])
    similarity = torch.ones(len(a))
    a, b = (a + 1) / 2, (b + 1) / 2  # luminance in [0, 1]
    for scale, weight in enumerate(_WEIGHTS[:scales], 1):
        luminance, structure = _ssim_terms(a, b)
        term = (structure * luminance if scale == scales else structure).mean((1, 2, 3)).clamp_min(0)
        similarity = similarity * term ** (weight / total)
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return similarity


def pair_similarities(pictures: np.ndarray, seed: int = 0) -> Tensor:
    """``ms_ssim`` of up to 2000 random disjoint pairs of uint8 images (N, H, W, 3)."""
    order = np.random.RandomState(seed).permutation(len(pictures))[: 2 * _PAIRS]
    half = len(order) // 2
    chunks = np.array_split(np.arange(half), max(1, half // 100))
    pairs = ((pictures[order[chunk]], pictures[order[half + chunk]]) for chunk in chunks)
    return torch.cat([ms_ssim(to_images(first), to_images(second)) for first, second in pairs])


def _ssim_terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast times structure (Wang et al. 2004, eq. 6 and 13), at every position of the window."""
    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b, aa, bb, ab = _window(torch.cat([a, b, a * a, b * b, a * b])).chunk(5)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * (ab - mean_a * mean_b) + c2) / (aa - mean_a**2 + bb - mean_b**2 + c2)
    return luminance, structure


def _window(x: Tensor) -> Tensor:
    taps = torch.exp(-0.5 * ((torch.arange(_SIDE) - _SIDE // 2) / _SIGMA) ** 2)
    taps = (taps / taps.sum()).expand(3, 1, 1, _SIDE)
    return F.conv2d(F.conv2d(x, taps, groups=3), taps.transpose(2, 3), groups=3)

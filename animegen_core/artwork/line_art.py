"""Line art of a face by the extended difference of Gaussians (Winnemoeller, Kyprianidis and Olsen 2012, "XDoG")."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from animegen_core.artwork.oklab import picture_to_oklab

_SIGMA = 0.0022  # width of a line as a fraction of the picture's side
_RATIO = 1.6  # of the two Gaussians; 1.6 approximates a Laplacian (section 2.1)
_SHARPNESS = 18.0  # p of equation 7
_THRESHOLD, _STEEPNESS = 0.6, 8.0  # epsilon and phi of equation 5
_AROUND = 1 / 14  # of the side: what a pixel's lightness is compared with
_DARKEST = 0.08  # lightness below which no lines are sought


def line_art(picture: Image.Image) -> Image.Image:
    """Dark lines on white: a grey image of the same size.

    Equation 7, ``S = (1 + p) G(sigma) - p G(k sigma)``, then equation 5: white above epsilon, and below it a soft
    ``1 + tanh(phi (S - epsilon))``. Not the lightness itself is filtered but its ratio to that of its surroundings; otherwise
    dark hair would be one black area.
    """
    lightness = torch.from_numpy(picture_to_oklab(picture)[..., 0]).float()[None, None]
    around = _blurred(lightness, _AROUND * max(picture.size))
    lightness = ((lightness + _DARKEST) / (around + _DARKEST)).clamp(max=1)
    sigma = max(0.6, _SIGMA * max(picture.size))
    sharp = (1 + _SHARPNESS) * _blurred(lightness, sigma) - _SHARPNESS * _blurred(lightness, sigma * _RATIO)
    lines = torch.where(sharp >= _THRESHOLD, 1.0, 1 + torch.tanh(_STEEPNESS * (sharp - _THRESHOLD))).clamp(0, 1)
    return Image.fromarray((lines[0, 0].numpy() * 255).round().astype(np.uint8))


def _blurred(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """An image (1, 1, H, W) after a Gaussian filter; its edges are mirrored."""
    radius = min(int(np.ceil(3 * sigma)), min(image.shape[2:]) - 1)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    wide = F.conv2d(F.pad(image, (radius, radius, 0, 0), mode="reflect"), kernel)
    return F.conv2d(F.pad(wide, (0, 0, radius, radius), mode="reflect"), kernel.transpose(2, 3))

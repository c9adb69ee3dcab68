"""The network whose features are used to compare faces: small and residual (He et al. 2016, https://arxiv.org/abs/1512.03385)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.models.arguments import records_arguments

_WEAKENED = 10  # with 10, unlike 1, distances of blur, noise and smeared eyes have the same order


@records_arguments
class FeatureNetwork(nn.Module):
    """From an image to a vector: a small residual network (He et al. 2016) without a head.

    Args:
        widths: channels after the stem, at half the resolution, and after each block; every block halves the size.
        resolution: size in pixels to which images are resized.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 192), resolution: int = 64) -> None:
        super().__init__()
        self.resolution = resolution
        self.feature_dim = widths[-1]
        # Four pixels become twelve channels: half the size without loss of detail.
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.blocks = nn.Sequential(*[_halving_block(a, b) for a, b in zip(widths, widths[1:])])  # noqa: RUF007
        self.register_buffer("centre", torch.zeros(widths[-1]))
        self.register_buffer("basis", torch.eye(widths[-1]))

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] to float32 features (N, feature_dim)."""
        return (self.raw(images) - self.centre) @ self.basis

    def maps(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, resolution, resolution) in [-1, 1] to the maps (N, C, h, w) of stem and blocks, the largest first."""
        maps = [self.stem(images)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps

    def raw(self, images: Tensor) -> Tensor:
        """Features of images (N, 3, H, W) in [-1, 1] before ``balance``: float32 (N, feature_dim)."""
        if images.shape[-1] != self.resolution:
            size = (self.resolution, self.resolution)
            images = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
        return self.blocks(self.stem(images)).float().mean((2, 3))  # (N, feature_dim)

    @torch.no_grad()
    def balance(self, raw: Tensor, shifts: Tensor) -> None:
        """Standardise every feature, then weaken the directions in which slight changes move an image.

        With S the mean square of the shifts, the directions are multiplied by (1 + 10 S)^-1/2 (after within-class covariance
        normalisation, Hatch et al. 2006). Otherwise slight noise would outweigh a wrong face.

        Args:
            raw: features of unchanged images, (N, feature_dim).
            shifts: differences of raw features caused by slight changes, (M, feature_dim).
        """
        deviation, mean = torch.std_mean(raw.double(), 0)
        deviation = deviation.clamp_min(1e-3)
        scaled = shifts.double() / deviation
        values, axes = torch.linalg.eigh(scaled.T @ scaled / len(scaled))
        weakened = axes * (1 + _WEAKENED * values.clamp_min(0)).rsqrt() @ axes.T
        self.centre.copy_(mean)
        self.basis.copy_(weakened / deviation[:, None])


def _halving_block(narrow: int, wide: int) -> nn.Module:
    from torchvision.models.resnet import BasicBlock  # slow to import

    shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(narrow, wide, 1, bias=False), nn.BatchNorm2d(wide))
    return BasicBlock(narrow, wide, stride=2, downsample=shortcut)

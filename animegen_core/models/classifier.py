"""A small residual classifier of hair and eye colours (He et al. 2016, https://arxiv.org/abs/1512.03385)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.labels import LABEL_DIMS
from animegen_core.models.arguments import records_arguments


class _Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut, the first with a stride of 2."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(narrow, wide, 3, 2, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.shortcut = nn.Conv2d(narrow, wide, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(F.avg_pool2d(x, 2)))


@records_arguments
class ColourClassifier(nn.Module):
    """From an image to logits of each attribute.

    Args:
        widths: channels after the stem and after each block; every block halves the size.
        label_dims: number of colours of each attribute.
        resolution: size of the images in pixels.
    """

    def __init__(
        self,
        widths: Sequence[int] = (24, 48, 96, 192, 192),
        label_dims: Sequence[int] = LABEL_DIMS,
        resolution: int = 64,
    ) -> None:
        super().__init__()
        self.resolution = resolution
        self.label_dims = tuple(label_dims)
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)
        )
        self.blocks = nn.Sequential(*[_Block(a, b) for a, b in zip(widths, widths[1:])])  # noqa: RUF007
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(widths[-1], sum(label_dims))
        )
        # Temperatures divide the logits, so that probabilities are calibrated (Guo et al. 2017, section 4.2).
        self.register_buffer("temperature", torch.ones(len(self.label_dims)))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (N, 3, H, W) in [-1, 1] to one tensor of logits (N, colours) for each attribute."""
        logits = self.head(self.blocks(self.stem(images))).float()
        return tuple(part / t for part, t in zip(logits.split(self.label_dims, 1), self.temperature))

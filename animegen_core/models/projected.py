"""A discriminator on the features of a pretrained network.

Projected GANs (Sauer et al. 2021, https://arxiv.org/abs/2111.01007, eq. 4): min over G, max over {D_l} of
sum_l E log D_l(P_l(x)) + E log(1 - D_l(P_l(G(z)))), with P_l frozen features of four sizes, mixed by random convolutions.
Vision-aided GAN (Kumari et al. 2022, https://arxiv.org/abs/2112.09130, eq. 3) trains such a discriminator beside the usual one.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from animegen_core.errors import AnimeGenError
from animegen_core.models.imagenet import STRIDES, ImageNetFeatures
from animegen_core.models.layers import SLOPE, LabelEmbedding, full_precision, upsample

INPUT_SIZES = (128, 256, 512)  # possible input sizes in pixels
_WIDTHS = (64, 128, 256, 256)  # channels of the mixed maps, the largest map first
_SIDE = 4  # size of the heads' last maps; each position gives a logit


class ProjectedFeatures(nn.Module):
    """Frozen features of images, mixed at random across channels and across scales (section 3.2 of Sauer et al.).

    Every map is divided by its standard deviation on real images, before and after mixing. Otherwise the largest scale
    dominates, and the heads win immediately.

    Args:
        network: one of ``imagenet.NETWORKS``.
        size: in pixels to which images are resized, one of ``INPUT_SIZES``.

    Attributes:
        deviations: the standard deviations, float32 (2, 4): of the features and of the mixed maps; 0 until ``calibrate``.

    Raises:
        AnimeGenError: the network is unknown or not installed, or the size is not in ``INPUT_SIZES``.
    """

    def __init__(self, network: str, size: int = 128) -> None:
        super().__init__()
        if size not in INPUT_SIZES:
            good = ", ".join(map(str, INPUT_SIZES))
            raise AnimeGenError(f"The size of the features' input is {size!r}, but must be one of {good}.")
        self.size = size
        self.network = ImageNetFeatures(network)
        self.shapes = tuple((width, size // stride) for width, stride in zip(_WIDTHS, STRIDES))
        self.register_buffer("deviations", torch.zeros(2, len(STRIDES)))
        # Random and frozen. NumPy's stable stream always gives the same ones, so they need not be saved.
        random = np.random.RandomState(0)
        for level, (channels, width) in enumerate(zip(self.network.channels, _WIDTHS)):
            self.register_buffer(f"across_channels_{level}", _random_kernel(random, width, channels, 1), persistent=False)
        for level, (width, above) in enumerate(itertools.pairwise(_WIDTHS)):
            self.register_buffer(f"across_scales_{level}", _random_kernel(random, width, above, 3), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) in [-1, 1] to four maps (N, C, size / stride, size / stride), the largest first."""
        return [x / deviation.to(x.dtype) for x, deviation in zip(self._mix(self._features(images)), self.deviations[1])]

    @torch.no_grad()
    def calibrate(self, images: Tensor) -> None:
        """Measure the standard deviations on real images (N, 3, H, W) in [-1, 1]."""
        features = self._features(images)
        self.deviations[0] = torch.stack([x.float().std() for x in features])
        self.deviations[1] = torch.stack([x.float().std() for x in self._mix(features)])

    def _features(self, images: Tensor) -> list[Tensor]:
        if images.shape[2] != self.size:
            images = F.interpolate(images, (self.size, self.size), mode="bilinear", antialias=images.shape[2] > self.size)
        return self.network.maps(images.contiguous(memory_format=torch.channels_last))

    def _mix(self, features: list[Tensor]) -> list[Tensor]:
        mixed: list[Tensor] = []
        for level in reversed(range(len(features))):  # from the smallest map
            x = features[level] / self.deviations[0, level].to(features[level].dtype)
            x = F.conv2d(x, self.get_buffer(f"across_channels_{level}").to(x.dtype))
            if mixed:
                kernel = self.get_buffer(f"across_scales_{level}").to(x.dtype)
                # Smaller maps have more channels, so convolution before upsampling is cheaper.
                x = (x + upsample(F.conv2d(mixed[-1], kernel, padding=1))) * math.sqrt(0.5)
            mixed.append(x)
        return mixed[::-1]


class ProjectedDiscriminator(nn.Module):
    """One small head for each map of ``ProjectedFeatures``: (N, C, H, W) to 4 x 4 logits, high for real.

    Strided convolutions with spectral normalisation and batch norm halve the map down to 4 x 4. With labels, <e(label),
    features> / sqrt(C) is added to each position's logit, with e(any) = 0 (projection: Miyato and Koyama 2018,
    https://arxiv.org/abs/1802.05637). The vectors e start at zero.

    Args:
        shapes: (channels, side) of each map; sides are powers of two from 4.
        label_dims: number of values of each attribute; empty for an unconditional discriminator.
    """

    def __init__(self, shapes: Sequence[tuple[int, int]], label_dims: Sequence[int] = ()) -> None:
        super().__init__()
        self.heads = nn.ModuleList(_Head(channels, side, label_dims) for channels, side in shapes)

    def forward(self, maps: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        """Maps and labels (N, len(label_dims)), -1 for any, to all heads' logits, float32 (N, heads * 16)."""
        return torch.cat([head(x, labels) for head, x in zip(self.heads, maps)], 1)


class _Head(nn.Module):
    def __init__(self, channels: int, side: int, label_dims: Sequence[int]) -> None:
        super().__init__()
        layers = []
        while side > _SIDE:
            wider = min(2 * channels, max(_WIDTHS))
            layers.append(_NormalizedConv2d(channels, wider, 4, 2))
            channels, side = wider, side // 2
        self.layers = nn.Sequential(*layers, _NormalizedConv2d(channels, channels, 3, 1))
        self.logit = spectral_norm(nn.Conv2d(channels, 1, 1))
        self.embedding = LabelEmbedding(label_dims, channels) if label_dims else None
        if self.embedding is not None:
            for table in self.embedding.tables:
                nn.init.zeros_(table.weight)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        features = self.layers(x)  # (N, C, 4, 4)
        with full_precision(features):
            features = features.float()
            logits = self.logit(features)[:, 0]  # (N, 4, 4)
            if self.embedding is not None and labels is not None:
                scaled = features / math.sqrt(features.shape[1])
                logits = logits + (scaled * self.embedding(labels)[:, :, None, None]).sum(1)
        return logits.flatten(1)


class _NormalizedConv2d(nn.Module):
    """Convolution with spectral normalisation (Miyato et al. 2018), batch norm, LeakyReLU.

    Batch norm always uses the statistics of the batch; real and fake images are in separate batches.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = spectral_norm(nn.Conv2d(in_channels, out_channels, kernel, stride, 1, bias=False))
        self.norm = nn.BatchNorm2d(out_channels, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        with full_precision(x):
            weight = self.conv.weight  # one step of power iteration
        x = F.conv2d(x, weight, stride=self.conv.stride, padding=self.conv.padding)
        return F.leaky_relu(self.norm(x), SLOPE, inplace=True)


def _random_kernel(random: np.random.RandomState, out_channels: int, in_channels: int, side: int) -> Tensor:
    """A kernel that keeps the variance of independent inputs."""
    kernel = random.standard_normal((out_channels, in_channels, side, side)) / math.sqrt(in_channels * side**2)
    return torch.from_numpy(kernel).float()

"""Layers of several families of networks."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.errors import AnimeGenError, check_whole
from animegen_core.labels import ANY

HE_GAIN = math.sqrt(2)  # compensates for the variance that a rectifier halves (He et al. 2015, eq. 10)
SLOPE = 0.2  # of LeakyReLU below zero


def init_dcgan_weights(module: nn.Module) -> None:
    """Initialise weights as the DCGAN paper (Radford et al. 2016, section 4): N(0, 0.02), batch norm scale N(1, 0.02).

    For ``network.apply(init_dcgan_weights)``. Biases start at zero.
    """
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def channel_plan(resolution: int, channel_base: int, channel_max: int) -> dict[int, int]:
    """Channels of each resolution, ``min(channel_base / resolution, channel_max)``: {4: ..., 8: ..., ..., resolution: ...}.

    Raises:
        AnimeGenError: the resolution is not a power of two in [16, 1024], or the channels are out of range.
    """
    good = [2**k for k in range(4, 11)]
    if isinstance(resolution, bool) or resolution not in good:
        raise AnimeGenError(f"resolution is {resolution!r}, but must be one of {', '.join(map(str, good))}.")
    check_whole("channel_base", channel_base, resolution, 2**20)  # at least one channel at the highest resolution
    check_whole("channel_max", channel_max, 1, 4096)
    return {r: min(channel_base // r, channel_max) for r in [4, 8, *good] if r <= resolution}


def full_precision(tensor: Tensor) -> torch.autocast:
    """A context without autocast, for sums of squares and other computations that bfloat16 makes inaccurate."""
    return torch.autocast(tensor.device.type, enabled=False)


def upsample(x: Tensor) -> Tensor:
    """Double the size by bilinear interpolation: (N, C, H, W) to (N, C, 2H, 2W). Needs no further blur."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def downsample(x: Tensor) -> Tensor:
    """Halve the size by the mean of each 2 x 2 square: (N, C, 2H, 2W) to (N, C, H, W)."""
    return F.avg_pool2d(x, 2)


def leaky_relu(x: Tensor) -> Tensor:
    """LeakyReLU of slope 0.2, in place."""
    return F.leaky_relu(x, SLOPE, inplace=True)


class EqualizedLinear(nn.Module):
    """Linear layer with an equalised learning rate (Karras et al. 2018, section 4.1, https://arxiv.org/abs/1710.10196).

    Weights are initialised from N(0, 1) and scaled by He's constant at run time, w_hat = w * gain / sqrt(fan_in), so that Adam
    has the same relative learning rate for all layers.

    Args:
        in_features, out_features: lengths of input and output.
        gain: sqrt(2) before a rectifier, 1 elsewhere.
        lr_multiplier: relative learning rate (0.01 in a mapping network: Karras et al. 2019, appendix C).
        bias_init: initial bias.
    """

    def __init__(
        self, in_features: int, out_features: int, gain: float = HE_GAIN, lr_multiplier: float = 1.0, bias_init: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.normal_(torch.empty(out_features, in_features), std=1 / lr_multiplier))
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_multiplier))
        self.weight_scale = gain / math.sqrt(in_features) * lr_multiplier
        self.bias_scale = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_features) to (N, out_features)."""
        return F.linear(x, self.weight * self.weight_scale, self.bias * self.bias_scale)


class EqualizedConv2d(nn.Module):
    """Convolution that keeps the size, with an equalised learning rate as in ``EqualizedLinear``.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel: 1 or 3.
        gain: sqrt(2) before a rectifier, 1 elsewhere.
        bias: whether a bias, zero at first, is added.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, gain: float = HE_GAIN, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.scale = gain / math.sqrt(in_channels * kernel**2)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H, W)."""
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class PixelNorm(nn.Module):
    """Scales each feature vector to a root mean square of 1 (Karras et al. 2018, section 4.2), in float32."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) to float32 of the same shape, normalised over C."""
        x = x.float()
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class MinibatchStdDev(nn.Module):
    """Appends the minibatch standard deviation as a channel (Karras et al. 2018, section 3).

    It is the standard deviation over a group of images of each feature at each position, averaged over features and positions,
    in float32.

    Args:
        group_size: images in a group. If it does not divide the batch, the next larger size that does is used. So only a batch
            of one image has a group of one, with a standard deviation of 0.
    """

    def __init__(self, group_size: int = 4) -> None:
        super().__init__()
        self.group_size = group_size

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + 1, H, W). Neighbours in the batch form a group."""
        count, _, height, width = x.shape
        size = next(s for s in range(min(self.group_size, count), count + 1) if count % s == 0)
        groups = x.float().unflatten(0, (-1, size))  # (N / size, size, C, H, W)
        variance = groups.var(1, correction=0)  # (N / size, C, H, W)
        deviation = (variance + 1e-8).sqrt().mean((1, 2, 3))  # (N / size,); the root has no derivative at 0
        channel = deviation.repeat_interleave(size).view(-1, 1, 1, 1).expand(-1, 1, height, width)
        return torch.cat([x, channel.to(x.dtype)], dim=1)


def check_labels(labels: Tensor, label_dims: Sequence[int]) -> None:
    """Check that labels are int64 (N, len(label_dims)), each an index or -1 for any.

    Raises:
        AnimeGenError: the shape or type differs, or an index is out of range (checked on the CPU only, because reading from a
            GPU makes it wait).
    """
    if labels.dtype != torch.int64 or labels.ndim != 2 or labels.shape[1] != len(label_dims):
        raise AnimeGenError(
            f"Labels have shape {tuple(labels.shape)} and type {labels.dtype}, but must be (N, {len(label_dims)}), int64."
        )
    if labels.device.type == "cpu":
        for column, n in enumerate(label_dims):
            bad = [v for v in labels[:, column].tolist() if not ANY <= v < n]
            if bad:
                raise AnimeGenError(f"Label {bad[0]} in column {column} is not an index from 0 to {n - 1}, nor {ANY} for any.")


class LabelEmbedding(nn.Module):
    """Sum of one learned vector for each attribute, where e(any) = 0.

    Args:
        label_dims: number of values of each attribute, such as (12, 11) for hair and eye colours.
        dim: length of the vectors.

    Raises:
        AnimeGenError: a number of values is not a whole number from 1 to 4096.
    """

    def __init__(self, label_dims: Sequence[int], dim: int) -> None:
        super().__init__()
        self.label_dims = tuple(check_whole("A number of label values", n, 1, 4096) for n in label_dims)
        # Row 0 means "any". It is zero and has no gradient.
        self.tables = nn.ModuleList(nn.Embedding(n + 1, dim, padding_idx=0) for n in self.label_dims)

    def forward(self, labels: Tensor) -> Tensor:
        """Labels (N, len(label_dims)), int64, each an index or -1 for any, to vectors (N, dim).

        Raises:
            AnimeGenError: the labels do not fit (see ``check_labels``).
        """
        check_labels(labels, self.label_dims)
        return sum(table(labels[:, column] + 1) for column, table in enumerate(self.tables))

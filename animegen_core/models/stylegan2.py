"""StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958), conditional on hair and eyes, in plain PyTorch.

Weight demodulation instead of AdaIN, skip outputs, a residual discriminator, and label projection (Miyato, Koyama 2018,
https://arxiv.org/abs/1802.05637). A style scales whole input channels and the demodulation whole output channels.
So the activations are scaled instead of the weights, with the same result, and one set of weights serves the whole batch. The
default sizes are light enough for interactive use on two CPU cores.
"""

import copy
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.errors import AnimeGenError
from animegen_core.labels import ANY
from animegen_core.models.arguments import records_arguments
from animegen_core.models.layers import (
    HE_GAIN,
    EqualizedLinear,
    LabelEmbedding,
    channel_plan,
    full_precision,
    leaky_relu,
    upsample,
)
from animegen_core.models.stylegan import MappingNetwork, StyleBasedGenerator, StyleGANDiscriminator


class ModulatedConv(nn.Module):
    """[upsample,] 3 x 3 convolution with modulated and demodulated weights, bias, noise, LeakyReLU (figure 2d, eq. 1 and 3).

    With s the style of an input channel i, made from w, the weights are w'_ijk = s_i w_ijk, divided by
    sqrt(sum_ik w'_ijk^2 + eps). Unlike other layers the weights have no run-time scale, because demodulation would cancel it.

    Args:
        in_channels, out_channels: channels of input and output.
        w_dim: length of w.
        up: whether the size is doubled first.
    """

    def __init__(self, in_channels: int, out_channels: int, w_dim: int, up: bool) -> None:
        super().__init__()
        self.up = up
        self.affine = EqualizedLinear(w_dim, in_channels, gain=1, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("power", None, persistent=False)  # for frozen weights

    def weight_power(self) -> Tensor:
        """Sum of the squared weights over the kernel: float32 (C_out, C_in)."""
        return self.weight.float().square().sum((2, 3))

    def freeze(self, dtype: torch.dtype) -> None:
        """Convert the weights to ``dtype`` and cache their power."""
        self.power = self.weight_power()
        self.weight = nn.Parameter(self.weight.to(dtype, memory_format=torch.channels_last), requires_grad=False)

    def modulation(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """w (N, w_dim) to the scales of input and output channels, (N, C_in, 1, 1) and (N, C_out, 1, 1), in float32."""
        with full_precision(w):
            style = self.affine(w.float())  # (N, C_in)
            power = self.weight_power() if self.power is None else self.power
            demodulation = HE_GAIN * (style.square() @ power.T + 1e-8).rsqrt()  # (N, C_out)
        return style[:, :, None, None], demodulation[:, :, None, None]

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Features (N, C_in, h, w), w (N, w_dim) and noise (N or 1, 1, H, W) or None to features (N, C_out, H, W)."""
        style, demodulation = self.modulation(w)
        x = x * style.to(x.dtype)  # before upsampling, with which it commutes: a quarter of the work
        x = F.conv2d(upsample(x) if self.up else x, self.weight, padding=1)  # (N, C_out, H, W)
        x = torch.addcmul(self.bias.view(-1, 1, 1).to(x.dtype), x, demodulation.to(x.dtype))
        if noise is not None:
            x = x + (noise * self.noise_strength).to(x.dtype)
        return leaky_relu(x)


class ToRGB(nn.Module):
    """1 x 1 convolution to RGB with modulated weights; no demodulation, which would fix the contrast (section 2.2).

    Args:
        channels: channels of the features.
        w_dim: length of w.
    """

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(w_dim, channels, gain=1, bias_init=1)
        self.weight = nn.Parameter(torch.randn(3, channels))
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = 1 / math.sqrt(channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Features (N, C, H, W) and w (N, w_dim) to RGB (N, 3, H, W), float32."""
        with full_precision(w):
            weight = self.weight * (self.affine(w.float()) * self.scale).unsqueeze(1)  # (N, 3, C)
        # Scaling the weights, three rows for each image, is cheaper than scaling the features.
        rgb = x.permute(0, 2, 3, 1).flatten(1, 2) @ weight.to(x.dtype).mT  # (N, H W, 3)
        rgb = rgb.float() + self.bias
        return rgb.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class SynthesisBlock(nn.Module):
    """All layers of one size: two convolutions, or one at 4 px, and the output to RGB (figure 7b).

    Args:
        in_channels: channels of the previous block; None at 4 px.
        channels: channels of this block.
        w_dim: length of w.
    """

    def __init__(self, in_channels: int | None, channels: int, w_dim: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([ModulatedConv(channels, channels, w_dim, up=False)])
        if in_channels is not None:
            self.convs.insert(0, ModulatedConv(in_channels, channels, w_dim, up=True))
        self.to_rgb = ToRGB(channels, w_dim)

    def forward(self, x: Tensor, rgb: Tensor | None, ws: Tensor, noise: Sequence[Tensor | None]) -> tuple[Tensor, Tensor]:
        """Features (N, C_in, h, w), RGB so far (N, 3, h, w), ws (N, 2, w_dim) and noise to features and RGB (., ., H, W)."""
        for conv, w, layer_noise in zip(self.convs, ws.unbind(1), noise):
            x = conv(x, w, layer_noise)
        own = self.to_rgb(x, ws[:, -1])
        return x, own if rgb is None else upsample(rgb) + own


class SynthesisNetwork(nn.Module):
    """A learned constant and a block for each size, whose RGB outputs are upsampled and summed in float32 (section 4.1).

    Two w for each size, so layer i is at 4 * 2^(i // 2) px; of those at 4 px the first styles the convolution and the second
    the output to RGB.

    Args:
        w_dim: length of w.
        resolution: size of the image, a power of two from 16.
        channel_base, channel_max: channels at r px are min(channel_base / r, channel_max).
    """

    layers_per_block = 2

    def __init__(self, w_dim: int, resolution: int, channel_base: int, channel_max: int) -> None:
        super().__init__()
        channels = channel_plan(resolution, channel_base, channel_max)
        self.resolution = resolution
        self.num_layers = 2 * len(channels)
        self.const = nn.Parameter(torch.randn(1, channels[4], 4, 4))
        # Named by size, so that a larger network can load a smaller one's blocks.
        self.blocks = nn.ModuleDict({"4": SynthesisBlock(None, channels[4], w_dim)})
        for size in list(channels)[1:]:
            self.blocks[str(size)] = SynthesisBlock(channels[size // 2], channels[size], w_dim)

    def noise_shapes(self) -> list[tuple[int, int, int, int]]:
        """(1, 1, h, w) for each convolution."""
        return [(1, 1, int(size), int(size)) for size, block in self.blocks.items() for _ in block.convs]

    def forward(self, ws: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        """ws (N, num_layers, w_dim) and one noise or None for each convolution to images (N, 3, resolution, resolution)."""
        noise = iter(noise)
        x, rgb = self.const.expand(len(ws), -1, -1, -1), None  # (N, C, 4, 4)
        for block, block_ws in zip(self.blocks.values(), ws.split(2, dim=1)):
            x, rgb = block(x, rgb, block_ws, [next(noise) for _ in block.convs])  # (N, C, r, r), (N, 3, r, r)
        return rgb


@records_arguments
class StyleGAN2Generator(StyleBasedGenerator):
    """StyleGAN2's generator.

    Args:
        resolution: size of the image, a power of two from 16 to 1024.
        z_dim, w_dim: lengths of z and w.
        mapping_depth: layers of the mapping network.
        channel_base, channel_max: channels at r px are min(channel_base / r, channel_max).
        label_dims: number of values of each attribute, (12, 11) for hair and eyes; empty for an unconditional generator.

    Raises:
        AnimeGenError: a size is out of range.
    """

    def __init__(
        self,
        resolution: int = 64,
        z_dim: int = 256,
        w_dim: int = 256,
        mapping_depth: int = 2,
        channel_base: int = 4096,
        channel_max: int = 256,
        label_dims: Sequence[int] = (),
    ) -> None:
        super().__init__(
            MappingNetwork(z_dim, w_dim, mapping_depth, label_dims),
            SynthesisNetwork(w_dim, resolution, channel_base, channel_max),
        )

    def for_inference(self, dtype: torch.dtype = torch.bfloat16) -> "StyleGAN2Generator":
        """A frozen copy in eval mode that draws faster and needs no autocast.

        Convolutions have their weights in ``dtype`` and a cached power for demodulation. Styles and the sum of RGB stay in
        float32.
        """
        network = copy.deepcopy(self).eval().requires_grad_(False)
        for module in network.modules():
            if isinstance(module, ModulatedConv):
                module.freeze(dtype)
        network.synthesis.const.data = network.synthesis.const.to(dtype, memory_format=torch.channels_last)
        return network


@records_arguments
class StyleGAN2Discriminator(StyleGANDiscriminator):
    """From an image and labels to one logit, high for real: logit(x) + <e(label), features(x)> / sqrt(dim), with e(any) = 0.

    The vectors e start at zero, so that labels have no effect at first. They are also used as an auxiliary classifier of the
    labels; its twin has separate vectors, for generated images (TAC-GAN).

    Args:
        resolution: size of the image, a power of two from 16 to 1024.
        channel_base, channel_max: channels at r px are min(channel_base / r, channel_max).
        group_size: of the minibatch standard deviation.
        label_dims: number of values of each attribute; empty for an unconditional discriminator.

    Raises:
        AnimeGenError: a size is out of range.
    """

    def __init__(
        self,
        resolution: int = 64,
        channel_base: int = 4096,
        channel_max: int = 256,
        group_size: int = 4,
        label_dims: Sequence[int] = (),
    ) -> None:
        super().__init__(resolution, channel_base, channel_max, group_size)
        self.label_dims = tuple(label_dims)
        self.embedding, self.twin = (LabelEmbedding(label_dims, self.feature_dim) if label_dims else None for _ in range(2))
        for embedding in filter(None, (self.embedding, self.twin)):
            for table in embedding.tables:
                nn.init.zeros_(table.weight)

    def forward(
        self, images: Tensor, labels: Tensor | None = None, classify_labels: bool = False
    ) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Images (N, 3, resolution, resolution) and labels (N, len(label_dims)), -1 or None for any, to logits (N,).

        Args:
            classify_labels: also return the log-probability (N,) of the labels, summed over attributes, by the auxiliary
                classifier: softmax over the values of <e(value), features(x)> / sqrt(dim), and 0 for "any". Then the same by
                    its twin.

        Raises:
            AnimeGenError: labels do not match the network.
        """
        features = self.features(images)
        with full_precision(features):
            logits = self.logit(features).squeeze(1)
            if labels is None:
                return logits
            if self.embedding is None:
                raise AnimeGenError("Labels were given to an unconditional network; use None.")
            scaled = features / math.sqrt(self.feature_dim)
            logits = logits + (self.embedding(labels) * scaled).sum(1)
            if not classify_labels:
                return logits
            return logits, *(_log_probability(each, scaled, labels) for each in (self.embedding, self.twin))


def _log_probability(embedding: LabelEmbedding, features: Tensor, labels: Tensor) -> Tensor:
    """Log-probability (N,) of the labels (N, len(label_dims)) given features (N, dim)."""
    return -sum(
        F.cross_entropy(features @ table.weight[1:].T, labels[:, column], ignore_index=ANY, reduction="none")
        for column, table in enumerate(embedding.tables)
    )

"""StyleGAN (Karras, Laine, Aila 2019, https://arxiv.org/abs/1812.04948): a mapping network and a synthesis network.

The mapping network turns z into w, from which each layer of the synthesis network computes its style. Per-layer noise adds
random details. ``stylegan2.py`` uses the same mapping, the generator's interface and the discriminator's trunk.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from animegen_core.errors import AnimeGenError, check_whole
from animegen_core.labels import ANY
from animegen_core.models.arguments import records_arguments
from animegen_core.models.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    LabelEmbedding,
    MinibatchStdDev,
    PixelNorm,
    channel_plan,
    downsample,
    full_precision,
    leaky_relu,
    upsample,
)
from animegen_core.models.styles import CROSSOVERS, first_layer

MAPPING_LR = 0.01  # relative learning rate of the mapping network (appendix C)


class MappingNetwork(nn.Module):
    """From z and optional labels to w: ``depth`` fully connected layers with LeakyReLU (section 2), always in float32.

    z is normalised (appendix C). Labels are joined as a vector, scaled down to the length of z if it is longer. Otherwise a
    colour can dominate the latent and always give the same face. e(any) = 0.

    Args:
        z_dim, w_dim: lengths of z and w.
        depth: number of layers.
        label_dims: number of values of each attribute; empty for an unconditional network.

    Raises:
        AnimeGenError: a size is out of range.
    """

    def __init__(self, z_dim: int = 512, w_dim: int = 512, depth: int = 8, label_dims: Sequence[int] = ()) -> None:
        super().__init__()
        check_whole("z_dim", z_dim, 1, 4096)
        check_whole("w_dim", w_dim, 1, 4096)
        check_whole("mapping_depth", depth, 1, 32)
        self.z_dim, self.w_dim, self.label_dims = z_dim, w_dim, tuple(label_dims)
        self.normalize = PixelNorm()
        self.embedding = LabelEmbedding(label_dims, z_dim) if label_dims else None
        widths = [z_dim * (2 if label_dims else 1)] + [w_dim] * depth
        self.layers = nn.ModuleList(EqualizedLinear(i, o, lr_multiplier=MAPPING_LR) for i, o in itertools.pairwise(widths))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, z_dim) and labels (N, len(label_dims)), or None for any, to w (N, w_dim).

        Raises:
            AnimeGenError: labels do not match the network.
        """
        with full_precision(z):
            x = self.normalize(z)  # (N, z_dim)
            if self.embedding is not None:
                if labels is None:
                    labels = torch.full((len(z), len(self.embedding.label_dims)), ANY, device=z.device)
                y = self.embedding(labels)
                y = y * y.square().mean(1, keepdim=True).clamp_min(1).rsqrt()
                x = torch.cat([x, y], dim=1)  # (N, 2 z_dim)
            elif labels is not None:
                raise AnimeGenError("Labels were given to an unconditional network; use None.")
            for layer in self.layers:
                x = leaky_relu(layer(x))  # (N, w_dim)
            return x


class StyleBasedGenerator(nn.Module):
    """Base class of StyleGAN and StyleGAN2 generators; only the synthesis network differs.

    Args:
        mapping: from z to w.
        synthesis: module with ``resolution``, ``num_layers``, ``layers_per_block``, ``noise_shapes()`` and
            ``forward(ws, noise)``.

    Attributes:
        latent_dim, w_dim: lengths of z and w.
        num_layers: number of layers, each with its w.
        crossovers: layers at which middle and fine styles begin (see ``styles.CROSSOVERS``).
        resolution: size of the image in pixels.
        label_dims: number of values of each attribute; empty if unconditional.
        w_avg: running mean of w (w_dim,) over training, with all labels.
    """

    def __init__(self, mapping: MappingNetwork, synthesis: nn.Module) -> None:
        super().__init__()
        self.resolution, self.latent_dim, self.w_dim = synthesis.resolution, mapping.z_dim, mapping.w_dim
        self.label_dims = mapping.label_dims
        self.num_layers = synthesis.num_layers
        self.mapping = mapping
        self.synthesis = synthesis
        self.crossovers = tuple(map(self.first_layer, CROSSOVERS))
        self.register_buffer("w_avg", torch.zeros(self.w_dim))

    def map(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, latent_dim) and labels (N, len(label_dims)), int64, -1 or None for any, to w (N, w_dim), float32."""
        return self.mapping(z, labels)

    def synthesize(self, ws: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """One w for each layer, (N, num_layers, w_dim), to images (N, 3, resolution, resolution), about [-1, 1], float32.

        Args:
            ws: coarse layers first.
            noise: one tensor (N or 1, 1, h, w) for each of ``noise_shapes()``. None means random noise in train mode and no
                noise in eval mode, so that an image depends on ws only.

        Raises:
            AnimeGenError: ws or noise have another shape.
        """
        if ws.shape[1:] != (self.num_layers, self.w_dim):
            raise AnimeGenError(f"ws have shape {tuple(ws.shape)}, but must be (N, {self.num_layers}, {self.w_dim}).")
        shapes = self.noise_shapes()
        if noise is not None:
            for given, wanted in zip(noise, shapes):
                if given.shape[1:] != wanted[1:] or given.shape[0] not in (1, len(ws)):
                    raise AnimeGenError(f"Noise has shape {tuple(given.shape)}, but must be {wanted}, or {len(ws)} of them.")
            if len(noise) != len(shapes):
                raise AnimeGenError(f"Noise was given for {len(noise)} layers, but must be for {len(shapes)}.")
        elif self.training:
            noise = [torch.randn(len(ws), *shape[1:], device=ws.device) for shape in shapes]
        else:
            noise = [None] * len(shapes)
        return self.synthesis(ws, noise)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """``map``, then ``synthesize`` with the same w for all layers."""
        return self.synthesize(self.map(z, labels).unsqueeze(1).expand(-1, self.num_layers, -1))

    def first_layer(self, size: int) -> int:
        """The first layer at ``size`` px (see ``styles.first_layer``)."""
        return first_layer(size, self.synthesis.layers_per_block, self.num_layers)

    def noise_shapes(self) -> list[tuple[int, int, int, int]]:
        """(1, 1, h, w) for each layer with noise, coarse first."""
        return self.synthesis.noise_shapes()

    @torch.no_grad()
    def update_w_avg(self, w: Tensor, decay: float = 0.998) -> None:
        """Move ``w_avg``, the centre of truncation, toward the mean of w (N, w_dim) (section 2.1 and appendix B)."""
        self.w_avg.lerp_(w.detach().float().mean(0), 1 - decay)


class AdaIN(nn.Module):
    """Adaptive instance normalisation: y_s (x - mean(x)) / std(x) + y_b for each channel (eq. 1), statistics in float32.

    Args:
        channels: channels of x.
        w_dim: length of w, from which a learned affine transform makes y_s (1 at first) and y_b (0 at first).
    """

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(w_dim, 2 * channels, gain=1)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Features (N, C, H, W) and w (N, w_dim) to features (N, C, H, W) of the same type."""
        with full_precision(x):
            scale, shift = self.affine(w.float())[:, :, None, None].chunk(2, dim=1)  # (N, C, 1, 1) each
            variance, mean = torch.var_mean(x.float(), (2, 3), correction=0, keepdim=True)  # (N, C, 1, 1) each
            scale = (1 + scale) * (variance + 1e-8).rsqrt()
            shift = shift - mean * scale
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))  # normalise and style in one pass


class StyledConv(nn.Module):
    """[upsample,] convolution, noise, LeakyReLU, AdaIN (figure 1b).

    Args:
        in_channels, out_channels: channels of input and output.
        w_dim: length of w.
        up: whether the size is doubled first.
    """

    def __init__(self, in_channels: int, out_channels: int, w_dim: int, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv = EqualizedConv2d(in_channels, out_channels, 3)
        self.noise_strength = nn.Parameter(torch.zeros(out_channels))
        self.adain = AdaIN(out_channels, w_dim)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Features (N, C_in, h, w), w (N, w_dim) and noise (N or 1, 1, H, W) or None to features (N, C_out, H, W)."""
        x = self.conv(upsample(x) if self.up else x)
        if noise is not None:
            x = x + (noise * self.noise_strength.view(-1, 1, 1)).to(x.dtype)
        return self.adain(leaky_relu(x), w)


class SynthesisNetwork(nn.Module):
    """A learned constant, then ``layers_per_block`` styled convolutions at each size from 4 px on, then 1 x 1 to RGB.

    Args:
        w_dim: length of w.
        resolution: size of the image, a power of two from 16.
        channel_base, channel_max: channels at r px are min(channel_base / r, channel_max).
        layers_per_block: styled convolutions at each size; each has its own w and noise.
    """

    def __init__(
        self,
        w_dim: int = 512,
        resolution: int = 64,
        channel_base: int = 4096,
        channel_max: int = 512,
        layers_per_block: int = 1,
    ) -> None:
        super().__init__()
        channels = channel_plan(resolution, channel_base, channel_max)
        self.resolution = resolution
        self.layers_per_block = check_whole("layers_per_block", layers_per_block, 1, 4)
        self.num_layers = layers_per_block * len(channels)
        self.const = nn.Parameter(torch.randn(1, channels[4], 4, 4))  # random: a convolution of ones is nearly constant
        self.blocks = nn.ModuleDict()  # named by size, so that a larger network can load a smaller one's blocks
        before = channels[4]
        for size, width in channels.items():
            layers = nn.ModuleList()
            for index in range(layers_per_block):
                layers.append(StyledConv(before, width, w_dim, up=size > 4 and index == 0))
                before = width
            self.blocks[str(size)] = layers
        self.to_rgb = EqualizedConv2d(before, 3, 1, gain=1)

    def noise_shapes(self) -> list[tuple[int, int, int, int]]:
        """(1, 1, h, w) for each styled convolution."""
        return [(1, 1, int(size), int(size)) for size in self.blocks for _ in range(self.layers_per_block)]

    def forward(self, ws: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        """ws (N, num_layers, w_dim) and one noise or None for each layer to images (N, 3, resolution, resolution)."""
        x = self.const.expand(len(ws), -1, -1, -1)  # (N, C, 4, 4)
        layers = [layer for block in self.blocks.values() for layer in block]
        for layer, w, layer_noise in zip(layers, ws.unbind(1), noise):
            x = layer(x, w, layer_noise)  # (N, C, r, r)
        return self.to_rgb(x).float()


@records_arguments
class StyleGANGenerator(StyleBasedGenerator):
    """StyleGAN's generator; the defaults are the reference sizes for 64 x 64 faces.

    Args:
        resolution: size of the image, a power of two from 16 to 1024.
        z_dim, w_dim: lengths of z and w.
        mapping_depth: layers of the mapping network.
        channel_base, channel_max: channels at r px are min(channel_base / r, channel_max): 512, 512, 256, 128, 64.
        layers_per_block: styled convolutions at each size; the paper has 2.

    Raises:
        AnimeGenError: a size is out of range.
    """

    def __init__(
        self,
        resolution: int = 64,
        z_dim: int = 512,
        w_dim: int = 512,
        mapping_depth: int = 8,
        channel_base: int = 4096,
        channel_max: int = 512,
        layers_per_block: int = 1,
    ) -> None:
        super().__init__(
            MappingNetwork(z_dim, w_dim, mapping_depth),
            SynthesisNetwork(w_dim, resolution, channel_base, channel_max, layers_per_block),
        )


class DiscriminatorBlock(nn.Module):
    """Halves the size: two convolutions and a 1 x 1 shortcut (residual form of Karras et al. 2020, figure 7c).

    Features are averaged down before the second convolution, which saves three quarters of its cost.

    Args:
        in_channels, out_channels: channels of input and output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv0 = EqualizedConv2d(in_channels, in_channels, 3)
        self.conv1 = EqualizedConv2d(in_channels, out_channels, 3)
        self.skip = EqualizedConv2d(in_channels, out_channels, 1, gain=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, 2H, 2W) to (N, C_out, H, W)."""
        y = leaky_relu(self.conv0(x))  # (N, C_in, 2H, 2W)
        y = leaky_relu(self.conv1(downsample(y)))  # (N, C_out, H, W)
        return (y + self.skip(downsample(x))) * math.sqrt(0.5)  # keeps the variance of the sum


@records_arguments
class StyleGANDiscriminator(nn.Module):
    """From an image to one logit, high for real: residual blocks down to 4 px, minibatch standard deviation, two linear layers.

    Args:
        resolution: size of the image, a power of two from 16 to 1024.
        channel_base, channel_max: channels at r px are min(channel_base / r, channel_max).
        group_size: of the minibatch standard deviation.

    Raises:
        AnimeGenError: a size is out of range.
    """

    def __init__(self, resolution: int = 64, channel_base: int = 4096, channel_max: int = 512, group_size: int = 4) -> None:
        super().__init__()
        channels = channel_plan(resolution, channel_base, channel_max)
        check_whole("group_size", group_size, 1, 4096)
        self.resolution = resolution
        sizes = sorted(channels, reverse=True)
        # Named by size, so that a larger network can load a smaller one's blocks, but not its first layer.
        self.from_rgb = nn.ModuleDict({str(resolution): EqualizedConv2d(3, channels[resolution], 1)})
        self.blocks = nn.ModuleDict(
            {str(size): DiscriminatorBlock(channels[size], channels[half]) for size, half in itertools.pairwise(sizes)}
        )
        self.feature_dim = channels[4]
        self.deviation = MinibatchStdDev(group_size)
        self.conv = EqualizedConv2d(channels[4] + 1, channels[4], 3)
        self.hidden = EqualizedLinear(channels[4] * 4 * 4, channels[4])
        self.logit = EqualizedLinear(channels[4], 1, gain=1)

    def features(self, images: Tensor) -> Tensor:
        """Images (N, 3, resolution, resolution) in [-1, 1] to the last features (N, feature_dim), float32."""
        x = leaky_relu(self.from_rgb[str(self.resolution)](images))  # (N, C, R, R)
        for block in self.blocks.values():
            x = block(x)  # (N, C, R / 2, R / 2), ..., (N, C, 4, 4)
        x = leaky_relu(self.conv(self.deviation(x)))  # (N, C + 1, 4, 4) -> (N, C, 4, 4)
        with full_precision(x):
            return leaky_relu(self.hidden(x.float().flatten(1)))  # (N, C)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, resolution, resolution) in [-1, 1] to logits (N,), float32."""
        features = self.features(images)
        with full_precision(features):
            return self.logit(features).squeeze(1)

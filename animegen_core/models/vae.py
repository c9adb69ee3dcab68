"""Variational autoencoder (Kingma and Welling 2014, https://arxiv.org/abs/1312.6114), conditional if it has labels.

The encoder gives mean and log variance of q(z|x), the decoder draws an image of z. Labels are joined to z and to the encoder's
features (Sohn, Lee and Yan 2015, "Learning structured output representation using deep conditional generative models").
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from animegen_core.errors import check_whole
from animegen_core.models.arguments import records_arguments
from animegen_core.models.dcgan import one_hot
from animegen_core.models.layers import channel_plan, full_precision, leaky_relu

_BASE = 4  # px, size of the smallest feature map
_LOG_VARIANCE = (-10.0, 10.0)  # limits, so that exp() stays finite
_FIRST_LOG_VARIANCE = -4.0


@records_arguments
class VAE(nn.Module):
    """Encoder and decoder; drawing uses the decoder only.

    Args:
        resolution: of the images, a power of two from 16 to 1024.
        latent_dim: length of z.
        channel_base, channel_max: both networks have min(channel_base / r, channel_max) channels at r px.
        label_dims: number of values of each attribute; empty without labels.

    Raises:
        AnimeGenError: a size is not a whole number in range.
    """

    def __init__(
        self,
        resolution: int = 64,
        latent_dim: int = 128,
        channel_base: int = 1024,
        channel_max: int = 256,
        label_dims: Sequence[int] = (),
    ) -> None:
        super().__init__()
        plan = channel_plan(resolution, channel_base, channel_max)
        self.resolution = resolution
        self.latent_dim = check_whole("latent_dim", latent_dim, 1, 4096)
        self.label_dims = tuple(label_dims)
        widths = list(plan.values())  # the smallest map first
        values = widths[0] * _BASE * _BASE

        down = [Down(3 if first is None else first, width) for first, width in itertools.pairwise([None, *widths[-2::-1]])]
        self.encoder = nn.Sequential(*down, nn.Flatten())
        self.posterior = nn.Linear(values + sum(self.label_dims), 2 * latent_dim)
        self.project = nn.Linear(latent_dim + sum(self.label_dims), values)
        *up, last = (_Up(wide, narrow) for wide, narrow in itertools.pairwise(widths))
        # Nothing refines the largest map, which takes most of the time.
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (widths[0], _BASE, _BASE)), *up, last.grow, nn.Conv2d(widths[-1], 3, 3, 1, 1)
        )
        self._initialise(values)

    def _initialise(self, values: int) -> None:
        """Narrow posteriors whose means differ, so that the decoder does not learn to ignore z; and a face at z = 0.

        Group norm divides by the scale of a map. So psi, which scales z, has an effect only beside a bias of the same size.
        """
        nn.init.normal_(self.posterior.weight, std=1 / math.sqrt(values))
        mean, log_variance = self.posterior.bias.chunk(2)
        nn.init.zeros_(mean)
        nn.init.constant_(log_variance, _FIRST_LOG_VARIANCE)
        nn.init.zeros_(self.posterior.weight.chunk(2)[1])
        nn.init.normal_(self.project.bias)

    def encode(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), float32 (N, latent_dim) each.

        Args:
            images: (N, 3, resolution, resolution) in [-1, 1].
            labels: as in ``forward``.
        """
        features = self._joined(self.encoder(images), labels)
        with full_precision(features):
            mean, log_variance = self.posterior(features.float()).chunk(2, 1)
        return mean, log_variance.clamp(*_LOG_VARIANCE)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, latent_dim) from N(0, 1) and labels to images (N, 3, resolution, resolution) in [-1, 1].

        Labels are (N, attributes), -1 or None for any, or weights as of ``dcgan.one_hot``.
        """
        return self.decoder(self.project(self._joined(z, labels))).tanh()

    def _joined(self, vectors: Tensor, labels: Tensor | None) -> Tensor:
        if not self.label_dims:
            return vectors
        return torch.cat([vectors, one_hot(labels, self.label_dims, len(vectors), vectors.device).to(vectors.dtype)], 1)


def sample(mean: Tensor, log_variance: Tensor) -> Tensor:
    """z = mean + exp(log_variance / 2) * N(0, 1), the reparameterisation (section 2.4): tensors (N, D)."""
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


class _Normalized(nn.Module):
    """Convolution, group norm, LeakyReLU. Group norm, unlike batch norm, draws an image alone as in its batch."""

    def __init__(self, conv: nn.Module, channels: int) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.GroupNorm(math.gcd(8, channels), channels)

    def forward(self, x: Tensor) -> Tensor:
        return leaky_relu(self.norm(self.conv(x)))


class Down(_Normalized):
    """Halves the size: (N, C_in, 2H, 2W) to (N, C_out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=False), out_channels)


class _Up(nn.Module):
    """Doubles the size, and adds a convolution's output: (N, C_in, H, W) to (N, C_out, 2H, 2W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.grow = _Normalized(nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=False), out_channels)
        self.refine = _Normalized(nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False), out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.grow(x)
        return x + self.refine(x)

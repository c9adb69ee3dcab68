"""DCGAN for 64 x 64 faces (Radford, Metz, Chintala 2016, https://arxiv.org/abs/1511.06434).

The generator is a linear projection to 512 x 4 x 4 and four transposed convolutions of kernel 4 and stride 2; the
discriminator mirrors it with strided convolutions. At the reference sizes they have 3,600,256 and 2,765,568 parameters.
"""

import itertools

from torch import Tensor, nn

from animegen_core.errors import AnimeGenError
from animegen_core.models.layers import init_dcgan_weights

RESOLUTION = 64
_BASE = 4  # px, side of the first feature map


def _check_size(name: str, value: int, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 4096:
        raise AnimeGenError(f"{name} is {value!r}, but must be a whole number from {least} to 4096.")
    return value


def _norm(channels: int, batch_norm: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if batch_norm else []


def _extra_layers(channels: int, count: int, batch_norm: bool, activation: nn.Module) -> list[nn.Module]:
    """The "deeper" variant: ``count`` convolutions of kernel 3 that keep the size, at 32 x 32 pixels."""
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [
            nn.Conv2d(channels, channels, 3, 1, 1, bias=not batch_norm),
            *_norm(channels, batch_norm),
            activation,
        ]
    return layers


class Generator(nn.Module):
    """z -> picture.

    Args:
        latent_dim: length of z (the reports use 50, 100, 200 and 512).
        base_channels: channels at 32 x 32; 8 times as many at 4 x 4.
        extra_layers: additional 3 x 3 convolutions at 32 x 32 (0 or 2 in the reports).
        batch_norm: False leaves every batch norm out.

    Raises:
        AnimeGenError: a size is not a whole number in range.
    """

    resolution = RESOLUTION

    def __init__(self, latent_dim: int = 100, base_channels: int = 64, extra_layers: int = 0, batch_norm: bool = True) -> None:
        super().__init__()
        _check_size("latent_dim", latent_dim, 1)
        _check_size("base_channels", base_channels, 1)
        _check_size("extra_layers", extra_layers, 0)
        self.config = dict(latent_dim=latent_dim, base_channels=base_channels, extra_layers=extra_layers, batch_norm=batch_norm)
        self.latent_dim = latent_dim
        widths = [base_channels * m for m in (8, 4, 2, 1)]
        activation = nn.ReLU(inplace=True)

        self.project = nn.Sequential(
            nn.Linear(latent_dim, widths[0] * _BASE * _BASE),
            *([nn.BatchNorm1d(widths[0] * _BASE * _BASE)] if batch_norm else []),
            activation,
        )
        layers: list[nn.Module] = [nn.Unflatten(1, (widths[0], _BASE, _BASE))]
        for wide, narrow in itertools.pairwise(widths):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False),
                *_norm(narrow, batch_norm),
                activation,
            ]
        layers += _extra_layers(widths[-1], extra_layers, batch_norm, activation)
        layers += [nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1, bias=False), nn.Tanh()]
        self.upsample = nn.Sequential(*layers)
        self.apply(init_dcgan_weights)

    def forward(self, z: Tensor) -> Tensor:
        """Latents (N, latent_dim) from N(0, 1) to pictures (N, 3, 64, 64) in [-1, 1]."""
        return self.upsample(self.project(z))


class Discriminator(nn.Module):
    """Picture -> one logit, high for real.

    Args:
        base_channels: channels at 32 x 32; 8 times as many at 4 x 4.
        extra_layers: additional 3 x 3 convolutions at 32 x 32.
        batch_norm: False leaves every batch norm out. The first convolution never has one.
    """

    resolution = RESOLUTION

    def __init__(self, base_channels: int = 64, extra_layers: int = 0, batch_norm: bool = True) -> None:
        super().__init__()
        _check_size("base_channels", base_channels, 1)
        _check_size("extra_layers", extra_layers, 0)
        self.config = dict(base_channels=base_channels, extra_layers=extra_layers, batch_norm=batch_norm)
        widths = [base_channels * m for m in (1, 2, 4, 8)]
        activation = nn.LeakyReLU(0.2, inplace=True)

        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1, bias=False), activation]
        layers += _extra_layers(widths[0], extra_layers, batch_norm, activation)
        for narrow, wide in itertools.pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1, bias=False), *_norm(wide, batch_norm), activation]
        layers += [nn.Conv2d(widths[-1], 1, _BASE, 1, 0, bias=False), nn.Flatten(0)]
        self.layers = nn.Sequential(*layers)
        self.apply(init_dcgan_weights)

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (N, 3, 64, 64) in [-1, 1] to logits (N,)."""
        return self.layers(images)

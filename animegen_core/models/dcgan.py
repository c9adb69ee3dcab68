"""DCGAN for 64 x 64 faces (Radford, Metz, Chintala 2016, https://arxiv.org/abs/1511.06434).

The generator is a linear projection to 512 x 4 x 4 and four transposed convolutions of kernel 4 and stride 2; the
discriminator mirrors it with strided convolutions. At the reference sizes they have 3,600,256 and 2,765,568 parameters.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.errors import check_whole
from animegen_core.labels import LABEL_DIMS
from animegen_core.models.arguments import records_arguments
from animegen_core.models.layers import check_labels, init_dcgan_weights

RESOLUTION = 64
_BASE = 4  # px, size of the first feature map


def _norm(channels: int, batch_norm: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if batch_norm else []


def _extra_layers(channels: int, count: int, batch_norm: bool, activation: nn.Module) -> list[nn.Module]:
    """``count`` convolutions of kernel 3 that keep the size, at 32 x 32 pixels."""
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [
            nn.Conv2d(channels, channels, 3, 1, 1, bias=not batch_norm),
            *_norm(channels, batch_norm),
            activation,
        ]
    return layers


@records_arguments
class Generator(nn.Module):
    """From z to an image.

    Args:
        latent_dim: length of z.
        base_channels: channels at 32 x 32; 8 times as many at 4 x 4.
        extra_layers: additional 3 x 3 convolutions at 32 x 32.
        batch_norm: False omits all batch norms.

    Raises:
        AnimeGenError: a size is not a whole number in range.
    """

    resolution = RESOLUTION

    def __init__(self, latent_dim: int = 100, base_channels: int = 64, extra_layers: int = 0, batch_norm: bool = True) -> None:
        super().__init__()
        check_whole("latent_dim", latent_dim, 1, 4096)
        check_whole("base_channels", base_channels, 1, 4096)
        check_whole("extra_layers", extra_layers, 0, 64)
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
        """Latents (N, latent_dim) from N(0, 1) to images (N, 3, 64, 64) in [-1, 1]."""
        return self.upsample(self.project(z))


@records_arguments
class Discriminator(nn.Module):
    """From an image to one logit, high for real.

    Args:
        base_channels: channels at 32 x 32; 8 times as many at 4 x 4.
        extra_layers: additional 3 x 3 convolutions at 32 x 32.
        batch_norm: False omits all batch norms. The first convolution never has one.
        in_channels: channels of the input, 3 for images without labels.
    """

    resolution = RESOLUTION

    def __init__(self, base_channels: int = 64, extra_layers: int = 0, batch_norm: bool = True, in_channels: int = 3) -> None:
        super().__init__()
        check_whole("base_channels", base_channels, 1, 4096)
        check_whole("extra_layers", extra_layers, 0, 64)
        widths = [base_channels * m for m in (1, 2, 4, 8)]
        activation = nn.LeakyReLU(0.2, inplace=True)

        layers: list[nn.Module] = [nn.Conv2d(in_channels, widths[0], 4, 2, 1, bias=False), activation]
        layers += _extra_layers(widths[0], extra_layers, batch_norm, activation)
        for narrow, wide in itertools.pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1, bias=False), *_norm(wide, batch_norm), activation]
        layers += [nn.Conv2d(widths[-1], 1, _BASE, 1, 0, bias=False), nn.Flatten(0)]
        self.layers = nn.Sequential(*layers)
        self.apply(init_dcgan_weights)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, 64, 64) in [-1, 1] to logits (N,)."""
        return self.layers(images)


@records_arguments
class ConditionalGenerator(Generator):
    """From z and labels to an image (Mirza, Osindero 2014, https://arxiv.org/abs/1411.1784); one-hot labels are joined to z.

    Args:
        latent_dim, base_channels, extra_layers, batch_norm: as in ``Generator``.
        label_dims: number of values of each attribute.
    """

    def __init__(
        self,
        latent_dim: int = 100,
        base_channels: int = 64,
        extra_layers: int = 0,
        batch_norm: bool = True,
        label_dims: Sequence[int] = LABEL_DIMS,
    ) -> None:
        super().__init__(latent_dim + sum(label_dims), base_channels, extra_layers, batch_norm)
        self.latent_dim = latent_dim
        self.label_dims = tuple(label_dims)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, latent_dim) and labels to images (N, 3, 64, 64) in [-1, 1].

        Labels are (N, attributes), -1 or None for any, or weights as of ``one_hot``, for example halves between two colours.
        """
        return super().forward(torch.cat([z, one_hot(labels, self.label_dims, len(z), z.device)], 1))


@records_arguments
class ConditionalDiscriminator(Discriminator):
    """From an image and labels to one logit. Each value of each attribute is an input channel, all ones or all zeros.

    Args:
        base_channels, extra_layers, batch_norm: as in ``Discriminator``.
        label_dims: number of values of each attribute.
    """

    def __init__(
        self,
        base_channels: int = 64,
        extra_layers: int = 0,
        batch_norm: bool = True,
        label_dims: Sequence[int] = LABEL_DIMS,
    ) -> None:
        super().__init__(base_channels, extra_layers, batch_norm, in_channels=3 + sum(label_dims))
        self.label_dims = tuple(label_dims)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, 3, 64, 64) in [-1, 1] and labels (N, attributes), -1 or None for any, to logits (N,)."""
        first, *others = self.layers
        pictures, planes = first.weight.split([3, sum(self.label_dims)], 1)
        images = images.contiguous(memory_format=torch.channels_last)
        features = F.conv2d(images, pictures, stride=2, padding=1) + self._of_labels(labels, planes, images)
        for layer in others:
            features = layer(features)
        return features

    def _of_labels(self, labels: Tensor | None, weight: Tensor, images: Tensor) -> Tensor:
        """The contribution of the label channels to the first feature map.

        The convolution of a constant plane is constant except at the border. So only planes of 6 x 6 are convolved; the result
        of 3 x 3 has the corners, edges and middle, and is expanded.
        """
        given = one_hot(labels, self.label_dims, len(images), images.device)[:, :, None, None].to(images.dtype)
        features = F.conv2d(given.expand(-1, -1, 6, 6), weight, stride=2, padding=1).permute(0, 2, 3, 1)
        height, width = (side // 2 for side in images.shape[2:])
        first, middle, last = features.split(1, 1)
        features = torch.cat([first, middle.expand(-1, height - 2, -1, -1), last], 1)
        first, middle, last = features.split(1, 2)
        return torch.cat([first, middle.expand(-1, -1, width - 2, -1), last], 2).permute(0, 3, 1, 2)


def one_hot(labels: Tensor | None, label_dims: Sequence[int], count: int, device: torch.device) -> Tensor:
    """Labels (count, attributes), -1 for any, to float32 (count, sum(label_dims)): "any" and None are all zeros.

    A float32 tensor of the result's shape is returned unchanged.

    Raises:
        AnimeGenError: shape, type or an index is wrong.
    """
    if labels is None:
        return torch.zeros(count, sum(label_dims), device=device)
    if labels.dtype == torch.float32 and labels.shape == (count, sum(label_dims)):
        return labels
    check_labels(labels, label_dims)
    columns = [F.one_hot(labels[:, c] + 1, n + 1)[:, 1:] for c, n in enumerate(label_dims)]
    return torch.cat(columns, 1).float()

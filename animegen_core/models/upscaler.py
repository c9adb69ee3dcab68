"""A compact network that enlarges faces and works mostly at the small size.

Residual blocks and one pixel shuffle (Shi et al. 2016, https://arxiv.org/abs/1609.05158) add a residual to interpolation (Kim
et al. 2016, https://arxiv.org/abs/1511.04587). There is no batch norm, which reduces contrast (Lim et al. 2017,
https://arxiv.org/abs/1707.02921).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.errors import check_whole
from animegen_core.models.arguments import records_arguments
from animegen_core.models.layers import leaky_relu


class _Block(nn.Module):
    """x + conv(leaky_relu(conv(x))), initialised to the identity.

    All channels have one fixed slope: learned slopes (PReLU) made a training step on a CPU 50 % slower.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.conv2 = _zero(nn.Conv2d(channels, channels, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(leaky_relu(self.conv1(x)))


@records_arguments
class Upscaler(nn.Module):
    """Enlarges an image. Untrained it is bicubic interpolation, because the last layer starts at zero.

    Args:
        channels: of every inner convolution. In bfloat16 64 are as fast as 48.
        blocks: number of blocks; each extends the receptive field by two pixels in each direction.
        scale: factor of enlargement.

    Raises:
        AnimeGenError: an argument is not a whole number, or out of range.
    """

    def __init__(self, channels: int = 64, blocks: int = 8, scale: int = 4) -> None:
        super().__init__()
        check_whole("channels", channels, 1, 256)
        check_whole("blocks", blocks, 1, 64)
        check_whole("scale", scale, 2, 8)
        self.scale = scale
        self.stem = nn.Conv2d(3, channels, 3, 1, 1)
        self.blocks = nn.Sequential(*[_Block(channels) for _ in range(blocks)])
        self.tail = _zero(nn.Conv2d(channels, 3 * scale**2, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] to float32 (N, 3, scale H, scale W), about [-1, 1].

        The convolutions may be in bfloat16; the interpolated image always is in float32.
        """
        # Contiguous, like the result of pixel_shuffle: sums of tensors with different layouts are slow.
        smooth = F.interpolate(images.float().contiguous(), scale_factor=self.scale, mode="bicubic", align_corners=False)
        features = self.blocks(leaky_relu(self.stem(images.to(self.stem.weight.dtype))))  # (N, C, H, W)
        detail = F.pixel_shuffle(self.tail(leaky_relu(features)), self.scale)  # from (N, 3 scale^2, H, W)
        return smooth + detail.float()


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer

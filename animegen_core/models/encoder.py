"""From an image to w of each layer of a style-based generator (after pSp, Richardson et al. 2021, https://arxiv.org/abs/2008.00951).

Like pSp it gives offsets from the mean face for every layer; unlike it, it is small and sees the image at the generator's size.
"""

import itertools
import math

from torch import Tensor, nn

from animegen_core.errors import check_whole
from animegen_core.models.arguments import records_arguments
from animegen_core.models.layers import channel_plan, full_precision
from animegen_core.models.vae import Down

_HIDDEN = 512


@records_arguments
class StyleEncoder(nn.Module):
    """Strided convolutions to 4 px and two linear layers.

    Args:
        resolution: of the images, a power of two from 16 to 1024.
        num_layers, w_dim: of the generator.
        channel_base, channel_max: channels at r px are min(channel_base / r, channel_max).

    Raises:
        AnimeGenError: a size is out of range.
    """

    def __init__(
        self, resolution: int = 64, num_layers: int = 10, w_dim: int = 256, channel_base: int = 4096, channel_max: int = 256
    ) -> None:
        super().__init__()
        self.resolution = resolution
        self.num_layers = check_whole("num_layers", num_layers, 1, 64)
        self.w_dim = check_whole("w_dim", w_dim, 1, 4096)
        widths = list(channel_plan(resolution, channel_base, channel_max).values())[-2::-1]  # the largest map first
        down = [Down(3 if first is None else first, width) for first, width in itertools.pairwise([None, *widths])]
        self.features = nn.Sequential(*down, nn.Flatten(), nn.Linear(16 * widths[-1], _HIDDEN), nn.LeakyReLU(0.2))
        self.offsets = nn.Linear(_HIDDEN, num_layers * w_dim)
        nn.init.zeros_(self.offsets.bias)
        nn.init.normal_(self.offsets.weight, std=0.1 / math.sqrt(_HIDDEN))  # near the mean face at first

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, resolution, resolution) in [-1, 1] to offsets (N, num_layers, w_dim), float32.

        They are in standard deviations of w from the mean face (``inversion.WSpace``).
        """
        features = self.features(images)
        with full_precision(features):
            return self.offsets(features.float()).unflatten(1, (self.num_layers, self.w_dim))

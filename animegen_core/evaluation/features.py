"""Features in which faces are compared: of a small network trained here, and of a random one that nobody trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from animegen_core.checkpoint import find_checkpoint
from animegen_core.checkpoint.weights import weights_hash
from animegen_core.data import to_model_range
from animegen_core.data.cache import PictureCache
from animegen_core.files import atomic_path
from animegen_core.helpers import HelperKind

BUNDLED_FEATURES = "features-64"
_RANDOM_WIDTHS = (16, 32, 64, 128)  # a quarter of the arithmetic: it is asked for a second opinion only
_BATCH = 128
_WEAKENED = 10  # of 1 and 10 the one under which blur, noise and smeared eyes are of the same order of distance


class FeatureNetwork(nn.Module):
    """Picture -> a vector: a small residual network (He et al. 2016) without a head.

    Args:
        widths: channels after the stem, at half the resolution, and after each block, every block halving the size.
        resolution: side in pixels at which pictures are looked at; others are resized to it.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 192), resolution: int = 64) -> None:
        super().__init__()
        self.config = dict(widths=list(widths), resolution=resolution)
        self.resolution = resolution
        self.feature_dim = widths[-1]
        # Four pixels become twelve channels: half the size at once, yet the finest grain is still seen.
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.blocks = nn.Sequential(*[_halving_block(a, b) for a, b in zip(widths, widths[1:])])  # noqa: RUF007
        self.register_buffer("centre", torch.zeros(widths[-1]))
        self.register_buffer("basis", torch.eye(widths[-1]))

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] to float32 features (N, feature_dim)."""
        return (self.raw(images) - self.centre) @ self.basis

    def raw(self, images: Tensor) -> Tensor:
        """Features before ``balance``."""
        if images.shape[-1] != self.resolution:
            size = (self.resolution, self.resolution)
            images = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
        return self.blocks(self.stem(images)).float().mean((2, 3))  # (N, feature_dim)

    @torch.no_grad()
    def balance(self, raw: Tensor, shifts: Tensor) -> None:
        """Give every feature mean 0 and deviation 1, then weaken the directions in which slight changes move a picture.

        With S the mean square of the shifts, the directions are multiplied by (1 + 10 S)^-1/2 (after within-class covariance
        normalisation, Hatch et al. 2006). Otherwise a little grain would outweigh a wrong face.

        Args:
            raw: features of whole pictures, (N, feature_dim).
            shifts: of the raw features of pictures by slight changes, (M, feature_dim).
        """
        deviation, mean = torch.std_mean(raw.double(), 0)
        deviation = deviation.clamp_min(1e-3)
        scaled = shifts.double() / deviation
        values, axes = torch.linalg.eigh(scaled.T @ scaled / len(scaled))
        weakened = axes * (1 + _WEAKENED * values.clamp_min(0)).rsqrt() @ axes.T
        self.centre.copy_(mean)
        self.basis.copy_(weakened / deviation[:, None])


def _halving_block(narrow: int, wide: int) -> nn.Module:
    from torchvision.models.resnet import BasicBlock  # slow to import

    shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(narrow, wide, 1, bias=False), nn.BatchNorm2d(wide))
    return BasicBlock(narrow, wide, stride=2, downsample=shortcut)


FEATURE_NETWORK = HelperKind("a feature network", "face-features", "network", FeatureNetwork)


@dataclass(frozen=True)
class FeatureSpace:
    """A network under the name by which its features are cached.

    Attributes:
        title: what reports call it.
        key: part of a file's name; changes with the weights.
        network: in eval mode, in float32, on the CPU.
    """

    title: str
    key: str
    network: FeatureNetwork


def trained_space(name: str | Path = BUNDLED_FEATURES) -> FeatureSpace:
    """The space of a bundled feature network by name, or of any by its folder.

    Raises:
        AnimeGenError: there is no such network, or it is damaged.
    """
    network = FEATURE_NETWORK.load(name)
    return FeatureSpace("anime", weights_hash(find_checkpoint(name)), network)


def random_space(seed: int = 0) -> FeatureSpace:
    """The space of an untrained network: it knows nothing of faces, so it cannot share a generator's blind spots.

    The weights come from NumPy's frozen stream, so the space is the same under every version of torch.
    """
    network = FeatureNetwork(_RANDOM_WIDTHS).eval().requires_grad_(False)
    random = np.random.RandomState(seed)
    for parameter in network.parameters():
        if parameter.ndim == 4:  # He et al. 2015, eq. 10; the norms stay the identity
            fan_in = parameter[0].numel()
            parameter.copy_(torch.from_numpy(random.standard_normal(tuple(parameter.shape)) * np.sqrt(2 / fan_in)))
    return FeatureSpace("random", f"random{seed}", network)


@torch.inference_mode()
def extract(network: nn.Module, pictures: np.ndarray, what: str = "pictures") -> Tensor:
    """Features of uint8 pictures (N, H, W, 3): float32 (N, D) on the CPU.

    They are found in full precision wherever the network is, so that every computer finds the same.
    """
    where = next(network.parameters()).device
    batches = tqdm(range(0, len(pictures), _BATCH), f"features of {what}", unit="batch", leave=False)
    return torch.cat([network(to_images(pictures[start : start + _BATCH]).to(where)).cpu() for start in batches])


def to_images(pictures: np.ndarray) -> Tensor:
    """uint8 pictures (N, H, W, 3) to tensors (N, 3, H, W) in [-1, 1]."""
    return to_model_range(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2))


def real_features(cache: PictureCache, space: FeatureSpace) -> Tensor:
    """Features of all pictures of a cache, float32 (N, D), kept in a file beside it.

    The file's name begins with the cache's, which holds the data's fingerprint: a picture cache that takes its place removes
    the features too.
    """
    array = Path(cache.pictures.filename)
    kept = array.with_name(f"{array.stem}-features-{space.key}.npy")
    if not kept.exists():
        with atomic_path(kept) as temporary:
            np.save(temporary, extract(space.network, cache.pictures, f"real pictures ({space.title})").numpy())
    return torch.from_numpy(np.load(kept))

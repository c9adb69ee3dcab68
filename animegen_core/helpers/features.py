"""Features for comparing faces: of a network trained on ImageNet, of a small one trained here, and of a random one."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from animegen_core.checkpoint import find_checkpoint
from animegen_core.checkpoint.weights import weights_hash
from animegen_core.data.cache import PictureCache
from animegen_core.files import atomic_path
from animegen_core.helpers.kind import HelperKind
from animegen_core.images import to_images
from animegen_core.models.features import FeatureNetwork
from animegen_core.models.imagenet import ImageNetFeatures

BUNDLED_FEATURES = "features-64"
_RANDOM_WIDTHS = (16, 32, 64, 128)  # half the width, for speed: it only gives a second opinion
_BATCH = 128

FEATURE_NETWORK = HelperKind("a feature network", "face-features", "network", FeatureNetwork)


@dataclass(frozen=True)
class FeatureSpace:
    """A network and the key by which its features are cached.

    Attributes:
        title: its name in reports.
        key: part of a file's name, which changes with the weights.
        network: in eval mode, in float32, on the CPU.
    """

    title: str
    key: str
    network: nn.Module


def trained_space(name: str | Path = BUNDLED_FEATURES) -> FeatureSpace:
    """The space of a bundled feature network by name, or of another by folder.

    Raises:
        AnimeGenError: there is no such network, or it is damaged.
    """
    network = FEATURE_NETWORK.load(name)
    return FeatureSpace("anime", weights_hash(find_checkpoint(name)), network)


def imagenet_space(resolution: int) -> FeatureSpace:
    """The space of EfficientNet-Lite1, which judges lines, eyes and hair much as people do. No training uses it.

    Args:
        resolution: size of the images in pixels. They are resized to at least 128 and at most 256 px.

    Raises:
        AnimeGenError: its packages are not installed (the extra ``train``).
    """
    side = min(max(resolution, 128), 256)
    return FeatureSpace("imagenet", f"efficientnet-lite1-{side}", ImageNetFeatures("efficientnet-lite1", side))


def random_space(seed: int = 0) -> FeatureSpace:
    """The space of an untrained network, which has no bias of training data.

    Its weights come from NumPy's stable stream, so they are the same with every version of torch.
    """
    network = FeatureNetwork(_RANDOM_WIDTHS).eval().requires_grad_(False)
    random = np.random.RandomState(seed)
    for parameter in network.parameters():
        if parameter.ndim == 4:  # He et al. 2015, eq. 10; norms stay the identity
            fan_in = parameter[0].numel()
            parameter.copy_(torch.from_numpy(random.standard_normal(tuple(parameter.shape)) * np.sqrt(2 / fan_in)))
    return FeatureSpace("random", f"random{seed}", network)


@torch.inference_mode()
def extract(network: nn.Module, pictures: np.ndarray, what: str = "pictures") -> Tensor:
    """Features of uint8 images (N, H, W, 3): float32 (N, D) on the CPU.

    They are computed in full precision on the network's device, so that results are the same everywhere.
    """
    where = next(itertools.chain(network.parameters(), network.buffers())).device
    batches = tqdm(range(0, len(pictures), _BATCH), f"features of {what}", unit="batch", leave=False)
    return torch.cat([network(to_images(pictures[start : start + _BATCH]).to(where)).cpu() for start in batches])


def real_features(cache: PictureCache, space: FeatureSpace) -> Tensor:
    """Features of all images of a cache, float32 (N, D), kept in a file beside it.

    The file's name begins with the cache's name, which has the data's fingerprint. A cache that replaces it removes the
    features too.
    """
    array = Path(cache.pictures.filename)
    kept = array.with_name(f"{array.stem}-features-{space.key}.npy")
    if not kept.exists():
        with atomic_path(kept) as temporary:
            np.save(temporary, extract(space.network, cache.pictures, f"real images ({space.title})").numpy())
    return torch.from_numpy(np.load(kept))

"""From cached images to batches of tensors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from animegen_core.data.cache import PictureCache, load_pictures
from animegen_core.data.sampling import LabelledIndex, make_sampler
from animegen_core.data.tags import read_labels
from animegen_core.errors import AnimeGenError


class PictureDataset(Dataset):
    """uint8 images (N, H, W, 3) as uint8 tensors (3, H, W), or (B, 3, H, W) for a list of indices.

    With labels (N, attributes) every item is a pair of image and labels; a ``LabelledIndex`` has its own labels. Because
    channels are last in memory, every batch is ``channels_last`` without a copy.
    """

    def __init__(self, pictures: np.ndarray, labels: Tensor | None = None) -> None:
        self.pictures = pictures
        self.labels = labels

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Tensor | tuple[Tensor, Tensor]:
        picture = torch.from_numpy(self.pictures[index].copy()).permute(2, 0, 1)
        return picture if self.labels is None else (picture, self.labels[index])

    def __getitems__(self, indices: list[int] | list[LabelledIndex]) -> Tensor | tuple[Tensor, Tensor]:
        labels = None
        if isinstance(indices[0], LabelledIndex):
            indices, labels = [shown.index for shown in indices], torch.stack([shown.labels for shown in indices])
        elif self.labels is not None:
            labels = self.labels[indices]
        pictures = torch.from_numpy(self.pictures[indices]).permute(0, 3, 1, 2)
        return pictures if labels is None else (pictures, labels)


def _keep(batch: Tensor | tuple[Tensor, Tensor]) -> Tensor | tuple[Tensor, Tensor]:
    """Collate function without effect: ``PictureDataset.__getitems__`` returns a batch."""
    return batch


def make_loader(
    path: str | Path,
    resolution: int = 64,
    batch: int = 128,
    cache_dir: str | Path | None = None,
    tags: str | Path | None = None,
    least_probability: float = 0.0,
    label_sampling: str = "frequency",
) -> DataLoader:
    """Shuffled batches of uint8 images (batch, 3, resolution, resolution); an incomplete last batch is dropped.

    With a tag file the batches are pairs of images and labels (batch, 2), -1 if a colour is unknown or has a probability
    below ``least_probability``; ``label_sampling`` is one of ``sampling.SAMPLINGS``. Prints the names of skipped files.

    Raises:
        AnimeGenError: the path does not exist, is empty, or has fewer images than one batch; or the tag file is damaged or of
            other images.
    """
    cache = load_pictures(path, resolution, cache_dir)
    if cache.skipped:
        print(cache.skipped_message)
    return loader_of(cache, batch, tags, least_probability, label_sampling)


def loader_of(
    cache: PictureCache,
    batch: int,
    tags: str | Path | None = None,
    least_probability: float = 0.0,
    label_sampling: str = "frequency",
    group_size: int | None = None,
    visible_fraction: Callable[[int], float] = lambda epoch: 1.0,
) -> DataLoader:
    """``make_loader`` for loaded images, optionally in groups of equal labels (see ``sampling.LabelGroups``)."""
    if len(cache.names) < 2:
        raise AnimeGenError(f"Data path '{cache.path}' has only one image; training needs at least 2, and better thousands.")
    if len(cache.names) < batch:
        raise AnimeGenError(
            f"Data path '{cache.path}' has {len(cache.names)} images, fewer than one batch of {batch}; "
            f"add images or choose a batch of {len(cache.names)} or less."
        )
    labels = None if tags is None else read_labels(tags, cache.names, least_probability)
    dataset = PictureDataset(cache.pictures, labels)
    sampler = make_sampler(dataset, label_sampling, group_size, visible_fraction)
    return DataLoader(dataset, batch, sampler=sampler, drop_last=True, collate_fn=_keep)


def random_flip(images: Tensor) -> Tensor:
    """Mirror each image of a batch (N, C, H, W) horizontally with probability one half."""
    flipped = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(flipped, images.flip(3), images)

"""From cached pictures to batches of tensors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from animegen_core.data.cache import PictureCache, load_pictures
from animegen_core.data.sampling import Shown, make_sampler
from animegen_core.data.tags import read_labels
from animegen_core.errors import AnimeGenError


class PictureDataset(Dataset):
    """uint8 pictures (N, H, W, 3) served as uint8 tensors (3, H, W), or (B, 3, H, W) for a list of indices.

    With labels (N, attributes) every item is a pair of picture and labels; an index that is a ``Shown`` brings its own. Keeping
    height and width before the channels in memory makes every batch ``channels_last`` without a copy.
    """

    def __init__(self, pictures: np.ndarray, labels: Tensor | None = None) -> None:
        self.pictures = pictures
        self.labels = labels

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Tensor | tuple[Tensor, Tensor]:
        picture = torch.from_numpy(self.pictures[index].copy()).permute(2, 0, 1)
        return picture if self.labels is None else (picture, self.labels[index])

    def __getitems__(self, indices: list[int] | list[Shown]) -> Tensor | tuple[Tensor, Tensor]:
        labels = None
        if isinstance(indices[0], Shown):
            indices, labels = [shown.index for shown in indices], torch.stack([shown.labels for shown in indices])
        elif self.labels is not None:
            labels = self.labels[indices]
        pictures = torch.from_numpy(self.pictures[indices]).permute(0, 3, 1, 2)
        return pictures if labels is None else (pictures, labels)


def _keep(batch: Tensor | tuple[Tensor, Tensor]) -> Tensor | tuple[Tensor, Tensor]:
    """Collate function: ``PictureDataset.__getitems__`` has already made the batch."""
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
    """Shuffled batches of uint8 pictures (batch, 3, resolution, resolution); what is left of an epoch is dropped.

    With a tag file the batches are pairs of pictures and labels (batch, 2), -1 where a colour is unknown or given with less
    than ``least_probability``; ``label_sampling`` is one of ``sampling.SAMPLINGS``. Prints which files were skipped, if any.

    Raises:
        AnimeGenError: the path is missing, empty, holds no picture, or fewer pictures than one batch; or the tag file is
            damaged or of other pictures.
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
    share_shown: Callable[[int], float] = lambda epoch: 1.0,
) -> DataLoader:
    """``make_loader`` for pictures that are loaded already, and in groups of equal labels (see ``sampling.LabelGroups``)."""
    if len(cache.names) < 2:
        raise AnimeGenError(f"Data path '{cache.path}' holds one picture only; training needs at least 2, better thousands.")
    if len(cache.names) < batch:
        raise AnimeGenError(
            f"Data path '{cache.path}' holds {len(cache.names)} pictures, fewer than one batch of {batch}; "
            f"add pictures or choose a batch of {len(cache.names)} or less."
        )
    labels = None if tags is None else read_labels(tags, cache.names, least_probability)
    dataset = PictureDataset(cache.pictures, labels)
    sampler = make_sampler(dataset, label_sampling, group_size, share_shown)
    return DataLoader(dataset, batch, sampler=sampler, drop_last=True, collate_fn=_keep)


def random_flip(images: Tensor) -> Tensor:
    """Mirror each picture of a batch (N, C, H, W) left to right with probability one half."""
    flipped = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(flipped, images.flip(3), images)

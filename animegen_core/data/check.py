"""The data check before a run: sizes, duplicates, grey images, labels, and advice."""

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.data.cache import PictureCache
from animegen_core.labels import ANY, ATTRIBUTES

_CHUNK = 2**24  # bytes of images to process at once
_SIDE = 8  # cells of a thumbnail
_GREY = 8  # of 255: maximum difference between the channels of a grey image's cells
_FEW = 2_000  # images
_MANY = {"duplicates": 0.01, "enlarged": 0.25, "grey": 0.1}  # fractions from which there is advice
_KNOWN = 0.5  # fraction of labels


def check_pictures(cache: PictureCache, labels: Tensor | None = None) -> str:
    """A report about the images: number, sizes, duplicates, grey ones, labels.

    Args:
        cache: the images; all are read.
        labels: int64 (N, attributes), -1 where unknown; None if the run has none.
    """
    digests, thumbnails = _digests_and_thumbnails(cache.pictures)
    lines = [
        *_count(cache),
        *_sizes(cache),
        *_repeats(digests, thumbnails),
        *_greys(thumbnails),
        *(() if labels is None else _labels(labels)),
    ]
    return "\n  ".join(lines)


def _digests_and_thumbnails(pictures: np.ndarray) -> tuple[list[bytes], Tensor]:
    """A digest of each image, and thumbnails float32 (N, 3, 8, 8) in [0, 255]."""
    digests: list[bytes] = []
    thumbnails = []
    for chunk in _chunks(pictures):
        digests += [hashlib.blake2b(picture, digest_size=16).digest() for picture in chunk]
        planes = torch.from_numpy(chunk).permute(0, 3, 1, 2).float()
        thumbnails.append(F.adaptive_avg_pool2d(planes, _SIDE))
    return digests, torch.cat(thumbnails)


def _chunks(pictures: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, _CHUNK // pictures[0].nbytes)
    for start in range(0, len(pictures), size):
        yield np.array(pictures[start : start + size])  # a copy, because torch does not support read-only memory


def _count(cache: PictureCache) -> Iterator[str]:
    yield f"{len(cache.names):,} images from '{cache.path}' at {cache.pictures.shape[1]} px"
    if cache.skipped:
        yield cache.skipped_message
    if len(cache.names) < _FEW:
        yield (
            "Few images: start from a trained checkpoint (--init-from), and in a style-based family add --augment translation "
            "--ada-kimg 500, or the discriminator will memorise them."
        )


def _sizes(cache: PictureCache) -> Iterator[str]:
    if cache.short_sides is None:  # a cache of an earlier version
        return
    sides, resolution = np.array(cache.short_sides), cache.pictures.shape[1]
    enlarged = cache.enlarged / len(sides)
    yield (
        f"short sides: smallest {sides.min()} px, median {np.median(sides):.0f} px; "
        f"{_percent(enlarged)} are smaller than {resolution} px and were enlarged"
    )
    if enlarged >= _MANY["enlarged"] and cache.interpolated:
        yield (
            "Many were enlarged, so faces will be soft: remove the smallest, train at a lower resolution, or use the upscaler "
            "(--upscale-small)."
        )


def _repeats(digests: list[bytes], thumbnails: Tensor) -> Iterator[str]:
    exact = len(digests) - len(set(digests))
    near = len(digests) - len({hash_.tobytes() for hash_ in _average_hashes(thumbnails)}) - exact
    yield f"{exact:,} exact and about {near:,} near duplicates"
    if exact + near >= _MANY["duplicates"] * len(digests):
        yield "Many are duplicates, so such faces will be drawn more often: remove the copies."


def _average_hashes(thumbnails: Tensor) -> np.ndarray:
    """Average hash, uint8 (N, hash): whether each cell is brighter than the image's mean, for each channel."""
    bright = thumbnails > thumbnails.mean((2, 3), keepdim=True)
    return np.packbits(bright.flatten(1).numpy(), axis=1)


def _greys(thumbnails: Tensor) -> Iterator[str]:
    spread = thumbnails.amax(1) - thumbnails.amin(1)  # (N, 8, 8)
    grey = float((spread.amax((1, 2)) <= _GREY).float().mean())
    yield f"{_percent(grey)} are grey"
    if grey >= _MANY["grey"]:
        yield "Many are grey, so many faces will be grey: remove them if you want colours."


def _labels(labels: Tensor) -> Iterator[str]:
    for (attribute, colours), column in zip(ATTRIBUTES.items(), labels.T):
        counts = torch.bincount(column[column != ANY], minlength=len(colours))
        known, rarest = int(counts.sum()), int(counts.argmin())
        yield (
            f"{attribute} known of {known:,} ({_percent(known / len(labels))}); "
            f"rarest: {colours[rarest]}, {int(counts[rarest]):,}"
        )
    if (labels != ANY).float().mean() < _KNOWN:
        yield "Few labels are known: python -m animegen_core label can tag the rest."


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"

"""Augmentation of all real and fake images that the discriminator sees, against overfitting on small data.

DiffAugment (Zhao et al. 2020, https://arxiv.org/abs/2006.10738), without its changes of colour, which would change labels.
Every operation is differentiable, because the generator is trained through it, and twice differentiable, for R1.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.errors import AnimeGenError

_SHIFT = 1 / 8  # of the side, each way
HOLE = 1 / 2  # of the side


def augment(images: Tensor, operations: Sequence[str], probability: Tensor | float, hole: float = HOLE) -> Tensor:
    """Apply the named operations to images (N, C, H, W), each image with that probability.

    Args:
        hole: side of the square that cutout hides, as a fraction of the image's.
    """
    for name in operations:
        chosen = torch.rand(len(images), device=images.device) < probability
        images = cutout(images, chosen, hole) if name == "cutout" else OPERATIONS[name](images, chosen)
    return images


def translation(images: Tensor, chosen: Tensor) -> Tensor:
    """Shift images (N, C, H, W), where ``chosen`` (N,), by up to an eighth of their side; the border is filled with zeros
    (grey).
    """
    count, _, height, width = images.shape
    most = [round(side * _SHIFT) for side in (height, width)]
    down, right = (
        (torch.randint(-m, m + 1, (count, 1, 1), device=images.device) * chosen.view(-1, 1, 1) + m) for m in most
    )  # from 0 on: where the window begins
    padded = F.pad(images, [most[1], most[1], most[0], most[0]]).permute(0, 2, 3, 1)
    rows = torch.arange(height, device=images.device).view(1, -1, 1) + down
    columns = torch.arange(width, device=images.device).view(1, 1, -1) + right
    return padded[torch.arange(count, device=images.device).view(-1, 1, 1), rows, columns].permute(0, 3, 1, 2)


def cutout(images: Tensor, chosen: Tensor, hole: float = HOLE) -> Tensor:
    """Set a square, its centre anywhere, to zero in those of the images (N, C, H, W) that are ``chosen``."""
    count, _, height, width = images.shape
    inside = chosen.view(-1, 1, 1, 1)
    for side, shape in ((height, (1, 1, -1, 1)), (width, (1, 1, 1, -1))):
        start = torch.randint(0, side, (count, 1, 1, 1), device=images.device) - round(side * hole / 2)
        offset = torch.arange(side, device=images.device).view(shape) - start
        inside = inside & (offset >= 0) & (offset < round(side * hole))
    return images * ~inside


OPERATIONS = {"translation": translation, "cutout": cutout}


def parse_operations(text: str) -> tuple[str, ...]:
    """The operations named in ``text``, separated by commas; ``none`` means no operation.

    Raises:
        AnimeGenError: one is unknown.
    """
    names = () if text == "none" else tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in OPERATIONS]:
        raise AnimeGenError(f"Unknown augmentation {unknown[0]!r}; choose none, or some of: {','.join(OPERATIONS)}.")
    return names

"""Draws the faces to measure, as the studio draws these seeds."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor
from tqdm import tqdm

from animegen_core.character import Character
from animegen_core.labels import ATTRIBUTES, label_name
from animegen_core.studio import Studio


def characters(studio: Studio, count: int, seed: int, psi: float, labels: Tensor | None) -> list[Character]:
    """``count`` characters of the seeds from ``seed`` on.

    Args:
        labels: int64 (N, 2) of real images, -1 if unknown. If the checkpoint takes colours, each character has those of a
            random image, so that colours are as frequent as in the data. None sets no colours.
    """
    seeds = range(seed, seed + count)
    if labels is None or not studio.capabilities.labels:
        return [Character(each, psi=psi) for each in seeds]
    return labelled_characters(labels[np.random.RandomState(seed).randint(len(labels), size=count)], seed, psi)


def labelled_characters(labels: Tensor, seed: int, psi: float) -> list[Character]:
    """One character for each row of labels, int64 (N, 2) with -1 for any, of the seeds from ``seed`` on."""
    names = ([label_name(attribute, index) for attribute, index in zip(ATTRIBUTES, row)] for row in labels.tolist())
    return [Character(each, hair, eyes, psi) for each, (hair, eyes) in enumerate(names, seed)]


def draw(studio: Studio, faces: Sequence[Character], what: str = "faces") -> np.ndarray:
    """Draw characters as uint8 images (N, H, W, 3)."""
    side = studio.checkpoint.generator.resolution
    pictures = np.empty((len(faces), side, side, 3), dtype=np.uint8)
    for index, face in enumerate(tqdm(studio.render_many(faces), what, len(faces), unit="face", leave=False)):
        pictures[index] = face
    return pictures

"""Classifies hair and eye colours of a folder of faces.

Two independent classifiers are bundled: ``labeller-64`` tags images, ``judge-64`` only evaluates generators, so that no
    generator is
evaluated by the network that made its labels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from animegen_core.data import load_pictures
from animegen_core.data.tags import Tag
from animegen_core.devices import autocast_dtype
from animegen_core.helpers.kind import HelperKind
from animegen_core.images import to_model_range
from animegen_core.models.classifier import ColourClassifier

CLASSIFIER = HelperKind("a classifier", "colour-classifier", "classifier", ColourClassifier)
LABELLER = "labeller-64"


def load_classifier(name: str | Path = LABELLER) -> ColourClassifier:
    """Load a bundled classifier by name, or another by folder.

    Raises:
        AnimeGenError: there is no such classifier, or it is damaged.
    """
    return CLASSIFIER.load(name)


@dataclass(frozen=True)
class Labelled:
    """Tags of a folder of images, and the message about skipped files (empty if there are none)."""

    tags: list[Tag]
    skipped_message: str


def label_pictures(path: str | Path, classifier: ColourClassifier) -> Labelled:
    """Tag every image of a folder or zip with its most probable colours.

    Raises:
        AnimeGenError: the path does not exist, is empty, or has no image.
    """
    cache = load_pictures(path, classifier.resolution)
    return Labelled(tags_of(cache.names, cache.pictures, classifier), cache.skipped_message)


def tags_of(names: list[str], pictures: np.ndarray, classifier: ColourClassifier) -> list[Tag]:
    """Tags of images, uint8 (N, H, W, 3), with their file names."""
    best = [logits.softmax(1).max(1) for logits in predict(classifier, pictures)]
    labels = zip(*(b.indices.tolist() for b in best))
    probabilities = zip(*(b.values.tolist() for b in best))
    return [Tag(name, label, probability) for name, label, probability in zip(names, labels, probabilities)]


@torch.no_grad()
def predict(classifier: ColourClassifier, pictures: np.ndarray, batch: int = 256) -> list[Tensor]:
    """Logits of uint8 images (N, H, W, 3): one tensor (N, colours) for each attribute, on the CPU."""
    where = next(classifier.parameters()).device
    dtype = autocast_dtype("auto", where)
    parts = []
    for start in range(0, len(pictures), batch):
        images = torch.from_numpy(np.array(pictures[start : start + batch])).permute(0, 3, 1, 2).to(where)
        with torch.autocast(where.type, dtype, enabled=dtype is not None):
            parts.append([part.cpu() for part in classifier(to_model_range(images))])
    return [torch.cat(attribute) for attribute in zip(*parts)]

"""Hair and eye colours of any folder of faces, as a small classifier sees them.

Two independent classifiers are bundled: ``labeller-64`` tags pictures, ``judge-64`` only judges what generators draw, so that
no generator is measured by the network it learned its labels from.
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
    """Load a bundled classifier by name, or any by its folder.

    Raises:
        AnimeGenError: there is no such classifier, or it is damaged.
    """
    return CLASSIFIER.load(name)


@dataclass(frozen=True)
class Labelled:
    """Tags of a folder of pictures, and the message about files that were skipped (empty when there are none)."""

    tags: list[Tag]
    skipped_message: str


def label_pictures(path: str | Path, classifier: ColourClassifier) -> Labelled:
    """Tag every picture of a folder or zip with its most probable colours.

    Raises:
        AnimeGenError: the path is missing, empty, or holds no picture.
    """
    cache = load_pictures(path, classifier.resolution)
    return Labelled(tags_of(cache.names, cache.pictures, classifier), cache.skipped_message)


def tags_of(names: list[str], pictures: np.ndarray, classifier: ColourClassifier) -> list[Tag]:
    """Tags of pictures, uint8 (N, H, W, 3), under their names."""
    best = [logits.softmax(1).max(1) for logits in predict(classifier, pictures)]
    labels = zip(*(b.indices.tolist() for b in best))
    probabilities = zip(*(b.values.tolist() for b in best))
    return [Tag(name, label, probability) for name, label, probability in zip(names, labels, probabilities)]


@torch.no_grad()
def predict(classifier: ColourClassifier, pictures: np.ndarray, batch: int = 256) -> list[Tensor]:
    """Logits of uint8 pictures (N, H, W, 3): one tensor (N, colours) for each attribute, on the CPU."""
    where = next(classifier.parameters()).device
    dtype = autocast_dtype("auto", where)
    parts = []
    for start in range(0, len(pictures), batch):
        images = torch.from_numpy(np.array(pictures[start : start + batch])).permute(0, 3, 1, 2).to(where)
        with torch.autocast(where.type, dtype, enabled=dtype is not None):
            parts.append([part.cpu() for part in classifier(to_model_range(images))])
    return [torch.cat(attribute) for attribute in zip(*parts)]

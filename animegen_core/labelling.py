"""Hair and eye colours of any folder of faces, as a small classifier sees them.

Two independent classifiers are bundled: ``labeller-64`` tags pictures, ``judge-64`` only judges what generators draw, so that
no generator is measured by the network it learned its labels from.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from animegen_core.checkpoint import CONFIG, find_checkpoint, load_network, save_weights
from animegen_core.data import load_pictures, to_model_range
from animegen_core.data.tags import Tag
from animegen_core.devices import autocast_dtype
from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_write_text
from animegen_core.models.classifier import ColourClassifier

FAMILY = "colour-classifier"
LABELLER = "labeller-64"


def save_classifier(folder: str | Path, classifier: ColourClassifier, facts: dict[str, Any]) -> Path:
    """Write a classifier as config.json and model.safetensors.

    Args:
        facts: what the config says besides: data, licence, held-out accuracy.
    """
    folder = Path(folder)
    save_weights(folder, classifier)
    config = {"family": FAMILY, "classifier": classifier.config, **facts}
    atomic_write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")
    return folder


def load_classifier(name: str | Path = LABELLER) -> ColourClassifier:
    """Load a bundled classifier by name, or any by its folder.

    Raises:
        AnimeGenError: there is no such classifier, or it is damaged.
    """
    folder = find_checkpoint(name)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        family, arguments = config["family"], config["classifier"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnimeGenError(f"'{name}' is not a classifier: its {CONFIG} says otherwise or is damaged.") from error
    if family != FAMILY or not isinstance(arguments, dict):
        raise AnimeGenError(f"'{name}' is a checkpoint of the family '{family}', not a {FAMILY}.")
    return load_network(folder, ColourClassifier, arguments)


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

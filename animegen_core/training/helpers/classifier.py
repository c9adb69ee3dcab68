"""Training a classifier of hair and eye colours on a tag file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import trange

from animegen_core.data import load_pictures, random_flip
from animegen_core.data.sampling import balance
from animegen_core.data.tags import read_labels, tagged_in_order
from animegen_core.devices import autocast_dtype
from animegen_core.helpers.labelling import CLASSIFIER, predict
from animegen_core.images import to_model_range
from animegen_core.labels import ANY, ATTRIBUTES
from animegen_core.models.classifier import ColourClassifier

_MARGIN = 4  # px by which pictures are shifted: tags do not depend on where the face is


@dataclass(frozen=True)
class ClassifierOptions:
    """How a classifier is trained. No colour augmentation: colours are what it must tell."""

    epochs: int = 12
    batch: int = 128
    lr: float = 2e-3  # peak of a one-cycle schedule
    weight_decay: float = 0.05
    label_smoothing: float = 0.1  # one tag in seven is wrong
    seed: int = 0


def train_classifier(
    classifier: ColourClassifier, pictures: np.ndarray, labels: Tensor, options: ClassifierOptions, device: str = "cpu"
) -> ColourClassifier:
    """Fit ``classifier`` in place by balanced cross-entropy and return it in eval mode.

    Args:
        pictures: uint8 (N, H, W, 3).
        labels: int64 (N, attributes), -1 where unknown.
    """
    torch.manual_seed(options.seed)
    where = torch.device(device)
    classifier.to(where, memory_format=torch.channels_last).train()
    dtype = autocast_dtype("auto", where)
    optimizer = torch.optim.AdamW(classifier.parameters(), options.lr, weight_decay=options.weight_decay)
    steps = len(pictures) // options.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.lr, total_steps=steps * options.epochs)
    weights = [balance(labels[:, c], n).to(where) for c, n in enumerate(classifier.label_dims)]
    for _ in trange(options.epochs, desc="classifier", unit="epoch"):
        order = torch.randperm(len(pictures))
        for chunk in order.split(options.batch)[:steps]:
            images = torch.from_numpy(pictures[chunk.numpy()]).permute(0, 3, 1, 2).to(where)
            images = random_shift(random_flip(to_model_range(images)), _MARGIN)
            with torch.autocast(where.type, dtype, enabled=dtype is not None):
                logits = classifier(images)
            targets = labels[chunk].to(where)
            loss = sum(
                F.cross_entropy(part, targets[:, c], weights[c], ignore_index=ANY, label_smoothing=options.label_smoothing)
                for c, part in enumerate(logits)
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return classifier.eval()


def random_shift(images: Tensor, margin: int) -> Tensor:
    """Shift each picture of a batch by up to ``margin`` px each way, repeating its border."""
    count, _, height, width = images.shape
    padded = F.pad(images, [margin] * 4, mode="replicate")
    down, right = torch.randint(0, 2 * margin + 1, (2, count, 1, 1), device=images.device)
    rows = (torch.arange(height, device=images.device).view(1, -1, 1) + down).expand(-1, -1, width)
    columns = (torch.arange(width, device=images.device).view(1, 1, -1) + right).expand(-1, height, -1)
    index = torch.arange(count, device=images.device).view(-1, 1, 1)
    return padded[index, :, rows, columns].permute(0, 3, 1, 2)


def calibrate(classifier: ColourClassifier, pictures: np.ndarray, labels: Tensor) -> None:
    """Set the temperatures that give held-out labels the highest likelihood (Guo et al. 2017, section 4.2)."""
    candidates = torch.logspace(-0.7, 0.7, 57)
    for column, logits in enumerate(predict(classifier, pictures)):
        known = labels[:, column] != ANY
        losses = torch.stack([F.cross_entropy(logits[known] / t, labels[known, column]) for t in candidates])
        classifier.temperature[column] *= candidates[losses.argmin()]


def accuracies(classifier: ColourClassifier, pictures: np.ndarray, labels: Tensor) -> dict[str, dict[str, float]]:
    """Share of the known labels that the classifier repeats: for each attribute overall and for each of its colours."""
    report: dict[str, dict[str, float]] = {}
    for column, (attribute, logits) in enumerate(zip(ATTRIBUTES, predict(classifier, pictures))):
        target, best = labels[:, column], logits.argmax(1)
        known = target != ANY
        report[attribute] = {"overall": _share(best[known] == target[known])}
        for index, colour in enumerate(ATTRIBUTES[attribute]):
            report[attribute][colour] = _share(best[target == index] == index)
    return report


def _share(right: Tensor) -> float:
    return round(float(right.float().mean()), 4) if len(right) else float("nan")


def fit_and_save(
    data: str | Path, tags: str | Path, folder: str | Path, facts: dict[str, Any], widths: Sequence[int], seed: int
) -> dict[str, dict[str, float]]:
    """Train a classifier on nine tenths of the tagged pictures, calibrate it on the last tenth, save it with its accuracy.

    The split depends on nothing but the number of tagged pictures, so that classifiers of any seed share their held-out tenth.

    Returns:
        The held-out accuracies, which are also written into the config.
    """
    torch.manual_seed(seed)
    classifier = ColourClassifier(widths)
    cache = load_pictures(data, classifier.resolution)
    labels = read_labels(tags, cache.names)
    order = tagged_in_order(labels)
    held_out, used = order[: len(order) // 10], order[len(order) // 10 :]
    pictures = {part: np.ascontiguousarray(cache.pictures[index.numpy()]) for part, index in enumerate((used, held_out))}
    train_classifier(classifier, pictures[0], labels[used], ClassifierOptions(seed=seed))
    calibrate(classifier, pictures[1], labels[held_out])
    report = accuracies(classifier, pictures[1], labels[held_out])
    counts = {"pictures": len(used), "held_out_pictures": len(held_out)}
    CLASSIFIER.save(folder, classifier, {**facts, **counts, "seed": seed, "held_out_accuracy": report})
    return report

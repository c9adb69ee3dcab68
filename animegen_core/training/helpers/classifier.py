"""Training a classifier of hair and eye colours on a tag file."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.data import load_pictures, random_flip
from animegen_core.data.sampling import balance
from animegen_core.data.tags import read_labels, tagged_in_order
from animegen_core.errors import AnimeGenError, quote
from animegen_core.helpers.labelling import CLASSIFIER, predict
from animegen_core.images import to_model_range
from animegen_core.labels import ANY, ATTRIBUTES
from animegen_core.models.classifier import ColourClassifier
from animegen_core.training.helpers.labelled import LabelledOptions, LabelledTrainer
from animegen_core.training.helpers.runs import HelperRun, run_in
from animegen_core.training.options import option
from animegen_core.training.resumable import Stats

_MARGIN = 4  # px by which images are shifted; tags do not depend on the position of the face


@dataclass(frozen=True, kw_only=True)
class ClassifierOptions(LabelledOptions):
    """Options of a classifier. There is no colour augmentation, because it must recognise colours.

    Raises:
        AnimeGenError: a value is out of range.
    """

    widths: str = option("24,48,96,192,192", "Channels after the stem and after each block.")
    label_smoothing: float = option(0.1, "Label smoothing: one tag in seven is wrong.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"\d{1,4}(,\d{1,4})+", self.widths):
            raise AnimeGenError(
                f"widths is {quote(self.widths)}, but must be two or more whole numbers separated by commas, such as 24,48,96."
            )

    @property
    def channels(self) -> list[int]:
        """The numbers in ``widths``."""
        return [int(width) for width in self.widths.split(",")]


class ClassifierTrainer(LabelledTrainer):
    """Trains a classifier with balanced cross-entropy."""

    def __init__(self, classifier: ColourClassifier, pictures: np.ndarray, labels: Tensor, options: ClassifierOptions) -> None:
        super().__init__({"classifier": classifier}, pictures, labels, options)
        self.weights = [balance(labels[:, c], n).to(self.device) for c, n in enumerate(classifier.label_dims)]

    def losses(self, images: np.ndarray, labels: Tensor) -> Stats:
        """The sum of the attributes' cross-entropies; an attribute without known labels counts as 0."""
        images = to_model_range(torch.from_numpy(images).permute(0, 3, 1, 2).to(self.device))
        images = random_shift(random_flip(images), _MARGIN)
        with self._autocast():
            logits = self.networks["classifier"](images)
        smoothing = self.options.label_smoothing
        losses = [
            F.cross_entropy(part, labels[:, c], self.weights[c], ignore_index=ANY, label_smoothing=smoothing)
            for c, part in enumerate(logits)
        ]
        return {"loss": torch.stack(losses).nansum()}


def train_classifier(
    classifier: ColourClassifier, pictures: np.ndarray, labels: Tensor, options: ClassifierOptions, folder: Path
) -> ColourClassifier:
    """Train ``classifier`` in place and return it in eval mode. Resumes from a state in the run folder.

    Args:
        pictures: uint8 (N, H, W, 3).
        labels: int64 (N, attributes), -1 where unknown.
    """
    trainer = ClassifierTrainer(classifier, pictures, labels, options)
    run_in(folder, trainer, trainer.batches(), trainer.target)
    return classifier.eval()


def random_shift(images: Tensor, margin: int) -> Tensor:
    """Shift each image of a batch by up to ``margin`` px in each direction; border pixels are repeated."""
    count, _, height, width = images.shape
    padded = F.pad(images, [margin] * 4, mode="replicate")
    down, right = torch.randint(0, 2 * margin + 1, (2, count, 1, 1), device=images.device)
    rows = (torch.arange(height, device=images.device).view(1, -1, 1) + down).expand(-1, -1, width)
    columns = (torch.arange(width, device=images.device).view(1, 1, -1) + right).expand(-1, height, -1)
    index = torch.arange(count, device=images.device).view(-1, 1, 1)
    return padded[index, :, rows, columns].permute(0, 3, 1, 2)


def calibrate(classifier: ColourClassifier, pictures: np.ndarray, labels: Tensor) -> None:
    """Set the temperatures that maximise the likelihood of held-out labels (Guo et al. 2017, section 4.2)."""
    candidates = torch.logspace(-0.7, 0.7, 57)
    for column, logits in enumerate(predict(classifier, pictures)):
        known = labels[:, column] != ANY
        losses = torch.stack([F.cross_entropy(logits[known] / t, labels[known, column]) for t in candidates])
        classifier.temperature[column] *= candidates[losses.argmin()]


def accuracies(classifier: ColourClassifier, pictures: np.ndarray, labels: Tensor) -> dict[str, dict[str, float]]:
    """Accuracy on the known labels: for each attribute overall ("all") and for each of its colours."""
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


def fit_and_save(asked: HelperRun, runs: Path) -> dict[str, dict[str, float]]:
    """Train a classifier on nine tenths of the tagged images, calibrate it on the last tenth, save it with its accuracy.

    The split depends only on the number of tagged images, so that classifiers of any seed have the same held-out tenth.

    Args:
        asked: with the paths "data", "labels" and "out"; the network is written to "out" when training stops.
        runs: parent of the run folder.

    Returns:
        The held-out accuracies, which are also written into the config.
    """
    options, settings = asked.options, asked.settings
    torch.manual_seed(options.seed)
    classifier = ColourClassifier(options.channels)
    cache = load_pictures(settings["data"], classifier.resolution)
    labels = read_labels(settings["labels"], cache.names)
    asked = asked.with_data(cache, labels)
    order = tagged_in_order(labels)
    held_out, used = order[: len(order) // 10], order[len(order) // 10 :]
    pictures = {part: np.ascontiguousarray(cache.pictures[index.numpy()]) for part, index in enumerate((used, held_out))}
    train_classifier(classifier, pictures[0], labels[used], options, asked.start(runs, "classifier-64"))
    calibrate(classifier, pictures[1], labels[held_out])
    report = accuracies(classifier, pictures[1], labels[held_out])
    counts = {"pictures": len(used), "held_out_pictures": len(held_out)}
    CLASSIFIER.save(settings["out"], classifier, {**asked.facts, **counts, "seed": options.seed, "held_out_accuracy": report})
    return report

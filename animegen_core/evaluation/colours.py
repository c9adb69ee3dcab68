"""Measures whether faces have the chosen hair and eye colours, by a classifier that made no generator's labels."""

import json
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.checkpoint import BUNDLED, CONFIG
from animegen_core.data.tags import tagged_in_order
from animegen_core.evaluation.drawing import draw, labelled_characters
from animegen_core.evaluation.intervals import Interval, of_fraction
from animegen_core.helpers.labelling import load_classifier, predict
from animegen_core.images import to_images, to_uint8
from animegen_core.labels import ANY, ATTRIBUTES
from animegen_core.models.classifier import ColourClassifier
from animegen_core.studio import Studio

JUDGE = "judge-64"
ALL = "all"  # the row over all colours
EVERY_PAIR = "every pair"  # of hair and eyes equally often, most of which are rare
_EACH = 100  # faces of each colour
_EACH_PAIR = 5


@dataclass(frozen=True)
class ColourScore:
    """How often the judge classifies faces as the chosen colour.

    Attributes:
        drawn: fraction of generated faces; None if there are none.
        real: agreement with the tags of real images, which is the best possible value; None if no image has that tag.
    """

    drawn: Interval | None
    real: float | None


def colour_scores(
    studio: Studio, psi: float, seed: int, labels: Tensor | None, real: dict[str, dict[str, float | None]]
) -> dict[str, dict[str, ColourScore]]:
    """Draw a hundred faces of each colour and five of every pair and classify them: attribute -> row -> ``ColourScore``.

    The rows are "all", each colour, and "every pair". Each hair colour is combined with the eye
    colour of a random real image that has it, or none if that is unknown, and the reverse, as in the real images.

    Args:
        labels: int64 (N, 2) of the real images, -1 if unknown. With None, or for a colour that no image has, the other
            attribute is not set.
        real: accuracies on real images, of ``real_accuracies`` or ``known_accuracies``.
    """
    judge, scores = load_classifier(JUDGE), {}
    pairs = torch.cartesian_prod(*(torch.arange(len(colours)) for colours in ATTRIBUTES.values())).repeat(_EACH_PAIR, 1)
    of_pairs = agreement(judge, draw(studio, labelled_characters(pairs, seed, psi), "faces of every pair"), pairs)
    for column, (attribute, colours) in enumerate(ATTRIBUTES.items()):
        wanted = torch.cat([_company(labels, column, colour, seed) for colour in range(len(colours))])
        faces = draw(studio, labelled_characters(wanted, seed, psi), f"faces by {attribute}")
        drawn = agreement(judge, faces, wanted)[attribute]
        rows = {row: ColourScore(drawn[row], real[attribute][row]) for row in (ALL, *colours)}
        scores[attribute] = rows | {EVERY_PAIR: ColourScore(of_pairs[attribute][ALL], None)}
    return scores


def _company(labels: Tensor | None, column: int, colour: int, seed: int) -> Tensor:
    """Labels (_EACH, 2) with the colour in that column and, in the other, values of real images with this colour."""
    with_colour = torch.empty(0, 2) if labels is None else labels[labels[:, column] == colour]
    if len(with_colour):
        return with_colour[np.random.RandomState(seed).randint(len(with_colour), size=_EACH)]
    alone = torch.full((_EACH, len(ATTRIBUTES)), ANY)
    alone[:, column] = colour
    return alone


def agreement(judge: ColourClassifier, pictures: np.ndarray, labels: Tensor) -> dict[str, dict[str, Interval | None]]:
    """How often the judge agrees with labels, int64 (N, 2) with -1 for unknown, on uint8 images (N, H, W, 3)."""
    if pictures.shape[1] != judge.resolution:
        size = (judge.resolution, judge.resolution)
        resized = [
            to_uint8(F.interpolate(to_images(part), size, mode="bilinear", antialias=True, align_corners=False))
            for part in np.array_split(pictures, max(1, len(pictures) // 100))
        ]
        pictures = np.concatenate(resized)
    report: dict[str, dict[str, Interval | None]] = {}
    for column, ((attribute, colours), logits) in enumerate(zip(ATTRIBUTES.items(), predict(judge, pictures))):
        wanted = labels[:, column]
        right = logits.argmax(1) == wanted
        chosen = {ALL: wanted != ANY, **{colour: wanted == index for index, colour in enumerate(colours)}}
        report[attribute] = {
            colour: of_fraction(int(right[rows].sum()), int(rows.sum())) if rows.any() else None
            for colour, rows in chosen.items()
        }
    return report


def real_accuracies(pictures: np.ndarray, labels: Tensor) -> dict[str, dict[str, float | None]]:
    """Accuracies of the judge on a tenth of the real images, which its training held out if it had these tags.

    Args:
        pictures: uint8 (N, H, W, 3).
        labels: int64 (N, 2), -1 where unknown.
    """
    order = tagged_in_order(labels)
    held_out = order[: max(1, len(order) // 10)].sort().values
    found = agreement(load_classifier(JUDGE), pictures[held_out.numpy()], labels[held_out])
    return {name: {colour: each and each.value for colour, each in colours.items()} for name, colours in found.items()}


def known_accuracies() -> dict[str, dict[str, float | None]]:
    """Accuracies of the judge on its own held-out tags, from its config."""
    report = json.loads((BUNDLED / JUDGE / CONFIG).read_text(encoding="utf-8")).get("held_out_accuracy", {})
    return {
        attribute: {colour: report.get(attribute, {}).get("overall" if colour == ALL else colour) for colour in (ALL, *colours)}
        for attribute, colours in ATTRIBUTES.items()
    }

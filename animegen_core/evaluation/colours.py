"""Does a face have the hair and eyes that were asked for? A classifier answers that no generator learned its labels from."""

import itertools
import json
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.character import Character
from animegen_core.checkpoint import BUNDLED, CONFIG
from animegen_core.data.tags import tagged_in_order
from animegen_core.evaluation.drawing import draw
from animegen_core.evaluation.features import to_images
from animegen_core.evaluation.intervals import Interval, of_share
from animegen_core.images import to_uint8
from animegen_core.labelling import load_classifier, predict
from animegen_core.labels import ANY, ATTRIBUTES
from animegen_core.models.classifier import ColourClassifier
from animegen_core.studio import Studio

JUDGE = "judge-64"
ALL = "all"  # the row of a table over all colours
_EACH = 10  # faces of each pair of colours: 110 of each hair and 120 of each eye colour


@dataclass(frozen=True)
class ColourScore:
    """How often the judge sees the colour that was asked for.

    Attributes:
        drawn: on generated faces; None if none was asked for.
        real: share of tagged real pictures whose tag it repeats: more cannot be expected. None if none is tagged so.
    """

    drawn: Interval | None
    real: float | None


def colour_scores(studio: Studio, psi: float, seed: int, real: dict[str, dict[str, float | None]]) -> dict:
    """Draw every pair of colours ten times and judge the faces: attribute -> colour or "all" -> ``ColourScore``.

    Args:
        real: accuracies on real pictures, of ``real_accuracies`` or ``known_accuracies``.
    """
    pairs = list(itertools.product(*(range(len(colours)) for colours in ATTRIBUTES.values()))) * _EACH
    faces = [
        Character(seed + index, *(colours[c] for colours, c in zip(ATTRIBUTES.values(), pair)), psi=psi)
        for index, pair in enumerate(pairs)
    ]
    repeated = shares(load_classifier(JUDGE), draw(studio, faces, "faces of every colour"), torch.tensor(pairs))
    return {
        attribute: {colour: ColourScore(repeated[attribute][colour], real[attribute][colour]) for colour in (ALL, *colours)}
        for attribute, colours in ATTRIBUTES.items()
    }


def shares(judge: ColourClassifier, pictures: np.ndarray, labels: Tensor) -> dict[str, dict[str, Interval | None]]:
    """How often the judge sees the labels, int64 (N, 2) with -1 for unknown, in uint8 pictures (N, H, W, 3)."""
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
            colour: of_share(int(right[rows].sum()), int(rows.sum())) if rows.any() else None for colour, rows in chosen.items()
        }
    return report


def real_accuracies(pictures: np.ndarray, labels: Tensor) -> dict[str, dict[str, float | None]]:
    """Of the judge on real pictures: those of the tenth that its training held out, if these tags were the ones it learned.

    Args:
        pictures: uint8 (N, H, W, 3).
        labels: int64 (N, 2), -1 where unknown.
    """
    order = tagged_in_order(labels)
    held_out = order[: max(1, len(order) // 10)].sort().values
    found = shares(load_classifier(JUDGE), pictures[held_out.numpy()], labels[held_out])
    return {name: {colour: each and each.value for colour, each in colours.items()} for name, colours in found.items()}


def known_accuracies() -> dict[str, dict[str, float | None]]:
    """Of the judge on the tags that its own training held out, as its config tells them."""
    report = json.loads((BUNDLED / JUDGE / CONFIG).read_text(encoding="utf-8")).get("held_out_accuracy", {})
    return {
        attribute: {colour: report.get(attribute, {}).get("overall" if colour == ALL else colour) for colour in (ALL, *colours)}
        for attribute, colours in ATTRIBUTES.items()
    }

"""Measures recolouring: is the new colour seen, and is it the same face?"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from animegen_core.helpers.features import extract, imagenet_space
from animegen_core.helpers.labelling import load_classifier, predict
from animegen_core.labels import ATTRIBUTES
from animegen_core.steering.faces import SIDE, Faces
from animegen_core.steering.recolouring import UNMOVED, moved

_JUDGE = "judge-64"  # made no tags of training, and took no part in learning to recolour
_HAIR_GREY = 128


@dataclass(frozen=True)
class Recoloured:
    """Figures of recolouring one attribute, against choosing another label, which draws another face.

    Attributes:
        accuracy, label_accuracy: fraction of faces that the judge classifies as the wanted colour.
        other: fraction whose other attribute the judge classifies as before.
        distance, label_distance: from the face before, mean over all faces, in features of EfficientNet-Lite1 of the grey
            image; where hair is recoloured, its pixels are masked.
    """

    accuracy: float
    label_accuracy: float
    other: float
    distance: float
    label_distance: float


def judge_recolouring(faces: Faces, tables: dict[str, Tensor], count: int = 100) -> dict[str, Recoloured]:
    """Recolour the faces of seeds 0 to count - 1 to every colour that is not their own: attribute -> figures."""
    return {attribute: _judge(faces, attribute, tables[attribute], list(range(count))) for attribute in tables}


@torch.no_grad()
def _judge(faces: Faces, attribute: str, table: Tensor, seeds: list[int]) -> Recoloured:
    column = list(ATTRIBUTES).index(attribute)
    labels, ws = faces.labels(seeds), faces.ws(seeds)
    rows, colours = torch.nonzero(torch.arange(len(table)) != labels[:, column, None], as_tuple=True)
    wanted = labels[rows].clone()
    wanted[:, column] = colours
    many = [seeds[row] for row in rows]
    recoloured = faces.draw(ws[rows] + table[colours] - table[labels[rows, column]], many)
    relabelled = faces.draw(faces.in_all_layers(faces.means(wanted, len(many)) + faces.ways(many, wanted)), many)
    own = faces.draw(ws, seeds)
    seen, seen_labels, seen_own = (predict(load_classifier(_JUDGE), each) for each in (recoloured, relabelled, own))
    masked = np.zeros((len(seeds), SIDE, SIDE, 1), bool)
    if attribute == "hair":
        masked = moved(faces, table, attribute, seeds, ws, labels).numpy() > UNMOVED

    def features(pictures: np.ndarray, mask: np.ndarray) -> Tensor:
        grey = np.where(mask, _HAIR_GREY, (pictures @ [0.299, 0.587, 0.114])[..., None])
        return extract(imagenet_space(SIDE).network, np.repeat(grey.round().astype(np.uint8), 3, axis=-1))

    before = features(own, masked)[rows]
    distances = [float((features(pictures, masked[rows]) - before).norm(dim=1).mean()) for pictures in (recoloured, relabelled)]
    right, right_labels = (float((each[column].argmax(1) == colours).float().mean()) for each in (seen, seen_labels))
    other = seen[1 - column].argmax(1) == seen_own[1 - column].argmax(1)[rows]
    return Recoloured(right, right_labels, float(other.float().mean()), *distances)

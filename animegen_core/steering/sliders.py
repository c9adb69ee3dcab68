"""Finds named sliders: directions in w that move one measure of drawn faces and few others.

Faces are drawn whose coarse, middle and fine layers come from different seeds, and measured. Their w, relative to the mean
face of their colours, is reduced to its principal components (GANSpace, Haerkoenen et al. 2020), from which a ridge
regression predicts each measure (InterFaceGAN, Shen et al. 2020). A slider is the shortest direction that moves its measure
and, as far as the regression knows, no other.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import trange

from animegen_core.helpers.features import extract, trained_space
from animegen_core.labels import ATTRIBUTES
from animegen_core.models.styles import CROSSOVERS
from animegen_core.steering.faces import Faces
from animegen_core.steering.measures import MEASURES, measure, standardised

FIRST_SEED = 200_000  # of the faces of the regression
_APART = 1_000_000  # between the seeds of coarse, middle and fine layers
_BATCH = 24
_COMPONENTS = 50  # of each range of layers
_RIDGE = 300.0
_LEAKAGE = 0.02  # regularises the inverse that keeps other measures still
_FULL, _FARTHEST = 1.5, 8.0  # predicted standard deviations at strength 1; most standard deviations of w
_STRENGTHS = (1.0, 0.75, 0.5)  # of the full one, tried until few faces break
_LEAST_EXPLAINED, _LEAST_EFFECT, _MOST_BROKEN = 0.15, 0.7, 0.1
_USUAL = 0.95  # fraction of unmoved faces that count as whole


@dataclass(frozen=True)
class Sample:
    """Drawn faces: ways (N, 3, w_dim) of coarse, middle and fine layers from the mean face, measures and labels."""

    ways: Tensor
    measures: Tensor
    labels: Tensor


def sample(faces: Faces, recolouring: dict[str, Tensor], count: int) -> Sample:
    """Draw and measure ``count`` faces, rounded up to a batch."""
    parts = []
    for start in trange(FIRST_SEED, FIRST_SEED + count, _BATCH, desc="measuring faces", unit="batch"):
        seeds = list(range(start, start + _BATCH))
        labels = faces.labels(seeds)
        ways = [faces.ways([seed + place * _APART for seed in seeds], labels) for place in range(3)]
        ws = faces.in_all_layers(faces.means(labels, _BATCH))
        for way, layers in zip(ways, _ranges(faces)):
            ws[:, layers] += way.unsqueeze(1)
        parts.append((torch.stack(ways, 1), measure(faces, recolouring, ws, labels, seeds), labels))
    return Sample(*map(torch.cat, zip(*parts)))


def fit(faces: Faces, drawn: Sample) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Directions (layers, w_dim), and the fraction of each measure's variance that is explained on other faces."""
    targets = _without_labels(drawn)
    inputs, bases = zip(*(_components(way) for way in drawn.ways.unbind(1)))
    inputs, count = torch.cat(inputs, 1), len(bases[0])
    held_out = torch.arange(len(targets)) % 5 == 0
    predicted = inputs[held_out] @ _ridge(inputs[~held_out], targets[~held_out])
    errors = (targets[held_out] - predicted).square().mean(0) / targets[held_out].var(0, correction=0)
    weights = _ridge(inputs, targets)  # (3 components, measures)
    directions = {}
    for column, (name, (_, ranges)) in enumerate(MEASURES.items()):
        own = weights * torch.tensor([place in ranges for place in range(3)]).repeat_interleave(count)[:, None]
        way = (own @ torch.linalg.inv(own.T @ own + _LEAKAGE * torch.eye(len(MEASURES))))[:, column]
        way = way / way.norm()
        way = way * min(_FULL / float((weights.T @ way)[column].clamp_min(1e-6)), _FARTHEST)
        direction = torch.zeros(faces.generator.num_layers, faces.generator.w_dim)
        for part, basis, layers in zip(way.split(count), bases, _ranges(faces)):
            direction[layers] = part @ basis
        directions[name] = direction
    return directions, dict(zip(MEASURES, (1 - errors).tolist()))


def judge_sliders(
    faces: Faces,
    recolouring: dict[str, Tensor],
    directions: dict[str, Tensor],
    explained: dict[str, float],
    count: int = 24,
) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    """The sliders that do what their name says, scaled so that few faces break at strength 1, and the facts about them.

    Args:
        count: number of faces on which each is measured, at strength -1 and 1.
    """
    candidates = [name for name in directions if explained[name] >= _LEAST_EXPLAINED]
    if not candidates:
        return {}, {}
    seeds = list(range(count))
    ws, labels, whole = faces.ws(seeds), faces.labels(seeds), _Whole(faces)
    plain = measure(faces, recolouring, ws, labels, seeds)
    kept, facts = {}, {}
    for name in candidates:
        column, direction = list(MEASURES).index(name), directions[name]
        strength, broken = _strongest(whole, ws, direction, seeds)
        moved = [measure(faces, recolouring, ws + side * strength * direction, labels, seeds) for side in (-1, 1)]
        low, high = (standardised(each, plain) for each in moved)
        others = (high - low).mean(0) / 2
        effect = float(others[column])
        others[column] = 0
        most = int(others.abs().argmax())
        leakage = float(others[most])
        if effect < _LEAST_EFFECT or broken > _MOST_BROKEN or abs(leakage) >= effect:
            continue
        kept[name] = strength * direction
        facts[name] = {
            "measure": MEASURES[name][0],
            "effect": round(effect, 2),
            "also moves": list(MEASURES)[most],
            "by": round(leakage, 2),
            "broken": round(broken, 3),
            "explained": round(explained[name], 2),
        }
    return kept, facts


def _strongest(whole: "_Whole", ws: Tensor, direction: Tensor, seeds: list[int]) -> tuple[float, float]:
    """The largest strength at which few faces break, and the fraction that do."""
    for strength in _STRENGTHS:
        broken = sum(whole.broken(ws + side * strength * direction, seeds) for side in (-1, 1)) / 2
        if broken <= _MOST_BROKEN:
            break
    return strength, broken


class _Whole:
    """Judges which faces are unlike all faces that the checkpoint draws, in features of ``features-64``."""

    def __init__(self, faces: Faces, count: int = 300) -> None:
        self._faces, self._network = faces, trained_space().network
        seeds = list(range(FIRST_SEED - count, FIRST_SEED))
        self._usual = extract(self._network, faces.draw(faces.ws(seeds), seeds))
        among = torch.cdist(self._usual, self._usual).fill_diagonal_(torch.inf).amin(1)
        self._limit = among.quantile(_USUAL)

    def broken(self, ws: Tensor, seeds: list[int]) -> float:
        """Fraction of the faces that are farther from all usual ones than 95 % of these from each other."""
        distances = torch.cdist(extract(self._network, self._faces.draw(ws, seeds)), self._usual).amin(1)
        return float((distances > self._limit).float().mean())


def _ranges(faces: Faces) -> list[slice]:
    """Coarse, middle and fine layers."""
    first, second = map(faces.generator.first_layer, CROSSOVERS)
    return [slice(first), slice(first, second), slice(second, None)]


def _components(ways: Tensor) -> tuple[Tensor, Tensor]:
    """ways (N, w_dim) as principal components of variance 1, (N, K), and their vectors, (K, w_dim)."""
    _, lengths, vectors = torch.linalg.svd(ways - ways.mean(0), full_matrices=False)
    count = min(_COMPONENTS, len(lengths))
    deviations = (lengths[:count] / len(ways) ** 0.5).clamp_min(1e-6)
    return (ways - ways.mean(0)) @ vectors[:count].T / deviations, vectors[:count] * deviations[:, None]


def _without_labels(drawn: Sample) -> Tensor:
    """Standardised measures, less what the colours explain of them."""
    measures = standardised(drawn.measures, drawn.measures)
    columns = zip(drawn.labels.unbind(1), ATTRIBUTES.values())
    chosen = torch.cat([F.one_hot(column, len(colours)) for column, colours in columns], 1).float()
    return measures - chosen @ _ridge(chosen, measures, 1.0)


def _ridge(inputs: Tensor, targets: Tensor, strength: float = _RIDGE) -> Tensor:
    """Coefficients of a ridge regression."""
    return torch.linalg.solve(inputs.T @ inputs + strength * torch.eye(inputs.shape[1]), inputs.T @ targets)

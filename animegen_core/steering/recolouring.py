"""Learns what recolours hair and eyes and keeps the face: for each colour a vector in w of each layer.

The difference of two colours' vectors, added to w, turns one into the other. Vectors begin with mean faces of the colours in
the layers from 16 px on and are then learned by gradients: the classifier that made the tags of training shall see the new
colour, and pixels that do not show the old one shall stay.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import trange

from animegen_core.helpers.labelling import load_classifier
from animegen_core.labels import ATTRIBUTES
from animegen_core.steering.faces import SIDE, Faces, resized

FIRST_SEED = 100_000  # of the faces that are learned on; the measured ones are others
_STRENGTHS = {4: 0.0, 8: 0.0, 16: 0.5}  # of the mean faces at first, by size in pixels
_FINE_STRENGTH = 1.2  # at larger sizes
_KEEP, _OTHER = 10.0, 0.3  # weights of the losses of kept pixels and of the other attribute
UNMOVED, _MOVED = 12, 27  # standard deviation of a pixel over all colours, of 255: up to here it is kept; from here it is free
_LEARNING_RATE = 0.015


def learn_recolouring(faces: Faces, steps: int = 300, count: int = 240, batch: int = 12, seed: int = 0) -> dict[str, Tensor]:
    """Vectors for each colour: attribute -> (colours, layers, w_dim).

    Args:
        faces: of a checkpoint with labels.
        steps: of Adam.
        count: number of faces that are learned on.
        batch: faces of a step.
        seed: of faces, colours and order.
    """
    random = np.random.RandomState(seed)
    seeds = list(range(FIRST_SEED, FIRST_SEED + count))
    with torch.no_grad():
        pool = _Pool(faces, seeds)
    tables = {attribute: table.clone().requires_grad_() for attribute, table in pool.tables.items()}
    optimizer = torch.optim.Adam(tables.values(), _LEARNING_RATE, betas=(0.9, 0.99))
    for step in trange(steps, desc="learning to recolour", unit="step"):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * min(1, step / 10) * (1 - step / steps) ** 0.5
        rows = random.randint(count, size=batch)
        attribute = "hair" if random.rand() < 0.6 else "eyes"
        colours = random.randint(len(ATTRIBUTES[attribute]), size=batch)
        loss = pool.loss(tables, attribute, torch.from_numpy(rows), torch.from_numpy(colours))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {attribute: table.detach() for attribute, table in tables.items()}


class _Pool:
    """Faces to learn on, and which of their pixels show hair and eyes."""

    def __init__(self, faces: Faces, seeds: list[int]) -> None:
        self._faces, self._seeds = faces, seeds
        self._labels, self._ws = faces.labels(seeds), faces.ws(seeds)
        self.tables = {attribute: first_table(faces, attribute) for attribute in ATTRIBUTES}
        self._before = torch.from_numpy(faces.draw(self._ws, seeds)).permute(0, 3, 1, 2) / 127.5 - 1  # (N, 3, S, S)
        self._classifier = load_classifier()
        self._seen = [logits.softmax(1) for logits in self._classifier(self._before)]
        shown = {}  # how much each pixel shows an attribute, (N, 1, S, S) in [0, 1]
        for attribute, table in self.tables.items():
            deviation = moved(faces, table, attribute, seeds, self._ws, self._labels).permute(0, 3, 1, 2)
            shown[attribute] = ((deviation - UNMOVED) / (_MOVED - UNMOVED)).clamp(0, 1)
        self._kept = {"hair": 1 - shown["hair"], "eyes": 1 - shown["eyes"] * (1 - shown["hair"])}

    def _recoloured(self, tables: dict[str, Tensor], attribute: str, rows: Tensor, colours: Tensor) -> Tensor:
        old = self._labels[rows, list(ATTRIBUTES).index(attribute)]
        return self._ws[rows] + tables[attribute][colours] - tables[attribute][old]

    def loss(self, tables: dict[str, Tensor], attribute: str, rows: Tensor, colours: Tensor) -> Tensor:
        """Of recoloured faces: cross entropy of both attributes, mean change of kept pixels and of the hair's lines."""
        ws = self._recoloured(tables, attribute, rows, colours)
        with torch.autocast("cpu", torch.bfloat16):
            drawn = self._faces.generator.synthesize(ws, self._faces.noise([self._seeds[row] for row in rows]))
        drawn, before = resized(drawn.float()), self._before[rows]
        column = list(ATTRIBUTES).index(attribute)
        logits = self._classifier(drawn.clamp(-1.2, 1.2))
        wanted = F.cross_entropy(logits[column], colours, label_smoothing=0.05)
        other = F.cross_entropy(logits[1 - column], self._seen[1 - column][rows])
        kept = self._kept[attribute][rows]
        change = ((drawn - before).abs().mean(1, keepdim=True) * kept).sum((1, 2, 3)) / kept.sum((1, 2, 3)).clamp_min(SIDE)
        lines = sum((_steps(drawn, axis) - _steps(before, axis)).abs().mean() for axis in (2, 3)) / 2
        keep = change.mean() + (lines if attribute == "hair" else 0)
        return wanted + _OTHER * other + _KEEP * keep


def moved(faces: Faces, table: Tensor, attribute: str, seeds: list[int], ws: Tensor, labels: Tensor) -> Tensor:
    """Standard deviation of each pixel over all colours of an attribute, of 255: (N, S, S, 1)."""
    old = table[labels[:, list(ATTRIBUTES).index(attribute)]]
    drawn = [faces.draw(ws + colour - old, seeds).astype(np.float32) for colour in table]
    return torch.from_numpy(np.std(drawn, axis=0).mean(-1, keepdims=True))


def first_table(faces: Faces, attribute: str) -> Tensor:
    """The vectors before learning, (colours, layers, w_dim): mean faces of the colours, relative to their mean.

    The other attribute is drawn by its frequency in training: pairs are never so rare that the generator ignores them.
    """
    means = torch.stack([faces.mean_of_colour(attribute, colour) for colour in range(len(ATTRIBUTES[attribute]))])
    sizes = [4 * 2 ** (layer // faces.generator.synthesis.layers_per_block) for layer in range(faces.generator.num_layers)]
    strengths = torch.tensor([_STRENGTHS.get(size, _FINE_STRENGTH) for size in sizes])
    return (means - means.mean(0)).unsqueeze(1) * strengths.view(1, -1, 1)


def _steps(images: Tensor, axis: int) -> Tensor:
    """Differences of neighbouring pixels' lightness along an axis of (N, 3, H, W): lines, whatever their colour."""
    return images.mean(1, keepdim=True).diff(dim=axis)

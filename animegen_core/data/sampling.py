"""In which order an epoch shows the pictures, and how often those of rare colours."""

import torch
from torch import Tensor
from torch.utils.data import Dataset, RandomSampler, Sampler, WeightedRandomSampler

from animegen_core.labels import ANY, LABEL_DIMS

SAMPLINGS = ("frequency", "sqrt")


def make_sampler(dataset: Dataset, label_sampling: str = "frequency") -> Sampler[int]:
    """A sampler of as many pictures as ``dataset`` has; its order is a function of torch's seed when an epoch begins.

    Args:
        dataset: with ``labels``, int64 (N, attributes) or None.
        label_sampling: "frequency" shows every picture once, "sqrt" draws pictures by ``picture_weights``, some more than
            once and others never. Without labels both are the same.
    """
    if label_sampling == "sqrt" and dataset.labels is not None:
        return WeightedRandomSampler(picture_weights(dataset.labels), len(dataset))
    return RandomSampler(dataset)


def picture_weights(labels: Tensor) -> Tensor:
    """Weights (N,) under which each colour in labels (N, attributes) is drawn by the square root of its frequency.

    Those of hair and eyes are multiplied, which is exact where the two are independent. An unknown colour weighs the mean, 1,
    so pictures without labels are drawn as often as before.
    """
    weights = torch.ones(len(labels), dtype=torch.float64)
    for column, count in zip(labels.T, LABEL_DIMS):
        known = column != ANY
        weights[known] *= balance(column, count)[column[known]]
    return weights


def balance(labels: Tensor, count: int) -> Tensor:
    """Weights (count,) that make up for rare colours, one over the root of each frequency, of mean one over the labels."""
    frequency = torch.bincount(labels[labels != ANY], minlength=count).float()
    weight = frequency.clamp(min=1).rsqrt()
    return weight * frequency.sum().clamp(min=1) / (weight * frequency).sum().clamp(min=1)

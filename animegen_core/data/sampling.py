"""The order of images in an epoch: shuffled, balanced by colours, grouped by labels."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, RandomSampler, Sampler, WeightedRandomSampler

from animegen_core.labels import ANY, ATTRIBUTES, LABEL_DIMS

SAMPLINGS = ("frequency", "sqrt")


def make_sampler(
    dataset: Dataset,
    label_sampling: str = "frequency",
    group_size: int | None = None,
    visible_fraction: Callable[[int], float] = lambda epoch: 1.0,
) -> Sampler:
    """A sampler with the length of ``dataset``; its order depends on torch's seed at the start of an epoch.

    Args:
        dataset: with ``labels``, int64 (N, attributes) or None.
        label_sampling: "frequency" yields every image once. "sqrt" draws images by ``picture_weights``, with replacement.
            Without labels both are the same.
        group_size, visible_fraction: of ``LabelGroups``; None means no groups.
    """
    if dataset.labels is None:
        return RandomSampler(dataset)
    if label_sampling == "sqrt":
        sampler = WeightedRandomSampler(picture_weights(dataset.labels), len(dataset))
    else:
        sampler = RandomSampler(dataset)
    return sampler if group_size is None else LabelGroups(sampler, dataset.labels, group_size, visible_fraction)


class LabelledIndex(NamedTuple):
    """An index of an image, with labels (attributes,) of which some may be hidden."""

    index: int
    labels: Tensor


class LabelGroups(Sampler[LabelledIndex]):
    """Hides some labels, then forms groups of images with the same labels.

    It is for the minibatch standard deviation: in mixed groups the discriminator cannot detect that a generator always draws
    the same face for one pair of labels. Label dropout happens before grouping, so label frequencies do not change. Images
    left over of each pair are placed next to similar ones: same hair, other eyes.

    Args:
        sampler: of the images of an epoch.
        labels: int64 (N, attributes) of all images, -1 for any.
        size: images in a group.
        visible_fraction: returns the fraction of known labels that are not hidden, for an epoch's number.
    """

    def __init__(self, sampler: Sampler[int], labels: Tensor, size: int, visible_fraction: Callable[[int], float]) -> None:
        self.sampler, self.labels, self.size, self.visible_fraction = sampler, labels, size, visible_fraction
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the next epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[LabelledIndex]:
        order = list(self.sampler)
        shown = hide_labels(self.labels[order], self.visible_fraction(self._epoch))
        places = defaultdict(list)  # positions of each pair of labels, in order
        for place, pair in enumerate(map(tuple, shown.tolist())):
            places[pair].append(place)
        whole, left_over = [], []
        for _, those in sorted(places.items()):  # by hair, then eyes
            cut = len(those) - len(those) % self.size
            whole += those[:cut]
            left_over += those[cut:]
        count = len(order) // self.size
        groups, rest = torch.tensor(whole + left_over).tensor_split([count * self.size])
        groups = groups.view(count, self.size)[torch.randperm(count)]
        for place in [*groups.flatten().tolist(), *rest.tolist()]:
            yield LabelledIndex(order[place], shown[place])


def hide_labels(labels: Tensor, visible_fraction: float) -> Tensor:
    """Labels (N, attributes), each kept with that probability and otherwise set to -1, any."""
    return torch.where(torch.rand(labels.shape, device=labels.device) < visible_fraction, labels, ANY)


def picture_weights(labels: Tensor) -> Tensor:
    """Weights (N,) with which each colour in labels (N, attributes) is drawn by the square root of its frequency.

    The weights of hair and eyes are multiplied, which is exact if the two are independent. An unknown colour has the mean
    weight of 1, so images without labels keep their frequency.
    """
    weights = torch.ones(len(labels), dtype=torch.float64)
    for column, count in zip(labels.T, LABEL_DIMS):
        known = column != ANY
        weights[known] *= balance(column, count)[column[known]]
    return weights


def label_frequencies(labels: Tensor) -> dict[str, dict[str, float]]:
    """Frequencies of the known colours in labels (N, attributes), by attribute: fractions of four digits that sum to 1.

    Where nothing is known of an attribute, all its colours are as frequent.
    """
    frequencies = {}
    for (attribute, colours), column in zip(ATTRIBUTES.items(), labels.T):
        counts = torch.bincount(column[column != ANY], minlength=len(colours)).double()
        counts = counts if counts.sum() else torch.ones_like(counts)
        frequencies[attribute] = dict(zip(colours, (counts / counts.sum()).numpy().round(4).tolist()))
    return frequencies


def balance(labels: Tensor, count: int) -> Tensor:
    """Weights (count,) of colours, proportional to 1 / sqrt(frequency), with mean 1 over the labels."""
    frequency = torch.bincount(labels[labels != ANY], minlength=count).float()
    weight = frequency.clamp(min=1).rsqrt()
    return weight * frequency.sum().clamp(min=1) / (weight * frequency).sum().clamp(min=1)

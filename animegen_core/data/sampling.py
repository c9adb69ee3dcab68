"""In which order an epoch shows the pictures, how often those of rare colours, and which beside each other."""

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
    share_shown: Callable[[int], float] = lambda epoch: 1.0,
) -> Sampler:
    """A sampler of as many pictures as ``dataset`` has; its order is a function of torch's seed when an epoch begins.

    Args:
        dataset: with ``labels``, int64 (N, attributes) or None.
        label_sampling: "frequency" shows every picture once, "sqrt" draws pictures by ``picture_weights``, some more than
            once and others never. Without labels both are the same.
        group_size, share_shown: groups of equal labels, see ``LabelGroups``; None for none.
    """
    if dataset.labels is None:
        return RandomSampler(dataset)
    if label_sampling == "sqrt":
        sampler = WeightedRandomSampler(picture_weights(dataset.labels), len(dataset))
    else:
        sampler = RandomSampler(dataset)
    return sampler if group_size is None else LabelGroups(sampler, dataset.labels, group_size, share_shown)


class Shown(NamedTuple):
    """A picture to be shown with labels (attributes,) that may say less than is known of it."""

    index: int
    labels: Tensor


class LabelGroups(Sampler[Shown]):
    """Hides some labels, then brings pictures that show the same ones together, in groups.

    For a discriminator that compares pictures of one group: in mixed groups it cannot see that a generator draws one and the
    same face wherever a certain pair of colours is asked for. As the hiding comes first, each picture is shown with each
    labels as often as without groups. What is left over of each pair is put beside its likes: same hair, other eyes.

    Args:
        sampler: which pictures an epoch shows.
        labels: int64 (N, attributes) of all pictures, -1 for any.
        size: pictures in a group.
        share_shown: share of the known labels that is shown in an epoch of a given number.
    """

    def __init__(self, sampler: Sampler[int], labels: Tensor, size: int, share_shown: Callable[[int], float]) -> None:
        self.sampler, self.labels, self.size, self.share_shown = sampler, labels, size, share_shown
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """The number of the epoch that is iterated next."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Shown]:
        order = list(self.sampler)
        shown = hide_labels(self.labels[order], self.share_shown(self._epoch))
        places = defaultdict(list)  # in the order, of each pair
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
            yield Shown(order[place], shown[place])


def hide_labels(labels: Tensor, share_shown: float) -> Tensor:
    """Labels (N, attributes) of which each stays with that probability and else becomes -1, any."""
    return torch.where(torch.rand(labels.shape, device=labels.device) < share_shown, labels, ANY)


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


def label_frequencies(labels: Tensor) -> dict[str, dict[str, float]]:
    """How often each colour is known in labels (N, attributes): fractions that sum to 1, of four digits; by attribute.

    Where nothing is known of an attribute, all its colours are as frequent.
    """
    frequencies = {}
    for (attribute, colours), column in zip(ATTRIBUTES.items(), labels.T):
        counts = torch.bincount(column[column != ANY], minlength=len(colours)).double()
        counts = counts if counts.sum() else torch.ones_like(counts)
        frequencies[attribute] = dict(zip(colours, (counts / counts.sum()).numpy().round(4).tolist()))
    return frequencies


def balance(labels: Tensor, count: int) -> Tensor:
    """Weights (count,) that make up for rare colours, one over the root of each frequency, of mean one over the labels."""
    frequency = torch.bincount(labels[labels != ANY], minlength=count).float()
    weight = frequency.clamp(min=1).rsqrt()
    return weight * frequency.sum().clamp(min=1) / (weight * frequency).sum().clamp(min=1)

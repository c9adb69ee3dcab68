"""95 % intervals of measured values."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, mean, stdev

import torch
from torch import Tensor

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Interval:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def around(cls, value: float, error: float) -> "Interval":
        """From a standard error."""
        return cls(value, value - _Z * error, value + _Z * error)


def of_mean(values: Tensor | Sequence[float]) -> Interval:
    """The mean of independent values (N,)."""
    values = [float(value) for value in values]
    return Interval.around(mean(values), stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0)


def of_fraction(right: int, count: int) -> Interval:
    """A fraction with Wilson's interval (1927), which is within [0, 1] and valid for few trials."""
    fraction, z2 = right / count, _Z**2
    centre = (fraction + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z / (1 + z2 / count) * math.sqrt(fraction * (1 - fraction) / count + z2 / (4 * count**2))
    return Interval(fraction, max(0.0, centre - half), min(1.0, centre + half))  # rounding could exceed them


def jackknife(statistic: Callable[[Sequence[int]], float], folds: int = 10) -> Interval:
    """A statistic with its jackknife error, from leaving out each fold (Efron, Tibshirani 1993, section 11.5).

    Args:
        statistic: returns the value over the given folds, numbers from 0 to ``folds`` - 1.
    """
    everything = range(folds)
    without = [statistic([fold for fold in everything if fold != left]) for left in everything]
    return Interval.around(statistic(everything), (folds - 1) / math.sqrt(folds) * stdev(without))


def bootstrap(statistic: Callable[..., float], *samples: Tensor, rounds: int = 200) -> Interval:
    """A statistic of independent samples with its bootstrap interval."""
    source = torch.Generator().manual_seed(0)
    again = [
        statistic(*(sample[torch.randint(len(sample), (len(sample),), generator=source)] for sample in samples))
        for _ in range(rounds)
    ]
    low, high = torch.tensor(again, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Interval(statistic(*samples), low, high)

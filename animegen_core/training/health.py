"""Signs that a run goes wrong, told once, in plain words, with what to do."""

from collections.abc import Sequence

import torch
from torch import Tensor

_ROWS = 10  # of the log that must agree: a single one may be chance
_REAL, _FAKE = 0.97, 0.03  # scores beyond which the discriminator is never in doubt
_COLLAPSED = 1 / 3  # of the highest diversity seen

WON = (
    "Warning: the discriminator tells real from fake almost without fail (scores in log.csv), so the generator learns little. "
    "Give it more pictures, a lower learning rate, or, in a style-based family, a higher --r1-gamma or --ada-kimg 500."
)
COLLAPSED = (
    "Warning: the sampled faces have become much more alike than they were (samples/). "
    "Stop and begin again with another --seed, a larger --batch or a lower learning rate; labels may need a longer ramp."
)


def discriminator_has_won(rows: Sequence[dict[str, float]]) -> bool:
    """Whether the last rows of the log all show a real score near 1 and a fake score near 0."""
    last = rows[-_ROWS:]
    return len(last) == _ROWS and all(row.get("real_score", 0) > _REAL and row.get("fake_score", 1) < _FAKE for row in last)


def diversity(images: Tensor) -> float:
    """Mean distance between two of the pictures (N, 3, H, W), as root mean square difference of values in [-1, 1]."""
    flat = images.detach().float().clamp(-1, 1).flatten(1)
    return float(torch.pdist(flat).mean()) / flat.shape[1] ** 0.5


class Health:
    """Looks at the log and at the samples of a run, and complains at most once about each.

    Args:
        progress: the trainer's counters, where the highest diversity seen is kept for a resumed run.
    """

    def __init__(self, progress: dict[str, float]) -> None:
        self.progress = progress
        self.told: set[str] = set()

    def check_scores(self, rows: Sequence[dict[str, float]]) -> str | None:
        """A warning if the discriminator wins outright."""
        return self._once(WON) if discriminator_has_won(rows) else None

    def check_samples(self, images: Tensor) -> str | None:
        """A warning if pictures (N, 3, H, W) of the same seeds as ever have become alike."""
        now = diversity(images)
        highest = self.progress["diversity"] = max(now, self.progress.get("diversity", 0.0))
        return self._once(COLLAPSED) if now < _COLLAPSED * highest else None

    def _once(self, warning: str) -> str | None:
        if warning in self.told:
            return None
        self.told.add(warning)
        return warning

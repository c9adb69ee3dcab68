"""Warnings about a run that goes wrong, each printed once, with advice."""

from collections.abc import Sequence

import torch
from torch import Tensor

_ROWS = 10  # rows of the log that must agree; a single one may be chance
_REAL, _FAKE = 0.97, 0.03  # beyond these mean scores the discriminator has won
_COLLAPSED = 1 / 3  # of the highest diversity seen

WON = (
    "Warning: the discriminator separates real and fake images almost perfectly (scores in log.csv), so the generator "
    "learns little. "
    "Use more images, a lower learning rate, or, in a style-based family, a higher --r1-gamma or --ada-kimg 500."
)
COLLAPSED = (
    "Warning: the sampled faces have become much more alike (samples/), a sign of mode collapse. "
    "Stop and start again with another --seed, a larger --batch or a lower learning rate; with labels, also a longer "
    "--label-ramp-kimg."
)


def discriminator_has_won(rows: Sequence[dict[str, float]]) -> bool:
    """Whether the last rows of the log all have a real score near 1 and a fake score near 0."""
    last = rows[-_ROWS:]
    return len(last) == _ROWS and all(row.get("real_score", 0) > _REAL and row.get("fake_score", 1) < _FAKE for row in last)


def diversity(images: Tensor) -> float:
    """Mean distance between two of the images (N, 3, H, W) in [-1, 1]: the root mean square difference of their pixels."""
    flat = images.detach().float().clamp(-1, 1).flatten(1)
    return float(torch.pdist(flat).mean()) / flat.shape[1] ** 0.5


class Health:
    """Checks the log and the samples of a run, and returns each warning at most once.

    Args:
        progress: the trainer's counters; the highest diversity so far is stored there, so that a resumed run has it.
    """

    def __init__(self, progress: dict[str, float]) -> None:
        self.progress = progress
        self.given: set[str] = set()

    def check_scores(self, rows: Sequence[dict[str, float]]) -> str | None:
        """A warning if the discriminator has won."""
        return self._once(WON) if discriminator_has_won(rows) else None

    def check_samples(self, images: Tensor) -> str | None:
        """A warning if images (N, 3, H, W) of always the same seeds have become alike."""
        now = diversity(images)
        highest = self.progress["diversity"] = max(now, self.progress.get("diversity", 0.0))
        return self._once(COLLAPSED) if now < _COLLAPSED * highest else None

    def _once(self, warning: str) -> str | None:
        if warning in self.given:
            return None
        self.given.add(warning)
        return warning

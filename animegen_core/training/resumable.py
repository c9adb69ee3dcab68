"""The base class of all trainers: networks, optimizers and counters, from whose state a run resumes bit-exactly."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from animegen_core.training.state import load_state, save_state

Stats = dict[str, Tensor]  # scalars for the log
ORDER, STEP = 0, 1  # first part of the key of ``stream``


class Resumable(ABC):
    """The training step, with networks, optimizers and counters.

    All randomness of a step is a function of the seed and the counters, so there is no random state to save.

    Attributes:
        options: with ``max_minutes``, ``save_minutes``, ``log_interval`` and ``lr``.
        progress: counters that are saved with the state: "images_seen", "steps", "seconds" and others.
        is_main: whether this process writes the run's files.
    """

    options: Any
    progress: dict[str, float]
    is_main = True

    @abstractmethod
    def step(self, *batch: Any) -> Stats:
        """One update on a batch of ``run_loop.run``; returns scalars for the log, on the device."""

    @abstractmethod
    def modules(self) -> dict[str, nn.Module]:
        """The networks to save in the state, by name."""

    @abstractmethod
    def optimizers(self) -> dict[str, Optimizer]:
        """The optimizers to save in the state, by name."""

    @property
    def images_seen(self) -> int:
        """Images seen so far, over all processes."""
        return int(self.progress["images_seen"])

    def save(self, path: Path) -> None:
        """Write the state to resume from."""
        save_state(path, self.modules(), self.optimizers(), self.progress)

    def load(self, path: Path) -> None:
        """Restore a state written by ``save``."""
        self.progress = load_state(path, self.modules(), self.optimizers())

    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(p.isfinite().all()) for module in self.modules().values() for p in module.parameters())

    def any_process(self, flag: bool) -> bool:
        """Whether the flag is set in any process, because all must leave the loop at the same step."""
        return flag


def stream(*key: int) -> int:
    """An independent 64-bit seed for each key of whole numbers."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])

"""Output of every run: log, progress bar, and the state from which it resumes."""

import math
import time
from pathlib import Path

from tqdm import tqdm

from animegen_core.errors import AnimeGenError
from animegen_core.training.resumable import Resumable, Stats
from animegen_core.training.run_folder import STATE, RunLog


class Journal:
    """Log, progress bar and state of a run; only the main process writes.

    Args:
        trainer: of the run.
        folder: the run folder.
        what: the counted unit in messages.
        unit: its abbreviation for the progress bar.
    """

    def __init__(self, trainer: Resumable, folder: Path, what: str = "images", unit: str = "img") -> None:
        self.trainer, self.folder, self.what, self.unit = trainer, folder, what, unit
        self.log = RunLog(folder, trainer.images_seen) if trainer.is_main else None
        for leftover in folder.glob(f".{Path(STATE).stem}.*") if trainer.is_main else ():
            leftover.unlink()  # an incomplete state of a run that was killed while saving
        self._reset()

    def _reset(self) -> None:
        self.sums: Stats = {}
        self.count = 0
        self.since = (time.monotonic(), self.trainer.images_seen)

    def progress_bar(self, target: float) -> tqdm:
        """A progress bar over images seen."""
        return tqdm(
            total=None if math.isinf(target) else math.ceil(target),
            initial=self.trainer.images_seen,
            unit=self.unit,
            unit_scale=True,
            disable=not self.trainer.is_main,
            mininterval=1,
        )

    def collect(self, stats: Stats, bar: tqdm) -> None:
        """Add a step's scalars; every ``log_interval`` steps their means become a row of the log."""
        self.add(stats)
        if self.trainer.progress["steps"] % self.trainer.options.log_interval == 0:
            self.flush(bar)

    def add(self, stats: Stats) -> None:
        """Add a step's scalars to the next row."""
        for name, value in stats.items():
            self.sums[name] = self.sums.get(name, 0) + value
        self.count += 1

    def means(self) -> dict[str, float]:
        """Means of the scalars since the last row."""
        return {name: float(value) / self.count for name, value in self.sums.items()}

    def flush(self, bar: tqdm | None = None, **scores: float) -> None:
        """Write a row of the log if there was a step since the last one.

        Args:
            scores: further columns; nan if not measured.

        Raises:
            AnimeGenError: a loss or a weight is not a number.
        """
        if not self.count:
            return
        means = self.means()
        self.require_finite(means)
        if self.log is not None:
            self.log.add({**self.facts(), **{name: round(value, 5) for name, value in means.items()}, **scores})
        if bar is not None:
            bar.set_postfix({name: f"{value:.2f}" for name, value in means.items()}, refresh=False)
        self._reset()

    def facts(self) -> dict[str, float]:
        """The first columns of a row."""
        return {"images": self.trainer.images_seen, "minutes": round(self.trainer.progress["seconds"] / 60, 3)}

    def require_finite(self, means: dict[str, float]) -> None:
        """Raise AnimeGenError if a mean or a weight is not a number."""
        if all(map(math.isfinite, means.values())) and self.trainer.is_finite():
            return
        state = self.folder / STATE
        kept = f"the last good state is in '{state}'" if state.exists() else "no state was saved yet"
        raise AnimeGenError(
            f"Training diverged at {self.trainer.images_seen:,} {self.what}: a loss or weight is not a number "
            f"({', '.join(f'{name} {value:.3g}' for name, value in means.items())}); {kept}. "
            f"Try a lower learning rate than {self.trainer.options.lr:g}."
        )

    def save_state(self) -> None:
        """Check that all weights are finite, then write the state."""
        self.flush()
        if self.trainer.is_main:
            self.trainer.save(self.folder / STATE)

    def snapshot_due(self) -> bool:
        """Whether a snapshot is due."""
        return False

    def snapshot(self) -> None:
        """Save the state; subclasses add a checkpoint and samples."""
        self.save_state()

    def close(self) -> None:
        """Close the log."""
        if self.log is not None:
            self.log.close()

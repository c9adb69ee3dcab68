"""What a run writes while it goes on: log, progress bar, state, and at every snapshot a checkpoint and a sample sheet."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from animegen_core import images
from animegen_core.checkpoint import save_checkpoint
from animegen_core.errors import AnimeGenError
from animegen_core.labels import ANY
from animegen_core.latents import seeds_to_z
from animegen_core.training.ema import calibrated
from animegen_core.training.health import Health
from animegen_core.training.recipes import Stats
from animegen_core.training.run_folder import STATE, RunLog
from animegen_core.training.trainer import Trainer

_SHEET_SEEDS, _SHEET_COLUMNS = range(64), 8
_CALIBRATION_BATCH, _CALIBRATION_BATCHES = 128, 16


class RunWriter:
    """Everything a run writes into its folder; only the main process writes."""

    def __init__(self, trainer: Trainer, folder: Path, trained_on: str, licence: str, labels: Tensor | None = None) -> None:
        self.trainer, self.folder, self.labels = trainer, folder, labels
        self.trained_on, self.licence = trained_on, licence
        self.is_main = trainer.process.is_main_process
        self.checkpoint = folder / "checkpoint"
        self.log = RunLog(folder, trainer.images_seen) if self.is_main else None
        for leftover in folder.glob(f".{Path(STATE).stem}.*") if self.is_main else ():
            leftover.unlink()  # half a state of a run that was killed while saving
        self.health = Health(trainer.progress)
        self._reset()

    def _reset(self) -> None:
        self.sums: Stats = {}
        self.count = 0
        self.since = (time.monotonic(), self.trainer.images_seen)

    def progress_bar(self, target: float) -> tqdm:
        """tqdm over real pictures."""
        total = None if math.isinf(target) else math.ceil(target)
        return tqdm(
            total=total,
            initial=self.trainer.images_seen,
            unit="img",
            unit_scale=True,
            disable=not self.is_main,
            mininterval=1,
        )

    def collect(self, stats: Stats, bar: tqdm) -> None:
        """Add a step's scalars; every ``log_interval`` steps their means become a row of the log."""
        for name, value in stats.items():
            self.sums[name] = self.sums.get(name, 0) + value
        self.count += 1
        if self.trainer.progress["steps"] % self.trainer.options.log_interval == 0:
            self._flush(bar)

    def _flush(self, bar: tqdm | None = None) -> None:
        if not self.count:
            return
        means = {name: float(value) / self.count for name, value in self.sums.items()}
        self._require_finite(means)
        then, images_then = self.since
        row = {
            "images": self.trainer.images_seen,
            "epoch": self.trainer.progress["epoch"],
            "minutes": round(self.trainer.progress["seconds"] / 60, 3),
            "images_per_second": round((self.trainer.images_seen - images_then) / (time.monotonic() - then), 1),
            **{name: round(value, 5) for name, value in means.items()},
        }
        if self.is_main:
            self.log.add(row)
            _tell(self.health.check_scores(self.log.rows))
        if bar is not None:
            bar.set_postfix({name: f"{value:.2f}" for name, value in means.items()}, refresh=False)
        self._reset()

    def _require_finite(self, means: dict[str, float]) -> None:
        if all(map(math.isfinite, means.values())) and self.trainer.is_finite():
            return
        state = self.folder / STATE
        kept = f"the last good state is kept in '{state}'" if state.exists() else "no state had been saved yet"
        raise AnimeGenError(
            f"Training diverged at {self.trainer.images_seen:,} pictures: a loss or weight is not a number "
            f"({', '.join(f'{name} {value:.3g}' for name, value in means.items())}); {kept}. "
            f"Try a lower learning rate than {self.trainer.options.lr:g}."
        )

    def save_state(self) -> None:
        """Check that all is finite, then write the state."""
        self._flush()
        if self.is_main:
            self.trainer.save(self.folder / STATE)

    def snapshot(self) -> None:
        """State, checkpoint, sample sheet and loss plot."""
        self.save_state()
        if not self.is_main:
            return
        trainer = self.trainer
        generator = calibrated(trainer.ema.network, self._calibration_inputs())
        rows = zip(*(tensor.split(_SHEET_COLUMNS) for tensor in self._sheet_inputs()))
        with torch.no_grad():  # a row at a time, which also fits into memory at 256 px
            faces = torch.cat([generator(*row) for row in rows])
        _tell(self.health.check_samples(faces))
        images.save_png(images.make_grid(images.to_pil(faces)), self.folder / "samples" / f"{trainer.images_seen:08d}.png")
        self.log.plot()
        save_checkpoint(
            self.checkpoint,
            trainer.recipe.family,
            generator,
            trainer.images_seen,
            self.trained_on,
            self.licence,
            shard_size=trainer.options.export_shards,
        )

    def _calibration_inputs(self) -> Iterator[tuple[Tensor, ...]]:
        """Latents and, where the family has them, labels as frequent as in the data; the same at every snapshot.

        Drawn from a generator of their own, so that a snapshot leaves training's random stream untouched.
        """
        source = torch.Generator().manual_seed(0)
        for _ in range(_CALIBRATION_BATCHES):
            inputs = [torch.randn(_CALIBRATION_BATCH, self.trainer.ema.network.latent_dim, generator=source)]
            if self.labels is not None:
                inputs.append(self.labels[torch.randint(len(self.labels), (_CALIBRATION_BATCH,), generator=source)])
            yield tuple(tensor.to(self.trainer.device) for tensor in inputs)

    def _sheet_inputs(self) -> tuple[Tensor, ...]:
        """The same latents at every snapshot; of a conditional family each row has one hair colour."""
        inputs = [seeds_to_z(_SHEET_SEEDS, self.trainer.ema.network.latent_dim)]
        if self.labels is not None:
            labels = torch.full((len(_SHEET_SEEDS), self.labels.shape[1]), ANY)
            labels[:, 0] = torch.arange(len(_SHEET_SEEDS)) // _SHEET_COLUMNS
            inputs.append(labels)
        return tuple(tensor.to(self.trainer.device) for tensor in inputs)

    def close(self, finished: bool) -> None:
        """Say where things are."""
        if not self.is_main:
            return
        self.log.close()
        print(f"{self.trainer.images_seen:,} pictures shown; checkpoint in '{self.checkpoint}'.")
        if not finished:
            print(f"Go on with: python train.py {self.trainer.recipe.family} --resume '{self.folder}'")


def _tell(warning: str | None) -> None:
    """Print above the progress bar."""
    if warning is not None:
        tqdm.write(warning)

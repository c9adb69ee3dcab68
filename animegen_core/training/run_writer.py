"""Output of a generator's run beside log and state: at every snapshot a checkpoint and a sample sheet.

With ``evaluate_every`` it also measures the faces and keeps the best checkpoint.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from animegen_core import images
from animegen_core.checkpoint import save_checkpoint
from animegen_core.data.sampling import label_frequencies
from animegen_core.labels import ANY
from animegen_core.latents import seeds_to_z
from animegen_core.training.best import BestSnapshot
from animegen_core.training.ema import calibrated
from animegen_core.training.health import Health
from animegen_core.training.journal import Journal
from animegen_core.training.recipes import Stats
from animegen_core.training.trainer import Trainer
from animegen_core.training.weights import save_training_weights

_SHEET_SEEDS, _SHEET_COLUMNS = range(64), 8
_CALIBRATION_BATCH, _CALIBRATION_BATCHES = 128, 16


class RunWriter(Journal):
    """Everything a run writes into its folder; only the main process writes.

    Args:
        trainer: of the run.
        folder: the run folder.
        trained_on, licence: what the checkpoint's config says of the data.
        labels: int64 (N, attributes) of the data; None for a family without labels.
        dataset: the data, needed if the faces are measured (see ``best.BestSnapshot``).
        snapshot_every: images from one snapshot to the next.

    Raises:
        AnimeGenError: the faces shall be measured, but the data do not allow it.
    """

    def __init__(
        self,
        trainer: Trainer,
        folder: Path,
        trained_on: str,
        licence: str,
        labels: Tensor | None = None,
        dataset: Dataset | None = None,
        snapshot_every: float = math.inf,
    ) -> None:
        self.labels, self.trained_on, self.licence = labels, trained_on, licence
        self.snapshot_every = snapshot_every
        self.next_snapshot = (trainer.images_seen // snapshot_every + 1) * snapshot_every
        self.checkpoint = folder / "checkpoint"
        measures = trainer.is_main and trainer.options.evaluate_every is not None
        self.best = None
        if measures:
            by = trainer.options.evaluate_by
            self.best = BestSnapshot(folder / "checkpoint-best", dataset, labels, trainer.device, by)
        super().__init__(trainer, folder)
        self._schedule_measuring()
        self.health = Health(trainer.progress)

    def _schedule_measuring(self) -> None:
        """Measure at the next multiple of the interval, also in a resumed run."""
        every = self.trainer.options.evaluate_every
        self.next_measuring = math.inf
        if every is not None:
            images = round(every * 1000, 6)
            self.next_measuring = (self.trainer.images_seen // images + 1) * images

    def collect(self, stats: Stats, bar: tqdm) -> None:
        """Add a step's scalars. Writes a row of the log every ``log_interval`` steps and when faces are measured."""
        if self.trainer.images_seen < self.next_measuring:
            super().collect(stats, bar)
            return
        self.add(stats)
        self.require_finite(self.means())
        self._schedule_measuring()
        score = math.nan if self.best is None else self._measure(self.best)
        self.flush(bar, **{f"fd_{self.trainer.options.evaluate_by}": round(score, 4)})

    def _measure(self, best: BestSnapshot) -> float:
        """Frechet distance of the averaged generator, which is kept if it is the best so far."""
        began, seen = time.monotonic(), self.trainer.images_seen
        generator = self._averaged()
        score = best.measure(self.trainer.recipe.family, generator)
        kept = best.keep(score, seen, lambda folder: self._save_checkpoint(folder, generator))
        _tell(f"{best.title} {score:.2f} at {seen:,} images{', the best so far' if kept else ''}.")
        then, images_then = self.since
        self.since = (then + time.monotonic() - began, images_then)  # the speed in the log excludes measuring
        return score

    def flush(self, bar: tqdm | None = None, **scores: float) -> None:
        """Write a row of the log. If faces are measured it has a column for the score, which is nan in most rows."""
        if not self.count:
            return
        measured = {} if self.trainer.options.evaluate_every is None else {f"fd_{self.trainer.options.evaluate_by}": math.nan}
        super().flush(bar, **measured | scores)
        if self.log is not None:
            _tell(self.health.check_scores(self.log.rows))

    def facts(self) -> dict[str, float]:
        """The first columns of a row."""
        then, images_then = self.since
        speed = round((self.trainer.images_seen - images_then) / (time.monotonic() - then), 1)
        images, minutes = super().facts().items()
        return dict([images, ("epoch", self.trainer.progress["epoch"]), minutes, ("images_per_second", speed)])

    def snapshot_due(self) -> bool:
        """Whether ``snapshot_every`` images were seen since the last snapshot."""
        return self.trainer.images_seen >= self.next_snapshot

    def snapshot(self) -> None:
        """State, checkpoint, sample sheet and loss plot."""
        self.next_snapshot += self.snapshot_every if self.snapshot_due() else 0
        self.save_state()
        if not self.trainer.is_main:
            return
        generator = self._averaged()
        rows = zip(*(tensor.split(_SHEET_COLUMNS) for tensor in self._sheet_inputs()))
        with torch.no_grad():  # one row at a time, which also fits into memory at 256 px
            faces = torch.cat([generator(*row) for row in rows])
        _tell(self.health.check_samples(faces))
        sheet = images.make_grid(images.to_pil(faces))
        images.save_png(sheet, self.folder / "samples" / f"{self.trainer.images_seen:08d}.png")
        self.log.plot()
        self._save_checkpoint(self.checkpoint, generator)

    def _averaged(self) -> nn.Module:
        """A copy of the averaged generator, with recomputed batch norm statistics."""
        return calibrated(self.trainer.ema.network, self._calibration_inputs())

    def _save_checkpoint(self, folder: Path, generator: nn.Module) -> None:
        trainer = self.trainer
        save_checkpoint(
            folder,
            trainer.recipe.family,
            generator,
            trainer.images_seen,
            self.trained_on,
            self.licence,
            shard_size=trainer.options.export_shards,
            training_minutes=trainer.progress["seconds"] / 60,
            label_frequencies=None if self.labels is None else label_frequencies(self.labels),
        )
        if trainer.options.export_training:
            save_training_weights(folder, trainer.networks())

    def _calibration_inputs(self) -> Iterator[tuple[Tensor, ...]]:
        """Latents and, if the family has labels, labels as frequent as in the data; the same at every snapshot.

        They come from a separate random generator, so that a snapshot does not change training.
        """
        source = torch.Generator().manual_seed(0)
        for _ in range(_CALIBRATION_BATCHES):
            inputs = [torch.randn(_CALIBRATION_BATCH, self.trainer.ema.network.latent_dim, generator=source)]
            if self.labels is not None:
                inputs.append(self.labels[torch.randint(len(self.labels), (_CALIBRATION_BATCH,), generator=source)])
            yield tuple(tensor.to(self.trainer.device) for tensor in inputs)

    def _sheet_inputs(self) -> tuple[Tensor, ...]:
        """The same latents at every snapshot; with labels, each row has one hair colour."""
        inputs = [seeds_to_z(_SHEET_SEEDS, self.trainer.ema.network.latent_dim)]
        if self.labels is not None:
            labels = torch.full((len(_SHEET_SEEDS), self.labels.shape[1]), ANY)
            labels[:, 0] = torch.arange(len(_SHEET_SEEDS)) // _SHEET_COLUMNS
            inputs.append(labels)
        return tuple(tensor.to(self.trainer.device) for tensor in inputs)

    def close(self, finished: bool = True) -> None:
        """Close the log and print where the results are."""
        super().close()
        if not self.trainer.is_main:
            return
        print(f"{self.trainer.images_seen:,} images seen; checkpoint in '{self.checkpoint}'.")
        if self.best is not None and self.best.score is not None:
            print(f"The best had an {self.best.title} of {self.best.score:.2f}; it is in '{self.best.folder}'.")
        if not finished:
            print(f"Continue with: python train.py {self.trainer.recipe.family} --resume '{self.folder}'")


def _tell(warning: str | None) -> None:
    """Print above the progress bar."""
    if warning is not None:
        tqdm.write(warning)

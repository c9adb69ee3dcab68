"""The files of a run: options, log, plots, sample sheets, state and checkpoint.

runs/00003-dcgan-64/
    options.json         every option of the run
    log.csv              one row per log interval; events.* beside it for TensorBoard
    losses.png           the log as curves
    samples/             the same 64 seeds at every snapshot, drawn by the averaged generator
    state.safetensors    everything --resume needs
    checkpoint/          the averaged generator, ready for Studio.load
    checkpoint-best/     with --evaluate-every: the one with the lowest Frechet distance so far, and its score.json
"""

import csv
import json
import math
import re
from dataclasses import asdict
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_path, atomic_write_text, named_errors
from animegen_core.training.options import TrainOptions

OPTIONS, LOG, PLOT, STATE = "options.json", "log.csv", "losses.png", "state.safetensors"


def new_run_folder(parent: str | Path, label: str) -> Path:
    """Create and return ``parent/NNNNN-label``, numbered one above the highest; safe if two runs start at once."""
    parent = Path(parent)
    parent.mkdir(parents=True, exist_ok=True)
    numbers = [int(match[1]) for path in parent.iterdir() if (match := re.match(r"(\d{5})-", path.name))]
    number = max(numbers, default=-1) + 1
    while True:
        folder = parent / f"{number:05d}-{label}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def save_options(folder: Path, family: str, data: str, options: TrainOptions, facts: dict | None = None) -> None:
    """Write options.json; ``facts`` are further entries, see ``run_data``."""
    saved = {"family": family, "data": data, **(facts or {}), **asdict(options)}
    atomic_write_text(folder / OPTIONS, json.dumps(saved, indent=2) + "\n")


def absolute(path: str | Path) -> str:
    """The absolute path for options.json, so that a run resumes from any folder."""
    return str(Path(path).expanduser().absolute())


def load_options(folder: str | Path) -> dict:
    """Read options.json, the family and the data path included.

    Raises:
        AnimeGenError: the folder is not a run.
    """
    try:
        options = json.loads((Path(folder) / OPTIONS).read_text(encoding="utf-8"))
        if not {"family", "data"} <= options.keys():
            raise ValueError("no family or data")
    except (OSError, ValueError, AttributeError) as error:
        raise AnimeGenError(f"'{folder}' is not a run folder: it has no readable {OPTIONS}.") from error
    return options


class RunLog:
    """log.csv and TensorBoard; rows after the state that a run resumes from are removed."""

    def __init__(self, folder: Path, images_seen: int) -> None:
        self.path = folder / LOG
        self.rows = [row for row in read_log(self.path) if row["images"] <= images_seen]
        self._rewrite()
        self.tensorboard = SummaryWriter(folder, purge_step=images_seen + 1)

    def _rewrite(self) -> None:
        if self.rows:
            with atomic_path(self.path) as temporary, temporary.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, self.rows[0].keys())
                writer.writeheader()
                writer.writerows(self.rows)
        else:
            self.path.unlink(missing_ok=True)

    def add(self, row: dict[str, float]) -> None:
        """Append a row; its ``images`` is the step in TensorBoard."""
        with named_errors(self.path), self.path.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, row.keys())
            if not self.rows:
                writer.writeheader()
            writer.writerow(row)
        self.rows.append(row)
        with named_errors(self.path.parent):  # TensorBoard's thread writes now and then; its error is raised here
            for name, value in row.items():
                if name != "images" and not math.isnan(value):
                    self.tensorboard.add_scalar(name, value, int(row["images"]))

    def plot(self) -> None:
        """Draw over images, into losses.png, the losses and the discriminator's scores or a VAE's divergence."""
        if not self.rows:
            return
        from matplotlib.figure import Figure  # slow to import, and not needed to start training

        figure = Figure(figsize=(9, 6))
        figure.subplots_adjust(0.1, 0.08, 0.98, 0.98, hspace=0.06)  # a layout that measures its texts draws all of it twice
        axes = figure.subplots(2, sharex=True)
        kimg = [row["images"] / 1000 for row in self.rows]
        below = "kl" if "kl" in self.rows[0] else "score"
        for axis, title in ((axes[0], "loss"), (axes[1], below)):
            for name in (name for name in self.rows[0] if title in name):
                axis.plot(kimg, [row[name] for row in self.rows], label=name.replace("_", " "), linewidth=1)
            axis.set_ylabel(title)
            axis.grid(alpha=0.3)
            axis.legend()
        axes[1].set_xlabel("real images seen, thousands")
        with atomic_path(self.path.parent / PLOT) as temporary:
            figure.savefig(temporary, dpi=110)

    def close(self) -> None:
        """Flush TensorBoard's file."""
        with named_errors(self.path.parent):
            self.tensorboard.close()


def read_log(path: Path) -> list[dict[str, float]]:
    """Rows of a log.csv; an incomplete last row is skipped."""
    if not path.exists():
        return []
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]

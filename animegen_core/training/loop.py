"""The training loop: when to stop, when to save, when to show."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch import Tensor
from torch.utils.data import DataLoader

from animegen_core.training.recipes import Recipe
from animegen_core.training.run_folder import STATE
from animegen_core.training.run_writer import RunWriter
from animegen_core.training.trainer import Trainer


def train(
    recipe: Recipe,
    loader: DataLoader,
    folder: str | Path,
    device: str | torch.device | None = None,
    resume: bool = False,
    trained_on: str = "unnamed pictures",
    licence: str = "other",
    weights: dict[str, dict[str, Tensor]] | None = None,
) -> Path:
    """Train until the options' length is reached, or until Ctrl-C, SIGTERM or ``max_minutes``, which save and can be resumed.

    Args:
        recipe: what to train.
        loader: batches of pictures (N, 3, H, W), uint8 or float in [-1, 1], or of tuples of pictures and labels; labels are
            int64 (N, attributes), -1 for any, and only a conditional family looks at them.
        folder: the run folder.
        resume: go on from the state in ``folder``.
        trained_on, licence: what the checkpoint's config says of the data.
        weights: what ``load_weights`` read of the options' ``init_from``; None reads it here.

    Returns:
        The folder of the inference checkpoint.

    Raises:
        AnimeGenError: the run diverged (the last good state is kept), or there is nothing to resume or to begin with, or
            nothing to measure the faces by.
    """
    folder, options = Path(folder), recipe.options
    trainer = Trainer(recipe, device)
    if resume:
        trainer.load(folder / STATE)
    elif options.init_from is not None:
        taken = trainer.start_from(options.init_from, weights)
        if trainer.process.is_main_process:
            print(taken)
    per_epoch = trainer.images_per_epoch(loader)
    labels = getattr(loader.dataset, "labels", None) if recipe.conditional else None
    writer = RunWriter(trainer, folder, trained_on, licence, labels, loader.dataset)
    target = options.target_images(per_epoch)
    save_every = options.save_interval * per_epoch
    next_snapshot = (trainer.images_seen // save_every + 1) * save_every
    started = last_save = time.monotonic()
    seconds_before = trainer.progress["seconds"]

    with stop_requests() as stop, writer.progress_bar(target) as bar:
        for real, real_labels in trainer.batches(loader):
            elapsed = time.monotonic() - started
            out_of_time = options.max_minutes is not None and elapsed >= options.max_minutes * 60
            if trainer.images_seen >= target or _any_process(trainer.process, bool(stop) or out_of_time):
                break
            stats = trainer.step(real, real_labels)
            trainer.progress["seconds"] = seconds_before + time.monotonic() - started
            bar.update(len(real))
            writer.collect(stats, bar)
            if trainer.images_seen >= next_snapshot and trainer.images_seen < target:
                writer.snapshot()
                next_snapshot += save_every
                last_save = time.monotonic()
            elif time.monotonic() - last_save >= options.save_minutes * 60:
                writer.save_state()
                last_save = time.monotonic()
        writer.snapshot()
    writer.close(finished=trainer.images_seen >= target)
    return writer.checkpoint


def _any_process(process: PartialState, flag: bool) -> bool:
    """Whether the flag is set in any process: all must leave the loop at the same step."""
    if process.num_processes == 1:
        return flag
    return bool(reduce(torch.tensor(float(flag), device=process.device), "sum"))


@contextmanager
def stop_requests() -> Iterator[list[float]]:
    """Collect SIGINT and SIGTERM into the yielded list, so that no step is cut in half; one a second later acts at once.

    Sooner it may be the same one again: the terminal sends Ctrl-C to all processes, and the launcher passes its own on.
    """
    received: list[float] = []
    previous: dict[int, object] = {}

    def remember(number: int, _frame: object) -> None:
        received.append(time.monotonic())
        if received[-1] - received[0] >= 1:
            signal.signal(number, previous[number])
            signal.raise_signal(number)

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            previous[number] = signal.signal(number, remember)
    except ValueError:  # not in the main thread, where signals cannot be caught
        pass
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

"""The training loop of all networks: when it stops and saves."""

import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from animegen_core.training.journal import Journal
from animegen_core.training.resumable import Resumable


def run(trainer: Resumable, batches: Iterable[tuple], target: float, journal: Journal) -> bool:
    """Train until ``target`` images were seen, or until Ctrl-C, SIGTERM or ``max_minutes``; then save.

    The state is also saved every ``save_minutes``, and with every snapshot of the journal.

    Returns:
        Whether the target was reached.

    Raises:
        AnimeGenError: the run diverged; the last good state is kept.
    """
    options, seconds_before = trainer.options, trainer.progress["seconds"]
    started = last_save = time.monotonic()
    with stop_requests() as stop, journal.progress_bar(target) as bar:
        for batch in batches:
            elapsed, seen = time.monotonic() - started, trainer.images_seen
            out_of_time = options.max_minutes is not None and elapsed >= options.max_minutes * 60
            if seen >= target or trainer.any_process(bool(stop) or out_of_time):
                break
            stats = trainer.step(*batch)
            trainer.progress["seconds"] = seconds_before + time.monotonic() - started
            bar.update(trainer.images_seen - seen)
            journal.collect(stats, bar)
            if trainer.images_seen < target and journal.snapshot_due():
                journal.snapshot()
            elif time.monotonic() - last_save >= options.save_minutes * 60:
                journal.save_state()
            else:
                continue
            last_save = time.monotonic()
        journal.snapshot()
    return trainer.images_seen >= target


@contextmanager
def stop_requests() -> Iterator[list[float]]:
    """Collect SIGINT and SIGTERM in the yielded list, so that the loop can finish its step.

    A second signal acts at once if it comes at least a second later. An earlier one may be a copy: the terminal sends Ctrl-C to
    all processes, and the launcher forwards its own.
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

"""Threads of a run on the CPU, which share the cores badly: while they wait for each other they spin."""

import os

import psutil
import torch

from animegen_core.errors import AnimeGenError

_SECONDS = 0.3  # for which the cores are watched
_SLACK = 0.5  # cores that others may take unnoticed


def check_threads(threads: int | None) -> None:
    """Raise AnimeGenError if torch cannot sensibly run that many; None leaves it the choice."""
    most = os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= most:
        raise AnimeGenError(f"threads is {threads}, but must be from 1 to {most}, the cores of this computer.")


def settle_threads(threads: int | None, watch: bool = True) -> str | None:
    """Have torch use that many threads. None leaves what torch or ``OMP_NUM_THREADS`` has chosen, or the launcher of
    several processes.

    Returns:
        A warning if nobody has chosen a number and others keep the cores busy, for which they are watched; else None.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    elif watch and torch.get_num_threads() > 1 and "OMP_NUM_THREADS" not in os.environ:
        return crowding(torch.get_num_threads(), *busy_cores())
    return None


def busy_cores() -> tuple[float, int]:
    """How many of the cores that this process may use others keep busy now, and how many it may use."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None  # which only Linux has
    percents = psutil.cpu_percent(_SECONDS, percpu=True)
    percents = [p for core, p in enumerate(percents) if allowed is None or core in allowed]
    return sum(percents) / 100, len(percents)


def crowding(threads: int, busy: float, cores: int) -> str | None:
    """A warning if that many threads do not fit beside what keeps ``busy`` of the cores busy."""
    if threads + busy <= cores + _SLACK:
        return None
    return (
        f"Warning: other programs keep {busy:.1f} of {cores} cores busy, and programs of several threads on the same cores "
        f"slow each other to a crawl: give each its share, --threads {max(1, round(cores - busy))} here and OMP_NUM_THREADS "
        "in the environment of the others."
    )

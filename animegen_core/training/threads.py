"""Number of threads of a run on the CPU. Waiting threads spin, so programs on the same cores slow each other down."""

import os

import psutil
import torch

from animegen_core.errors import AnimeGenError

_SECONDS = 0.3  # duration of the measurement
_SLACK = 0.5  # cores that others may use without a warning


def check_threads(threads: int | None) -> None:
    """Raise AnimeGenError if there are fewer cores than threads; None leaves the number to torch."""
    most = os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= most:
        raise AnimeGenError(f"threads is {threads}, but must be from 1 to {most}, the number of cores.")


def settle_threads(threads: int | None, watch: bool = True) -> str | None:
    """Set torch's number of threads. None keeps the number chosen by torch, ``OMP_NUM_THREADS`` or a launcher.

    Returns:
        A warning if no number was chosen and other programs use the cores (measured if ``watch``); else None.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    elif watch and torch.get_num_threads() > 1 and "OMP_NUM_THREADS" not in os.environ:
        return crowding(torch.get_num_threads(), *busy_cores())
    return None


def busy_cores() -> tuple[float, int]:
    """Number of cores that other programs use now, and number of cores that this process may use."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None  # only on Linux
    percents = psutil.cpu_percent(_SECONDS, percpu=True)
    percents = [p for core, p in enumerate(percents) if allowed is None or core in allowed]
    return sum(percents) / 100, len(percents)


def crowding(threads: int, busy: float, cores: int) -> str | None:
    """A warning if fewer than ``threads`` of the cores are free."""
    if threads + busy <= cores + _SLACK:
        return None
    return (
        f"Warning: other programs use {busy:.1f} of {cores} cores, and programs on the same cores slow each other down: "
        f"use --threads {max(1, round(cores - busy))} here and OMP_NUM_THREADS in the environment of the others."
    )

"""Timing rivals in turns, so that a busy moment of the computer hits them alike."""

import statistics
import time
from collections.abc import Callable, Hashable


def seconds_each(rivals: dict[Hashable, Callable[[], object]], rounds: int) -> dict[Hashable, float]:
    """Median seconds of a call of each rival, over ``rounds`` turns after one to warm up."""
    times: dict[Hashable, list[float]] = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, call in rivals.items():
            start = time.perf_counter()
            call()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}

"""Times rivals alternately, so that other load affects all of them equally."""

import statistics
import time
from collections.abc import Callable, Hashable


def seconds_each(rivals: dict[Hashable, Callable[[], object]], rounds: int) -> dict[Hashable, float]:
    """Median seconds of a call of each rival, over ``rounds`` rounds after a warm-up."""
    times: dict[Hashable, list[float]] = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, call in rivals.items():
            start = time.perf_counter()
            call()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}

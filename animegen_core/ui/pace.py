"""How far a task is: the values of its quiet bar, now and then."""

import time
from typing import Any

_EVERY = 0.4  # seconds: often enough to see it move


class Pace:
    """Counts what is done of a task that has begun now.

    Args:
        total: the number of pictures to draw.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._began = self._reported = time.monotonic()

    def report(self, done: int) -> dict[str, Any] | None:
        """A ``progress_bar``'s value, or None where the last report is fresh or all is done."""
        now = time.monotonic()
        if done >= self.total or now - self._reported < _EVERY:
            return None
        self._reported = now
        return {"done": done, "total": self.total, "seconds": (now - self._began) / max(done, 1) * (self.total - done)}

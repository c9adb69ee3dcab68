"""Progress of a task, for a progress bar."""

import time
from typing import Any

_EVERY = 0.4  # seconds between reports


class Pace:
    """Measures the progress of a task that starts now.

    Args:
        total: the number of images to draw.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._began = self._reported = time.monotonic()

    def report(self, done: int) -> dict[str, Any] | None:
        """The value of a ``progress_bar``; None if the last report is recent or all is done."""
        now = time.monotonic()
        if done >= self.total or now - self._reported < _EVERY:
            return None
        self._reported = now
        return {"done": done, "total": self.total, "seconds": (now - self._began) / max(done, 1) * (self.total - done)}

"""Waiting for what happens in the studio's own threads."""

import time

PATIENCE = 60  # seconds after which something that must happen has not


def eventually(holds):
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def settled(drawn):
    """How many faces are drawn when no more are."""
    count = -1
    while count != len(drawn):
        count = len(drawn)
        time.sleep(0.3)
    return count

import os

import pytest
import torch

from animegen_core.errors import AnimeGenError
from animegen_core.training import threads
from animegen_core.training.threads import busy_cores, check_threads, crowding, settle_threads


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """Torch has two threads, and the environment does not say how many it should have."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def busy(monkeypatch, cores):
    monkeypatch.setattr(threads, "busy_cores", lambda: (cores, 2))


@pytest.mark.parametrize(
    "count, others, cores, share",
    [
        (2, 0.0, 2, None),
        (2, 0.4, 2, None),
        (2, 1.0, 2, 1),
        (2, 1.9, 2, 1),
        (1, 1.4, 2, None),
        (8, 4.0, 8, 4),
        (4, 4.0, 8, None),
    ],
)
def test_a_warning_names_the_share_that_is_left(count, others, cores, share):
    warning = crowding(count, others, cores)
    assert (warning is None) == (share is None)
    assert share is None or f"--threads {share} here" in warning


def test_busy_cores_are_warned_of(monkeypatch):
    busy(monkeypatch, 1.9)
    assert "use 1.9 of 2 cores" in settle_threads(None)
    busy(monkeypatch, 0.1)
    assert settle_threads(None) is None


def test_who_has_chosen_a_number_is_left_in_peace(monkeypatch):
    busy(monkeypatch, 2.0)
    assert settle_threads(None, watch=False) is None
    assert settle_threads(1) is None and torch.get_num_threads() == 1
    assert settle_threads(None) is None  # one thread waits for nobody
    torch.set_num_threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert settle_threads(None) is None and torch.get_num_threads() == 2


def test_the_cores_of_this_computer_are_watched():
    others, cores = busy_cores()
    assert 0 <= others <= cores and 1 <= cores <= os.cpu_count()


def test_the_number_of_threads_has_bounds():
    for good in (None, 1, os.cpu_count()):
        check_threads(good)
    for bad in (0, -1, os.cpu_count() + 1):
        with pytest.raises(AnimeGenError, match=f"threads is {bad}, but must be from 1 to {os.cpu_count()}"):
            check_threads(bad)

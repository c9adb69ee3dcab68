"""The one thread in which every face is drawn. Callers take turns in it, and work that nobody waits for any more ends there.

Several threads that call torch at once would fight over the cores. A face is short, so one face is one turn.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

Drawn = TypeVar("Drawn")


class Abandoned(Exception):
    """Nobody waits for the picture any more, so it is not drawn."""


@dataclass(frozen=True)
class Caller:
    """For whom something is drawn.

    Attributes:
        name: callers of one name share one turn, however much they ask for.
        waits: whether somebody still waits for the result.
    """

    name: str = ""
    waits: Callable[[], bool] = lambda: True


_NOBODY = Caller()  # in particular
_caller: ContextVar[Caller] = ContextVar("caller", default=_NOBODY)
_thread = ThreadPoolExecutor(1, "drawing")
_lock = threading.Lock()
_tasks: dict[str, deque[tuple[Callable, Future]]] = {}  # by caller, whose turn is next first


@contextmanager
def drawing_for(caller: Caller) -> Iterator[None]:
    """Whatever this thread has drawn within the block is drawn for a caller."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def draw(task: Callable[[], Drawn]) -> Drawn:
    """Run a task in the drawing thread when it is the caller's turn, and return its result.

    Raises:
        Abandoned: the caller does not wait for it any more.
    """
    caller, future = _caller.get(), Future()
    if not caller.waits():
        raise Abandoned
    with _lock:
        _tasks.setdefault(caller.name, deque()).append((task, future))
    _thread.submit(_draw_next)
    return future.result()


def _draw_next() -> None:
    """Run the oldest task of the caller whose turn it is; the caller's next turn comes after everybody else's."""
    with _lock:
        name = next(iter(_tasks))
        tasks = _tasks.pop(name)
        task, future = tasks.popleft()
        if tasks:
            _tasks[name] = tasks
    try:
        future.set_result(task())
    except BaseException as error:
        future.set_exception(error)

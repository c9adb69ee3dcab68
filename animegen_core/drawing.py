"""The one thread in which all faces are drawn. Callers take turns, and cancelled work is dropped.

Several threads that call torch at once would slow each other down. One face is one turn.
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
    """The drawing was cancelled: its caller no longer waits for it."""


@dataclass(frozen=True)
class Caller:
    """On whose behalf something is drawn.

    Attributes:
        name: callers with the same name share one turn.
        waits: returns whether the result is still wanted.
    """

    name: str = ""
    waits: Callable[[], bool] = lambda: True


_NOBODY = Caller()  # the default caller
_caller: ContextVar[Caller] = ContextVar("caller", default=_NOBODY)
_thread = ThreadPoolExecutor(1, "drawing")
_lock = threading.Lock()
_tasks: dict[str, deque[tuple[Callable, Future]]] = {}  # by caller; the next turn is first


@contextmanager
def drawing_for(caller: Caller) -> Iterator[None]:
    """Context in which this thread draws on behalf of a caller."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def draw(task: Callable[[], Drawn]) -> Drawn:
    """Run a task in the drawing thread when it is the caller's turn, and return its result.

    Raises:
        Abandoned: the caller no longer waits for it.
    """
    caller, future = _caller.get(), Future()
    if not caller.waits():
        raise Abandoned
    with _lock:
        _tasks.setdefault(caller.name, deque()).append((task, future))
    _thread.submit(_draw_next)
    return future.result()


def _draw_next() -> None:
    """Run the oldest task of the caller whose turn it is, and move this caller to the end."""
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

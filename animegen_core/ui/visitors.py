"""Fair scheduling between visitors, who are identified by address and by page."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import AbstractContextManager
from ipaddress import ip_network
from typing import Any

import fastapi
import gradio as gr
from gradio.context import LocalContext
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.utils import LRUCache

from animegen_core.drawing import Caller, drawing_for

FILMS = "films"  # the queue of films to write, each of which can take 200 MB and half a minute
_LINES = {FILMS: 2, "faces": 8}  # queues, and how many jobs of each run at once
_MOST_SESSIONS = 512  # sessions whose messages are kept until they are fetched


def address_of(request: Any) -> str:
    """The client address of a request of FastAPI or Gradio; for IPv6 the /64 network, which one household has."""
    host = request.client.host if request.client else ""
    try:
        return str(ip_network(f"{host.partition('%')[0]}/64", strict=False)) if ":" in host else host
    except ValueError:
        return host


def drawing_for_visitor() -> AbstractContextManager[None]:
    """Context in which faces are drawn for the visitor of the current request, until that is cancelled."""
    request, blocks = LocalContext.request.get(None), LocalContext.blocks.get(None)
    if request is None or blocks is None:
        return contextlib.nullcontext()
    job = LocalContext.event_id.get(None)
    return drawing_for(Caller(address_of(request), lambda: job is None or _waits_for(blocks, job)))


def _waits_for(blocks: gr.Blocks, job: str) -> bool:
    """Whether a job of the queue is still wanted: not cancelled, and its visitor has not left."""
    event = blocks._queue.event_ids_to_events.get(job)
    return event is not None and event.alive


def in_turns(items: Iterable[Any], running: Iterable[Any], key: Callable[[Any], Hashable]) -> list[Any]:
    """Items in round-robin order of their owners: everybody's first before anybody's second.

    Args:
        items: the waiting items, oldest first.
        running: the running items; each counts as an earlier turn of its owner.
        key: returns an item's owner.
    """
    turns = Counter(map(key, running))
    order = []
    for item in items:
        order.append((turns[key(item)], item))
        turns[key(item)] += 1
    return [item for _, item in sorted(order, key=lambda pair: pair[0])]


class Turns:
    """Limits concurrent requests. The others wait, and their owners take turns.

    Args:
        at_once: maximum number of concurrent requests.
        most: maximum number of waiting requests of one owner.
    """

    def __init__(self, at_once: int, most: int) -> None:
        self._at_once, self._most = at_once, most
        self._waiting: list[tuple[str, asyncio.Future]] = []
        self._inside: list[tuple[str, asyncio.Future]] = []

    @contextlib.asynccontextmanager
    async def turn(self, owner: str, leave: Callable[[], Awaitable]) -> AsyncIterator[bool]:
        """Wait for a turn of the owner, and release it at the end. Yields False if ``leave()`` returns before the turn.

        Raises:
            fastapi.HTTPException: 429, too many requests of the owner are waiting.
        """
        if sum(name == owner for name, _ in self._waiting) >= self._most:
            raise too_many(self._most)
        ticket = (owner, asyncio.get_running_loop().create_future())
        self._waiting.append(ticket)
        self._let_in()
        leaves = asyncio.ensure_future(leave())
        try:
            await asyncio.wait({ticket[1], leaves}, return_when=asyncio.FIRST_COMPLETED)
            yield ticket in self._inside
        finally:
            leaves.cancel()
            (self._inside if ticket in self._inside else self._waiting).remove(ticket)
            self._let_in(ticket)

    def _let_in(self, *done: tuple[str, asyncio.Future]) -> None:
        while self._waiting and len(self._inside) < self._at_once:
            ticket = in_turns(self._waiting, [*self._inside, *done], lambda ticket: ticket[0])[0]
            self._waiting.remove(ticket)
            self._inside.append(ticket)
            ticket[1].set_result(None)


def too_many(count: int) -> fastapi.HTTPException:
    """The error for a visitor who already has so many waiting requests."""
    return fastapi.HTTPException(429, f"{count} of your requests are already waiting; let some finish first.")


class VisitorQueue(Queue):
    """Gradio's queue, changed so that visitors take turns and none can fill it.

    An address has at most half of the waiting places, one page at most half of those, and an address at most half of the
    running jobs of a queue. The other half stays free for others.
    """

    def __init__(self, demo: gr.Blocks, max_size: int) -> None:
        super().__init__(
            live_updates=True,
            concurrency_count=demo.max_threads,
            update_intervals=1,
            max_size=max_size,
            blocks=demo,
            default_concurrency_limit=1,
        )
        self.pending_messages_per_session = _Sessions(_MOST_SESSIONS)

    async def push(self, body: PredictBodyInternal, request: fastapi.Request, username: str | None) -> tuple:
        """Accept a job, or refuse it.

        Raises:
            fastapi.HTTPException: 429, the visitor has too many waiting jobs.
        """
        waiting = [event for line in self.event_queue_per_concurrency_id.values() for event in line.queue]
        neighbours = [event for event in waiting if _address(event) == address_of(request)]
        own = [event for event in neighbours if event.session_hash == body.session_hash]
        for group, most in ((own, self.max_size // 4), (neighbours, self.max_size // 2)):
            if len(group) >= max(1, most):
                raise too_many(len(group))
        return await super().push(body, request, username)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next job of a queue with free capacity."""
        running = [event for job in self.active_jobs if job for event in job]
        lines = list(self.event_queue_per_concurrency_id.items())
        random.shuffle(lines)
        for name, line in lines:
            if line.current_concurrency >= line.concurrency_limit:
                continue
            beside = [event for event in running if event.concurrency_id == name]
            held, most = Counter(map(_address, beside)), max(1, line.concurrency_limit // 2)
            if any(held[_address(event)] < most for event in line.queue):
                self._order(name)
                chosen = next(event for event in line.queue if held[_address(event)] < most)
                line.queue.remove(chosen)
                return [chosen], False, name
        return None

    def broadcast_estimations(self, concurrency_id: str, after: int | None = None) -> None:
        """Send waiting jobs their positions; a new job may be placed before others."""
        changed = self._order(concurrency_id)
        super().broadcast_estimations(concurrency_id, None if changed else after)

    def _order(self, name: str) -> bool:
        """Sort the waiting jobs of a queue by turns. Returns whether the order has changed."""
        line = self.event_queue_per_concurrency_id[name].queue
        beside = [event for job in self.active_jobs if job for event in job if event.concurrency_id == name]
        order = in_turns(in_turns(line, beside, _page), beside, _address)
        changed, line[:] = order != line, order
        return changed

    async def process_events(self, events: list[Event], *args: Any) -> None:
        """Run a job. Gradio's state of a session is deleted at once if the job has no page, as of a program without session."""
        try:
            await super().process_events(events, *args)
        finally:
            for event in events:
                if event.session_hash == event._id:
                    self.blocks.state_holder.session_data.pop(event._id, None)


class _Sessions(LRUCache):
    """Messages of pages; the least recently fetched are dropped first."""

    def __getitem__(self, session: str) -> Any:
        self.move_to_end(session)
        return super().__getitem__(session)


def _address(event: Event) -> str:
    return address_of(event.request)


def _page(event: Event) -> str:
    return event.session_hash


def install_queue(demo: gr.Blocks, most_waiting: int) -> gr.Blocks:
    """Install the queue in a page, so that no drawing function can be called around it."""
    demo.queue(max_size=most_waiting, api_open=False)
    demo._queue = VisitorQueue(demo, most_waiting)
    for function in demo.fns.values():
        line = FILMS if function.concurrency_id == FILMS else "faces"
        function.concurrency_id, function.concurrency_limit = line, _LINES[line]
    return demo

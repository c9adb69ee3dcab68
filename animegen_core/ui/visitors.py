"""Who asks: the visitors of a studio, told apart by address and by page, and how they share it."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import fastapi
import gradio as gr
from gradio.context import LocalContext
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.utils import LRUCache

from animegen_core.drawing import Caller, drawing_for

FILMS = "films"  # the line in which films wait to be written, each of which can take 200 MB and half a minute
_LINES = {FILMS: 2, "faces": 8}  # lines, and how many jobs of each run at once
_MOST_SESSIONS = 512  # whose messages are kept until they are fetched


def address_of(request: Any) -> str:
    """The address that a request of FastAPI or Gradio comes from."""
    return request.client.host if request.client else ""


def drawing_for_visitor() -> AbstractContextManager[None]:
    """Within the block faces are drawn for the visitor whose request this thread answers, as long as that waits."""
    request, blocks = LocalContext.request.get(None), LocalContext.blocks.get(None)
    if request is None or blocks is None:
        return contextlib.nullcontext()
    job = LocalContext.event_id.get(None)
    return drawing_for(Caller(address_of(request), lambda: job is None or _waits_for(blocks, job)))


def _waits_for(blocks: gr.Blocks, job: str) -> bool:
    """Whether a job of the queue was neither cancelled nor left by its visitor."""
    event = blocks._queue.event_ids_to_events.get(job)
    return event is not None and event.alive


def in_turns(items: Iterable[Any], running: Iterable[Any], key: Callable[[Any], Hashable]) -> list[Any]:
    """Items in the order in which their owners take turns: everybody's first before anybody's second.

    Args:
        items: what waits, oldest first.
        running: what has had its turn and is not done; it counts as its owner's first.
        key: an item's owner.
    """
    turns = Counter(map(key, running))
    order = []
    for item in items:
        order.append((turns[key(item)], item))
        turns[key(item)] += 1
    return [item for _, item in sorted(order, key=lambda pair: pair[0])]


class Turns:
    """Lets so many requests in at once. The others wait, and their owners take turns.

    Args:
        at_once: how many are in at once.
        most: how many of one owner may wait.
    """

    def __init__(self, at_once: int, most: int) -> None:
        self._at_once, self._most = at_once, most
        self._waiting: list[tuple[str, asyncio.Future]] = []
        self._inside: list[tuple[str, asyncio.Future]] = []

    @contextlib.asynccontextmanager
    async def turn(self, owner: str, leave: Callable[[], Awaitable]) -> AsyncIterator[bool]:
        """Wait for the owner's turn, and give it back at the end. Yields False where ``leave()`` is over before the turn comes.

        Raises:
            fastapi.HTTPException: 429, too many of the owner's wait already.
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
    """What a visitor is told who asks for more while so many requests wait."""
    return fastapi.HTTPException(429, f"{count} of your requests are waiting already; let some finish first.")


class VisitorQueue(Queue):
    """Gradio's queue, in which visitors take turns and none can fill it alone.

    An address has at most half of the places in which to wait, a page of it at most half of those, and an address has at most
    half of a line's jobs running: whoever comes next finds the other half free.
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
        """Take a job in, or tell its visitor why not.

        Raises:
            fastapi.HTTPException: 429, the visitor has too many waiting already.
        """
        waiting = [event for line in self.event_queue_per_concurrency_id.values() for event in line.queue]
        neighbours = [event for event in waiting if _address(event) == address_of(request)]
        own = [event for event in neighbours if event.session_hash == body.session_hash]
        for group, most in ((own, self.max_size // 4), (neighbours, self.max_size // 2)):
            if len(group) >= max(1, most):
                raise too_many(len(group))
        return await super().push(body, request, username)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next job to run, of a line that has room."""
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
        """Tell those that wait their places; a newcomer may come before others."""
        changed = self._order(concurrency_id)
        super().broadcast_estimations(concurrency_id, None if changed else after)

    def _order(self, name: str) -> bool:
        """Put what waits in a line in the order of turns; whether that is another than before."""
        line = self.event_queue_per_concurrency_id[name].queue
        beside = [event for job in self.active_jobs if job for event in job if event.concurrency_id == name]
        order = in_turns(in_turns(line, beside, _page), beside, _address)
        changed, line[:] = order != line, order
        return changed

    async def process_events(self, events: list[Event], *args: Any) -> None:
        """Run a job. What Gradio keeps for a page is forgotten at once where there is none: a program that named no session."""
        try:
            await super().process_events(events, *args)
        finally:
            for event in events:
                if event.session_hash == event._id:
                    self.blocks.state_holder.session_data.pop(event._id, None)


class _Sessions(LRUCache):
    """The messages of pages; those of which nobody has asked for the longest time go first."""

    def __getitem__(self, session: str) -> Any:
        self.move_to_end(session)
        return super().__getitem__(session)


def _address(event: Event) -> str:
    return address_of(event.request)


def _page(event: Event) -> str:
    return event.session_hash


def share_out(demo: gr.Blocks, most_waiting: int) -> gr.Blocks:
    """Give a page the queue above, past which no function that draws can be called."""
    demo.queue(max_size=most_waiting, api_open=False)
    demo._queue = VisitorQueue(demo, most_waiting)
    for function in demo.fns.values():
        line = FILMS if function.concurrency_id == FILMS else "faces"
        function.concurrency_id, function.concurrency_limit = line, _LINES[line]
    return demo

"""Cancels outdated requests: the newest request of a visitor wins."""

import itertools
from collections.abc import Callable

import gradio as gr


class Latest:
    """Tells a handler whether its visitor has made a newer request, so that its result is outdated.

    Several events can request the same result (a control, opening the tab, restoring a file), and their results may arrive
    out of order.
    """

    def __init__(self, demo: gr.Blocks) -> None:
        self._newest: dict[str, int] = {}  # number of the newest request, by visitor
        self._answered: dict[str, int] = {}  # number of the newest answered request, by visitor
        self._stopped: dict[str, int] = {}  # number of the request that the visitor has stopped
        self._turns = itertools.count()
        demo.unload(self._forget)

    def begin(self, request: gr.Request) -> Callable[[], bool]:
        """Register a request. The returned function says whether it is still the visitor's newest."""
        self._newest[request.session_hash] = next(self._turns)
        return self.watch(request)

    def watch(self, request: gr.Request) -> Callable[[], bool]:
        """Register nothing. The returned function says whether no request has been registered since."""
        visitor = request.session_hash
        turn = self._newest.get(visitor)
        return lambda: self._newest.get(visitor) == turn

    def answer(self, request: gr.Request) -> None:
        """Register that the visitor's newest request is answered."""
        self._answered[request.session_hash] = self._newest[request.session_hash]

    def is_answered(self, request: gr.Request) -> bool:
        """Whether the newest request is answered; work that would only slow it down should wait."""
        return self._answered.get(request.session_hash) == self._newest.get(request.session_hash)

    def stop(self, request: gr.Request) -> None:
        """Register that the visitor wants no more of the newest request."""
        self._stopped[request.session_hash] = self._newest.get(request.session_hash)

    def is_stopped(self, request: gr.Request) -> bool:
        """Whether the visitor has stopped the newest request."""
        turn = self._newest.get(request.session_hash)
        return turn is not None and self._stopped.get(request.session_hash) == turn

    def _forget(self, request: gr.Request) -> None:
        for turns in (self._newest, self._answered, self._stopped):
            turns.pop(request.session_hash, None)

"""The newest request of a visitor wins."""

import itertools
from collections.abc import Callable

import gradio as gr


class Latest:
    """Tells a handler whether its visitor has asked for something newer meanwhile, so that its result would be stale.

    Several events can ask for the same result (a control, the opening of the tab, a file that is restored), and their answers
    may come in another order than the questions.
    """

    def __init__(self, demo: gr.Blocks) -> None:
        self._newest: dict[str, int] = {}  # by visitor
        self._answered: dict[str, int] = {}  # the newest of them, once it is
        self._turns = itertools.count()
        demo.unload(self._forget)

    def begin(self, request: gr.Request) -> Callable[[], bool]:
        """Note a request; the function returned says whether it is still the visitor's newest."""
        self._newest[request.session_hash] = next(self._turns)
        return self.watch(request)

    def watch(self, request: gr.Request) -> Callable[[], bool]:
        """Note nothing; the function returned says whether nothing has been asked for since."""
        visitor = request.session_hash
        turn = self._newest.get(visitor)
        return lambda: self._newest.get(visitor) == turn

    def answer(self, request: gr.Request) -> None:
        """Note that the visitor's newest request has its answer."""
        self._answered[request.session_hash] = self._newest[request.session_hash]

    def is_answered(self, request: gr.Request) -> bool:
        """Whether the newest request has its answer: for work that would only slow that request."""
        return self._answered.get(request.session_hash) == self._newest.get(request.session_hash)

    def _forget(self, request: gr.Request) -> None:
        for turns in (self._newest, self._answered):
            turns.pop(request.session_hash, None)

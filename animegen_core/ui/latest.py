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

    def _forget(self, request: gr.Request) -> None:
        self._newest.pop(request.session_hash, None)

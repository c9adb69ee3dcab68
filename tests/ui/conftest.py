"""A studio as the public finds it, without a browser: a tiny checkpoint, and an address for each visitor."""

import contextlib
import os
import time

import httpx
import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


@pytest.fixture(scope="session")
def demo(family_checkpoints, tmp_path_factory):
    from animegen_core.studio import Studio
    from animegen_core.ui import build_app, launch_options
    from animegen_core.ui.studios import Studios

    others = [Studio.load(family_checkpoints[family], "cpu") for family in ("conditional-dcgan", "stylegan2")]
    os.environ["ANIMEGEN_VOTES"] = str(tmp_path_factory.mktemp("votes") / "votes.sqlite")
    demo = build_app(Studios(Studio.load(family_checkpoints["dcgan"], "cpu"), *others, hub=False), vote=True)
    demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options("127.0.0.9,10.0.0.0/8"))
    yield demo
    demo.close()
    del os.environ["ANIMEGEN_VOTES"]


@pytest.fixture
def visitor(demo):
    """visitor(address) -> an HTTP client that asks from that address of this computer."""
    with contextlib.ExitStack() as stack:

        def ask_from(address="127.0.0.1"):
            transport = httpx.HTTPTransport(local_address=address, limits=httpx.Limits(max_connections=200))
            client = httpx.Client(base_url=f"{demo.local_url}gradio_api", transport=transport, timeout=60)
            return stack.enter_context(client)

        yield ask_from


@pytest.fixture
def slow(monkeypatch):
    """Drawing a face takes a while; a list that holds the size of each that was drawn."""
    from animegen_core.studio import Studio

    drawn, draw = [], Studio._draw

    def draw_slowly(self, point, size):
        time.sleep(0.01)
        drawn.append(size)
        return draw(self, point, size)

    monkeypatch.setattr(Studio, "_draw", draw_slowly)
    return drawn

"""Many simultaneous visitors of the studio, each with other faces: waiting times and memory.

The studio runs as ``python app.py``, with the checkpoint that it opens with. Visitors are plain HTTP clients with an address
each. They wait for their results as the page does, and are shown their places in the queue as it is.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from animegen_core.checkpoint import DEFAULT_CHECKPOINT

_ROOT = Path(__file__).parents[1]
_FACES, _VISITORS, _ROUNDS, _MANY = 16, 8, 3, 32
_PATIENCE = 300  # seconds


def main() -> None:
    """Print seconds and megabytes."""
    with running_studio() as (url, app):
        asyncio.run(_measure(url, app))


@contextmanager
def running_studio() -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of a running studio, for the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=_ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL
    )
    try:
        while not _answers(url):
            time.sleep(0.05)
        yield url, psutil.Process(app.pid)
    finally:
        app.terminate()
        app.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


async def _measure(url: str, app: psutil.Process) -> None:
    functions = httpx.get(f"{url}/config", timeout=60).json()["dependencies"]
    number = next(function["id"] for function in functions if function["api_name"] == "generate")
    visitors = [Visitor(url, number, index) for index in range(_MANY)]
    await _ask(visitors, 1)  # warm-up of threads, buffers and caches
    before = app.memory_info().rss
    cpu = sum(app.cpu_times()[:2])
    rounds = [await _ask(visitors[:_VISITORS]) for _ in range(_ROUNDS)]
    times = [seconds for visits in rounds for seconds, _ in visits]
    cpu = (sum(app.cpu_times()[:2]) - cpu) / (len(times) * _FACES)
    cores = len(app.cpu_affinity()) if hasattr(app, "cpu_affinity") else psutil.cpu_count()
    print(f"  cores that the studio may use           {cores:8}")
    print(f"  processor time of a face, all in all    {1000 * cpu:8.0f} ms")
    p95 = statistics.quantiles(times, n=20)[-1]
    print(
        f"  {_VISITORS:2} visitors, {_FACES} faces each             {statistics.median(times):8.2f} s, 95 % within {p95:.2f} s"
    )
    visits = await _ask(visitors)
    seen = sum(place is not None for _, place in visits)
    last = max(seconds for seconds, _ in visits)
    print(f"  {_MANY:2} visitors, the last is served after   {last:8.2f} s; {seen} were shown a place in the queue")
    grown = app.memory_info().rss - before
    print(f"  memory of the studio, and its growth    {before / 2**20:8.0f} MB, {grown / 2**20:+.0f} MB")
    for visitor in visitors:
        await visitor.client.aclose()


async def _ask(visitors: list["Visitor"], faces: int = _FACES) -> list[tuple[float, int | None]]:
    return await asyncio.gather(*(visitor.ask(faces) for visitor in visitors))


class Visitor:
    """A page with a separate address.

    Args:
        url: the studio's.
        number: of the function that draws faces.
        index: of the visitor.
    """

    def __init__(self, url: str, number: int, index: int) -> None:
        transport = httpx.AsyncHTTPTransport(local_address=f"127.0.0.{index + 2}")
        self.client = httpx.AsyncClient(base_url=f"{url}/gradio_api", transport=transport, timeout=_PATIENCE)
        self._number, self._index, self._seed = number, index, index * 10_000

    async def ask(self, faces: int) -> tuple[float, int | None]:
        """Request new faces. Returns seconds, and the first reported position in the queue."""
        self._seed += faces
        arguments = [self._seed, faces, "any", "any", 0.7, 0, 0, 0, DEFAULT_CHECKPOINT]
        session = f"visitor{self._index}"
        start, place = time.perf_counter(), None
        body = {"data": arguments, "fn_index": self._number, "session_hash": session}
        (await self.client.post("/queue/join", json=body)).raise_for_status()
        async with self.client.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "estimation" and place is None:
                    place = message["rank"]
                if message.get("msg") == "process_completed":
                    assert message["success"] and len(message["output"]["data"][0]) == faces, message
                    return time.perf_counter() - start, place
        raise RuntimeError("The studio closed the connection.")


if __name__ == "__main__":
    main()

"""Command lines in processes of their own, which a test can kill, interrupt, and join to one run.

They are forked off a process that has imported torch and the commands once, so each of them starts at once.
"""

import contextlib
import multiprocessing
import os
import runpy
import socket
import sys
from multiprocessing import forkserver
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 300  # seconds after which a process that must end has not; no test measures time

# The first optimizer imports torch._dynamo, which takes two seconds in each process that has not.
_PRELOADED = ["animegen_core.commands.training", "animegen_core.training", "matplotlib.figure", "pytest", "torch._dynamo"]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(_PRELOADED)


def forks():
    """Python's multiprocessing, whose processes are forked off that one; they have its environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("OMP_NUM_THREADS", "1")
        forkserver.ensure_running()
    return _FORKS


def forked(function, *arguments):
    """The exit code of a process that calls the function; a signal's is negative."""
    process = forks().Process(target=function, args=arguments)
    process.start()
    process.join(PATIENCE)
    return process.exitcode


class Started:
    """A Python script that runs in the project's folder; its standard streams are files in ``folder``."""

    def __init__(self, folder, script, *arguments, **environment) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._streams = [folder / name for name in ("output.txt", "errors.txt")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        command = [str(script), *map(str, arguments)]
        self._process = forks().Process(target=_run, args=(command, environment, self._streams))
        self._process.start()

    def running(self):
        return self._process.is_alive()

    def send(self, number):
        os.kill(self._process.pid, number)

    def end(self):
        """Wait for the end, and return the exit code; a signal's is negative."""
        self._process.join(PATIENCE)
        assert not self.running(), "it has not ended"
        return self._process.exitcode

    def kill(self):
        self._process.kill()
        self._process.join()

    @property
    def output(self):
        return self._streams[0].read_text()

    @property
    def errors(self):
        return self._streams[1].read_text()


def _run(command, environment, streams):
    """What the new process does."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for number, stream in enumerate(streams, 1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")


@contextlib.contextmanager
def started(folder, script, *arguments, **environment):
    """A ``Started`` that is gone when the block ends."""
    process = Started(folder, script, *arguments, **environment)
    try:
        yield process
    finally:
        process.kill()


def together(folder, script, *arguments):
    """What two processes print that run a script as torchrun starts them; both must succeed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(started(folder / rank, script, *arguments, RANK=rank, LOCAL_RANK=rank, **place))
            for rank in ("0", "1")
        ]
        assert [process.end() for process in processes] == [0, 0], [process.errors for process in processes]
        return "".join(process.output for process in processes)

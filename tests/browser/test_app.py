"""app.py as a person or a Space starts it, and the example client that talks to it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address():
    """A studio started with ``python app.py`` on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while not answers(url):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def answers(url):
    try:
        return urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def test_the_studio_starts_and_the_example_client_gets_faces(address, tmp_path):
    client = [sys.executable, str(ROOT / "examples" / "api_client.py"), address]
    output = subprocess.run(client, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    faces = [line.rsplit(" ", 1) for line in output.splitlines() if line.startswith("Seed ")]
    assert [caption for caption, _ in faces] == ["Seed 41", "Seed 42", "Seed 43", "Seed 44"]
    assert all(Path(file).read_bytes().startswith(b"\x89PNG") for _, file in faces)


def test_an_unknown_checkpoint_is_one_sentence(tmp_path):
    environment = {**os.environ, "ANIMEGEN_CHECKPOINT": "nonesuch"}
    result = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert "nonesuch" in result.stderr and "Traceback" not in result.stderr

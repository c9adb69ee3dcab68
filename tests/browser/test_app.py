"""app.py as a person or a Space starts it, and the example client that talks to it."""

import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from gradio_client import Client
from huggingface_hub import ModelCard

from animegen_core.checkpoint import DEFAULT_CHECKPOINT
from animegen_core.commands import space
from animegen_core.images import read_description

ROOT = Path(__file__).parents[2]
ZERO_GPU = {"SPACE_ID": "me/faces", "SYSTEM": "spaces", "SPACES_ZERO_GPU": "true"}
SPACES_PACKAGE = """
import os, pathlib, torch

torch.cuda.is_available = lambda: True  # as ZeroGPU says where no GPU is lent
wrap = True

def GPU(function):
    pathlib.Path(os.environ["DECLARED"]).write_text(function.__name__)

def disable_gradio_auto_wrap():
    global wrap
    wrap = False

def gradio_auto_wrap(handler):  # which Gradio calls on a Space
    return GPU(handler) if wrap else handler
"""


@contextmanager
def running(python=sys.executable, folder=ROOT, deadline=180, **environment):
    """The address of a studio started with ``python app.py`` on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1", **environment}
    process = subprocess.Popen([python, "app.py"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline += time.monotonic()
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


@pytest.fixture(scope="module")
def address():
    with running() as url:
        yield url


@pytest.fixture(scope="module")
def zero_gpu(tmp_path_factory):
    """The address of a ZeroGPU Space, and the file that its ``spaces`` package notes declared functions in."""
    folder = tmp_path_factory.mktemp("space")
    copy_space_files(folder)
    (folder / "spaces.py").write_text(SPACES_PACKAGE)
    with running(folder=folder, **ZERO_GPU, DECLARED=str(folder / "declared")) as url:
        yield url, folder / "declared"


def copy_space_files(folder):
    """What ``animegen space`` uploads, and nothing else of this repository."""
    for file in space.space_files():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, folder / file)


def generate(url, folder, **arguments):
    """Descriptions of faces that a studio draws on request."""
    client = Client(url, verbose=False, download_files=str(folder))
    return [read_description(face["image"]) for face in client.predict(**arguments, api_name="/generate")]


def test_the_studio_starts_and_the_example_client_gets_faces(address, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["api_client.py", address])
    runpy.run_path(str(ROOT / "examples" / "api_client.py"), run_name="__main__")
    output = capsys.readouterr().out
    faces = [line.rsplit(" ", 1) for line in output.splitlines() if line.startswith("Seed ")]
    assert [caption for caption, _ in faces] == ["Seed 41", "Seed 42", "Seed 43", "Seed 44"]
    assert all(Path(file).read_bytes().startswith(b"\x89PNG") for _, file in faces)


def test_a_zerogpu_space_draws_on_the_cpu(zero_gpu, tmp_path):
    (described,) = generate(zero_gpu[0], tmp_path, seed=7)
    assert (described["checkpoint"], described["character"]) == (DEFAULT_CHECKPOINT, {"seed": 7})


def test_a_zerogpu_space_declares_the_function_without_which_it_is_stopped(zero_gpu):
    assert zero_gpu[1].read_text() == "declare_gpu"


def test_many_visitors_of_a_zerogpu_space_wait_and_none_is_sent_away(zero_gpu, tmp_path):
    visitors = [Client(zero_gpu[0], verbose=False, download_files=str(tmp_path)) for _ in range(4)]
    jobs = [visitor.submit(seed=seed, api_name="/generate") for seed in range(10) for visitor in visitors]
    assert all(len(job.result(180)) == 1 for job in jobs)


def test_visitors_of_a_space_cannot_have_a_repository_fetched(zero_gpu, tmp_path):
    with pytest.raises(Exception, match="Unknown checkpoint 'me/faces'; choose one of: ") as error:
        generate(zero_gpu[0], tmp_path, seed=7, checkpoint="me/faces")
    assert "user/name" not in str(error.value)


@pytest.mark.skipif("ANIMEGEN_TEST_CLEAN" not in os.environ, reason="takes minutes and gigabytes: make test-clean")
def test_the_files_of_a_space_run_in_a_clean_environment(tmp_path):
    """What a Space does: an environment, the front matter's Gradio and requirements.txt, then ``python app.py``."""
    copy_space_files(tmp_path / "space")
    gradio = ModelCard((ROOT / "README.md").read_text(encoding="utf-8")).data.sdk_version
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"]
    subprocess.run([*install, f"gradio[mcp]=={gradio}"], cwd=tmp_path / "space", check=True)
    with running(python, tmp_path / "space", deadline=300, SPACE_ID="me/faces", SYSTEM="spaces") as url:
        (described,) = generate(url, tmp_path, seed=7)
    assert (described["checkpoint"], described["character"]) == (DEFAULT_CHECKPOINT, {"seed": 7})

"""Every example runs as its first line says, in an empty folder."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animegen_core import Character
from animegen_core.images import read_description
from animegen_core.studio import read_described

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(name, *arguments) executes that example in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def execute(name, *arguments):
        monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")

    return execute


def test_a_sheet_is_drawn_and_a_face_read_back_and_drawn_again(run, tmp_path):
    run("grid.py")
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.size == (8 * 66 + 2, 8 * 66 + 2)
    favourite, again = tmp_path / "out" / "favourite.png", tmp_path / "out" / "again.png"
    assert read_description(favourite)["character"]["seed"] == 42
    run("read_back.py", favourite)
    assert again.read_bytes() == favourite.read_bytes()


def test_a_loop_is_written_twice_of_the_seeds_that_are_given(run, tmp_path):
    run("loop.py", "5,6")
    for name in ("loop.gif", "loop.mp4"):
        _, film = read_described(read_description(tmp_path / "out" / name))
        assert film.keys == (Character(5), Character(6))


@pytest.mark.usefixtures("quick_snapshots")
def test_a_tiny_training_run_ends_with_a_sheet(run, tmp_path, draw):
    (tmp_path / "faces").mkdir()
    for seed in range(32):
        draw(seed).save(tmp_path / "faces" / f"{seed}.png")
    run("tiny_training.py", "faces", 0.01)
    with Image.open(tmp_path / "out" / "tiny-run.png") as sheet:
        assert np.asarray(sheet).std() > 0

"""Every example runs as its first line says, in an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from animegen_core.images import read_description

ROOT = Path(__file__).parents[1]


def run(name, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_sheet_is_drawn_and_a_face_read_back_and_drawn_again(tmp_path):
    run("grid.py", tmp_path)
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.size == (8 * 66 + 2, 8 * 66 + 2)
    favourite, again = tmp_path / "out" / "favourite.png", tmp_path / "out" / "again.png"
    assert read_description(favourite)["character"]["seed"] == 42
    run("read_back.py", tmp_path, favourite)
    assert again.read_bytes() == favourite.read_bytes()


def test_a_tiny_training_run_ends_with_a_sheet(tmp_path, draw):
    (tmp_path / "faces").mkdir()
    for seed in range(32):
        draw(seed).save(tmp_path / "faces" / f"{seed}.png")
    run("tiny_training.py", tmp_path, "faces", 0.01)
    with Image.open(tmp_path / "out" / "tiny-run.png") as sheet:
        assert np.asarray(sheet).std() > 0

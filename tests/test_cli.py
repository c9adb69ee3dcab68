import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from animegen_core import checkpoint
from animegen_core.cli import app, parse_seeds
from animegen_core.errors import AnimeGenError
from animegen_core.images import read_description

ROOT = Path(__file__).parents[1]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def generate(tiny_checkpoint, out, seeds="0-3,100", *more):
    return run("generate", "--checkpoint", tiny_checkpoint, "--seeds", seeds, "--out", out, "--device", "cpu", *more)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_refused(result, *fragments):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert all(fragment in result.stderr for fragment in fragments)


@pytest.mark.parametrize(
    "text, seeds",
    [
        ("7", [7]),
        ("0-3,100", [0, 1, 2, 3, 100]),
        (" 5 , 2-2 ,5", [5, 2, 5]),
        ("4294967294-4294967295", [4294967294, 4294967295]),
    ],
)
def test_seeds_and_ranges_include_both_ends(text, seeds):
    assert parse_seeds(text) == seeds


BAD_SEEDS = ["", "one", "-1", "1-", "1-2-3", "1,,2", "1.5", "3-1", "4294967296", "0-4294967295", "²", "9" * 5000]


@pytest.mark.parametrize("text", BAD_SEEDS)
def test_bad_seeds_are_refused(text):
    with pytest.raises(AnimeGenError):
        parse_seeds(text)


def test_generate_writes_one_named_and_described_picture_per_seed(tiny_checkpoint, tmp_path):
    assert generate(tiny_checkpoint, tmp_path / "out", "0-3,100,4294967295").exit_code == 0
    names = [*(f"seed{seed:05d}.png" for seed in (0, 1, 2, 3, 100)), "seed4294967295.png"]
    assert sorted(contents(tmp_path / "out")) == sorted(names)
    description = read_description(tmp_path / "out" / "seed00100.png")
    assert description["checkpoint"] == "tiny"
    assert description["character"] == {"seed": 100}


def test_two_runs_write_identical_bytes(tiny_checkpoint, tmp_path):
    for name in ("first", "second"):
        assert generate(tiny_checkpoint, tmp_path / name).exit_code == 0
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_a_sheet_of_all_faces_on_request(tiny_checkpoint, tmp_path):
    assert generate(tiny_checkpoint, tmp_path / "out", "0-3", "--sheet", tmp_path / "sheet.png").exit_code == 0
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.size == (2 * 66 + 2, 2 * 66 + 2)
    assert sheet.crop((2, 2, 66, 66)).tobytes() == Image.open(tmp_path / "out" / "seed00000.png").tobytes()


def test_info_prints_json(tiny_checkpoint):
    result = run("info", tiny_checkpoint)
    assert result.exit_code == 0
    info = json.loads(result.stdout)
    assert (info["family"], info["resolution"], info["images_seen"]) == ("dcgan", 64, 1234)
    assert info["generator_parameters"] == 16_632


def test_info_without_a_name_lists_the_bundled_checkpoints(tiny_checkpoint, monkeypatch):
    monkeypatch.setattr(checkpoint, "BUNDLED", tiny_checkpoint.parent)
    assert json.loads(run("info").stdout) == ["tiny"]
    assert json.loads(run("info", "tiny").stdout)["name"] == "tiny"


def test_an_unknown_checkpoint_is_refused_and_nothing_written(tmp_path):
    assert_refused(run("info", "dcgan-65"), "Unknown checkpoint 'dcgan-65'", "bundled are: ")
    assert_refused(generate("dcgan-65", tmp_path / "out"), "Unknown checkpoint 'dcgan-65'")
    assert not (tmp_path / "out").exists()


def test_an_unknown_device_is_refused(tiny_checkpoint, tmp_path):
    assert_refused(generate(tiny_checkpoint, tmp_path, "1", "--device", "banana"), "'banana'")


def test_an_output_folder_that_is_a_file_is_refused(tiny_checkpoint, tmp_path):
    (tmp_path / "out").touch()
    result = generate(tiny_checkpoint, tmp_path / "out", "1")
    assert result.exit_code == 2
    assert str(tmp_path / "out") in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_mistake_ends_with_code_2_one_line_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "animegen_core", "generate", "--seeds", "1-x", "--out", tmp_path / "out"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "Error: '1-x' in '1-x' is no seed; write seeds and ranges from 0 to 4294967295, as in 0-63,100."
    ]
    assert not (tmp_path / "out").exists()

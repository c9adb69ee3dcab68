"""The experiment of the DCGAN's variants, with networks of few channels: a table, and nothing is trained twice."""

import math

import pytest
from typer.testing import CliRunner

from animegen_core.evaluation.results import percent
from animegen_core.training import best
from animegen_core.training.run_folder import load_options, read_log
from benchmarks import variants

TINY = dict(base_channels=4)
CHOSEN = ("standard", "no batch norm")


@pytest.fixture(autouse=True)
def small(monkeypatch, quick_snapshots):
    monkeypatch.setattr(best, "FACES", 60)
    monkeypatch.setattr(variants, "VARIANTS", {name: variants.VARIANTS[name] | TINY for name in CHOSEN})


@pytest.fixture
def faces(tmp_path, draw):
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(130):
        draw(number, (16, 16)).save(folder / f"{number:03d}.png")
    return folder


def run(*arguments):
    return CliRunner().invoke(variants.app, ["--device", "cpu", *map(str, arguments)])


def test_the_table_names_every_variant_and_a_second_call_trains_nothing(faces, tmp_path):
    out = tmp_path / "out"
    arguments = ("--data", faces, "--kimg", 0.256, "--out", out)
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    table = (out / "variants.md").read_text()
    assert table.startswith("130 images of faces at 64 px, 0.256 thousand seen by each variant, batch of 128")
    for name in CHOSEN:
        folder = out / f"{name.replace(' ', '-')}-seed0"
        score = read_log(folder / "log.csv")[-1]["fd_anime"]
        assert f"| {name} | {score:.1f} |" in table
        assert load_options(folder)["batch_norm"] == (name == "standard")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != "variants.md"}
    again = run(*arguments)
    assert again.exit_code == 0 and "Training in" not in again.output
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != "variants.md"} == before
    assert (out / "variants.md").read_text() == table

    other = run("--data", faces, "--kimg", 0.512, "--out", out)
    assert other.exit_code == 2
    assert "is a run with kimg 0.256, not 0.512; give another --out" in other.stderr


def test_one_that_diverges_does_not_stop_the_others(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(variants, "VARIANTS", {"wild": TINY | dict(lr=1e30), "standard": TINY})
    result = run("--data", faces, "--kimg", 0.256, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "| wild | - | - | - |" in result.output
    assert "Wild, seed 0, did not finish: Training diverged" in result.output
    assert (tmp_path / "out" / "standard-seed0" / "checkpoint-best").exists()


def test_too_few_pictures_are_told_before_anything_is_trained(pictures, tmp_path):
    result = run("--data", pictures, "--kimg", 1, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "12 images, fewer than one batch of 128" in result.stderr
    assert not (tmp_path / "out").exists()


def test_several_seeds_give_a_mean_and_a_range():
    logs = [[dict(fd_anime=score, real_score=0.5, fake_score=0.5, loss_g=1.0)] for score in (10.0, 14.0)]
    assert variants._cell(logs, lambda rows: rows[-1]["fd_anime"], "{:.1f}".format) == "12.0 (10.0 to 14.0)"
    assert variants._cell(logs, variants.outright, percent) == "0 % (0 % to 0 %)"


def test_outright_counts_the_rows_in_which_both_scores_are_beyond_doubt():
    rows = [dict(real_score=real, fake_score=fake) for real, fake in [(0.98, 0.02), (0.98, 0.2), (0.6, 0.01), (0.99, 0.0)]]
    assert variants.outright(rows) == 0.5


def test_swing_is_the_deviation_about_a_trend():
    flat = [dict(loss_g=1 + 0.2 * (-1) ** step) for step in range(100)]
    assert variants.swing(flat) == pytest.approx(0.2 * math.sqrt(2))
    trend = [dict(loss_g=0.01 * step) for step in range(100)]
    assert variants.swing(trend) == pytest.approx(0.01 / math.sqrt(2))
    assert math.isnan(variants.swing(flat[:1]))

"""An upscaler learns, goes on where it was killed, and is measured on pictures it has not seen."""

import json

import numpy as np
import pytest
import torch
import typer
from PIL import Image, ImageFilter, ImageOps
from typer.testing import CliRunner

from animegen_core.commands.errors import ExitOnError
from animegen_core.commands.upscaler import upscaler
from animegen_core.errors import AnimeGenError
from animegen_core.helpers.upscaling import UPSCALER_NETWORK, load_upscaler
from animegen_core.models.upscaler import Upscaler
from animegen_core.training.helpers.degradation import patch_of_pair
from animegen_core.training.helpers.upscaler import UpscalerOptions, UpscalerTrainer, edge_loss, hold_out
from animegen_core.training.helpers.upscaler_report import edge_sharpness, held_out_report, psnr

TINY = dict(channels=8, blocks=1, patch=16, batch=4, precision="fp32")
FLAGS = ["--channels=8", "--blocks=1", "--patch=16", "--batch=4", "--precision=fp32", "--resolution=32", "--device=cpu"]

app = typer.Typer(cls=ExitOnError)
app.callback()(lambda: None)
app.command("upscaler")(upscaler)


def run(*arguments):
    return CliRunner().invoke(app, ["upscaler", *map(str, arguments)])


@pytest.fixture(scope="module")
def blobs(draw):
    return [np.asarray(draw(seed, (32, 32))) for seed in range(12)]


@pytest.fixture
def folder(tmp_path, draw):
    """Pictures of which some are held out."""
    (tmp_path / "data").mkdir()
    for seed in range(24):
        draw(seed, (32, 32)).save(tmp_path / "data" / f"{seed:02d}.png")
    return tmp_path / "data"


def tensors(network):
    return list(network.state_dict().values())


def test_it_learns_to_be_better_than_interpolation(blobs):
    options = UpscalerOptions(kimg=2.4, lr=5e-3, channels=32, blocks=1, patch=32, batch=8, precision="fp32", ema_kimg=0.2)
    trainer = UpscalerTrainer(options, "cpu")
    losses = [float(sum(trainer.step(blobs).values())) for _ in range(300)]
    assert trainer.finished and np.mean(losses[-50:]) < 0.97 * np.mean(losses[:50])
    report = held_out_report(trainer.ema.network, blobs)
    for kind in ("clean", "degraded"):
        ours, theirs = report[kind]["upscaler"], report[kind]["lanczos"]
        assert ours["psnr"] > theirs["psnr"] + 0.25 and ours["sharpness"] > 1.1 * theirs["sharpness"]


def test_the_learning_rate_rises_and_falls_to_zero(blobs):
    trainer = UpscalerTrainer(UpscalerOptions(kimg=0.4, **TINY), "cpu")
    rates = []
    for _ in range(100):
        trainer.step(blobs)
        rates.append(trainer.optimizer.param_groups[0]["lr"])
    peak = int(np.argmax(rates))
    assert 0 < peak < 10 and rates[peak] > 0.95 * trainer.options.lr and rates[-1] < 0.01 * trainer.options.lr
    assert trainer.finished


def test_blurred_lines_cost_more_than_the_same_error_spread_out():
    line = torch.zeros(1, 3, 16, 16)
    line[..., 8] = 1.0
    spread = line + 1 / 16
    soft = line.clone()
    soft[..., 8], soft[..., 7] = 0.5, 0.5  # of the same mean error as ``spread``
    assert torch.isclose((spread - line).abs().mean(), (soft - line).abs().mean())
    assert edge_loss(spread, line) == 0 and edge_loss(soft, line) > 0.05


def test_the_held_out_tenth_depends_on_names_alone():
    names = [f"{number:04d}.webp" for number in range(2000)]
    used, held_out = hold_out(names)
    assert sorted(used + held_out) == list(range(2000)) and 150 < len(held_out) < 250
    some = names[503:900]
    assert {some[i] for i in hold_out(some)[1]} == {names[i] for i in held_out} & set(some)


def test_measures_of_a_picture():
    truth = np.asarray(Image.effect_noise((32, 32), 60).convert("RGB"))
    soft = np.asarray(Image.fromarray(truth).filter(ImageFilter.GaussianBlur(1)))
    assert psnr(truth, truth) > 100 and psnr(soft, truth) < 30
    assert psnr(np.full((4, 4, 3), 110, np.uint8), np.full((4, 4, 3), 100, np.uint8)) == pytest.approx(28.13, abs=0.01)
    assert edge_sharpness(truth, truth) == 1 and edge_sharpness(soft, truth) < 0.8
    assert edge_sharpness(truth, np.zeros_like(truth)) == 1


def test_grain_beside_the_edges_does_not_count_as_sharp():
    truth = np.zeros((64, 64, 3), np.uint8)
    truth[:, 32:] = 200
    truth[32:] = 255 - truth[32:]
    grainy = truth.copy()
    grainy[4:28:2, 4:28] += 40
    assert edge_sharpness(grainy, truth) == pytest.approx(1, abs=0.02)


def test_the_report_compares_with_interpolation_on_both_kinds_of_pictures(blobs):
    network = Upscaler(channels=4, blocks=1)
    report = held_out_report(network, blobs[:3])
    assert report == held_out_report(network, blobs[:3])  # the same degradations for everyone
    for kind in ("clean", "degraded"):
        ours, theirs = report[kind]["upscaler"], report[kind]["lanczos"]
        assert ours["psnr"] == pytest.approx(theirs["psnr"], abs=1)  # untrained it is bicubic interpolation
        assert 0 < ours["sharpness"] <= 1.2
    assert next(network.parameters()).dtype == torch.float32  # left as it was


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not(folder, tmp_path):
    whole = run("--data", folder, "--out", tmp_path / "a", "--runs", tmp_path / "runs", "--kimg", 0.04, *FLAGS)
    assert whole.exit_code == 0, whole.output
    stopped = run(
        "--data", folder, "--out", tmp_path / "b", "--runs", tmp_path / "runs", "--kimg", 0.04, "--max-minutes", 1e-9, *FLAGS
    )
    assert stopped.exit_code == 0, stopped.output
    assert json.loads((tmp_path / "b" / "config.json").read_text())["patches_seen"] == 0
    resumed = run("--resume", tmp_path / "runs" / "00001-upscaler-x4", "--device", "cpu")
    assert resumed.exit_code == 0, resumed.output
    assert all(map(torch.equal, tensors(load_upscaler(tmp_path / "a")), tensors(load_upscaler(tmp_path / "b"))))
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    assert config["patches_seen"] == 40 and config["pictures"] + config["held_out_pictures"] == 24
    assert {"clean", "degraded"} == config["held_out"].keys()
    assert '"psnr"' in resumed.output


def test_a_resumed_run_says_that_its_pictures_have_changed(folder, tmp_path, monkeypatch, draw):
    arguments = ["--data", folder, "--out", tmp_path / "out", "--runs", tmp_path / "runs", "--trained-on", "blobs", *FLAGS]
    assert "have changed" not in run(*arguments, "--kimg", 0.008).output
    resumed = ["--resume", tmp_path / "runs" / "00000-upscaler-x4", "--device", "cpu"]
    assert "have changed" not in run(*resumed, "--kimg", 0.012).output
    draw(24, (32, 32)).save(folder / "24.png")
    monkeypatch.setenv("ANIMEGEN_CACHE", str(tmp_path / "cache"))
    result = run(*resumed, "--kimg", 0.016)
    assert result.exit_code == 0 and "The images have changed: 24 before, 25 now" in result.output, result.output
    said = json.loads((tmp_path / "out" / "config.json").read_text())["trained_on"]
    assert said == "blobs, then 25 images from 'data'"


def test_a_run_killed_before_its_first_save_can_be_resumed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(UpscalerTrainer, "step", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    arguments = ["--data", folder, "--out", tmp_path / "out", "--runs", tmp_path / "runs", "--kimg", 0.008, *FLAGS]
    assert run(*arguments).exit_code != 0
    monkeypatch.undo()
    monkeypatch.setenv("ANIMEGEN_CACHE", str(tmp_path / "cache"))
    assert run("--resume", tmp_path / "runs" / "00000-upscaler-x4", "--device", "cpu").exit_code == 0
    load_upscaler(tmp_path / "out")


def test_a_run_that_diverges_keeps_its_last_good_state(folder, tmp_path, monkeypatch):
    def broken(trainer, *_data):
        with torch.no_grad():
            trainer.upscaler.tail.bias.fill_(float("nan"))
        trainer.progress["images_seen"] += 4
        return {"loss_pixels": torch.tensor(0.0)}

    monkeypatch.setattr(UpscalerTrainer, "step", broken)
    result = run("--data", folder, "--out", tmp_path / "out", "--runs", tmp_path / "runs", "--kimg", 0.008, *FLAGS)
    assert result.exit_code == 2 and "diverged" in result.output and "no state was saved" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "x"], "Give --data"),
        (["--data", "x"], "Give --out"),
        (["--data", "{folder}", "--out", "x", "--patch", 18], "patch is 18, but must be a multiple of the scale, 4"),
        (["--data", "{folder}", "--out", "x", "--lr", 0], "lr is 0.0, but must be above 0"),
        (["--data", "{folder}", "--out", "x", "--precision", "fp8"], "Unknown precision 'fp8'"),
        (["--data", "{folder}", "--out", "x", "--resolution", 32], "must be at least 96 px, the patch"),
        (["--resume", "{folder}"], "is not a run folder"),
    ],
)
def test_bad_input_is_one_sentence(folder, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    result = run(*[folder if argument == "{folder}" else argument for argument in arguments])
    assert result.exit_code == 2 and sentence in result.output and "Traceback" not in result.output


def test_a_resumed_run_keeps_its_options(folder, tmp_path):
    assert run("--data", folder, "--out", tmp_path / "a", "--runs", tmp_path / "runs", "--kimg", 0.008, *FLAGS).exit_code == 0
    result = run("--resume", tmp_path / "runs" / "00000-upscaler-x4", "--lr", 0.5)
    assert result.exit_code == 2 and "--lr cannot be changed" in result.output


def test_a_set_too_small_to_hold_anything_out_is_refused(folder, tmp_path):
    for path in sorted(folder.iterdir())[1:]:
        path.unlink()
    result = run("--data", folder, "--out", tmp_path / "a", "--runs", tmp_path / "runs", *FLAGS)
    assert result.exit_code == 2 and "has 1 images" in result.output


@pytest.fixture
def pairs(tmp_path, draw):
    """Small images, and the same ones by an upscaler that inverts them, so that a student of it is recognised."""
    for part in ("small", "large"):
        (tmp_path / "pairs" / part).mkdir(parents=True)
    for seed in range(24):
        picture = draw(100 + seed, (32, 32))
        picture.reduce(4).save(tmp_path / "pairs" / "small" / f"{seed:02d}.png")
        ImageOps.invert(picture).save(tmp_path / "pairs" / "large" / f"{seed:02d}.webp", lossless=True)
    return tmp_path / "pairs"


def test_a_small_upscaler_learns_what_another_one_draws(folder, pairs, tmp_path):
    arguments = ["--data", folder, "--out", tmp_path / "out", "--runs", tmp_path / "runs", *FLAGS]
    taught = ["--pairs", pairs, "--pair-fraction", 1, "--kimg", 0.8, "--lr", 0.01]
    result = run(*arguments, *taught, "--max-minutes", 1e-9)
    assert result.exit_code == 0, result.output
    result = run("--resume", tmp_path / "runs" / "00000-upscaler-x4", "--device", "cpu")  # it still knows the pairs
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    report = config["held_out"]
    assert 0 < config["pairs"] < 24
    assert report["pairs"]["upscaler"]["psnr"] > report["pairs"]["lanczos"]["psnr"] + 3
    assert report["clean"]["upscaler"]["psnr"] < report["clean"]["lanczos"]["psnr"]


def test_patches_of_a_pair_show_the_same_square(draw):
    large = np.asarray(draw(1, (32, 32)).resize((8, 8), Image.Resampling.NEAREST).resize((32, 32), Image.Resampling.NEAREST))
    for seed in range(8):
        few, many = patch_of_pair(large[::4, ::4], large, 16, np.random.default_rng(seed))
        assert few.size == (4, 4) and np.array_equal(np.asarray(many)[::4, ::4], np.asarray(few))


def test_images_without_a_partner_are_named(folder, pairs, tmp_path):
    (pairs / "large" / "07.webp").unlink()
    result = run("--data", folder, "--out", tmp_path / "out", "--pairs", pairs, *FLAGS)
    assert result.exit_code == 2 and "but '07' is in one of them only" in result.output
    result = run("--data", folder, "--out", tmp_path / "out", "--pairs", tmp_path / "nowhere", *FLAGS)
    assert result.exit_code == 2 and "nowhere" in result.output and "Traceback" not in result.output


def test_the_discriminator_learns_first_and_then_teaches(blobs):
    """Until the start the upscaler is that of a run without one; its loss pulls afterwards, towards sharper images."""
    plain, judged = (
        UpscalerTrainer(
            UpscalerOptions(**TINY | dict(patch=32), adversarial_weight=weight, adversarial_start_kimg=0.008), "cpu"
        )
        for weight in (0.0, 1.0)
    )
    first = [trainer.step(blobs) for trainer in (plain, judged)]
    assert "loss_d" in first[1] and "loss_d" not in first[0]
    plain.step(blobs), judged.step(blobs)
    assert all(map(torch.equal, tensors(plain.upscaler), tensors(judged.upscaler)))
    losses = [float(judged.step(blobs)["loss_d"]) for _ in range(40)]
    plain.step(blobs)
    assert not all(map(torch.equal, tensors(plain.upscaler), tensors(judged.upscaler)))
    assert np.mean(losses[-10:]) < np.mean(losses[:10])


def test_a_run_with_a_discriminator_resumes_exactly(folder, tmp_path):
    flags = ["--data", folder, "--runs", tmp_path / "runs", "--kimg", 0.04, "--patch", 32, *FLAGS, "--patch", 32]
    flags += ["--adversarial-weight", 0.5, "--adversarial-start-kimg", 0]
    assert run(*flags, "--out", tmp_path / "a").exit_code == 0
    assert run(*flags, "--out", tmp_path / "b", "--max-minutes", 1e-9).exit_code == 0
    assert run("--resume", tmp_path / "runs" / "00001-upscaler-x4", "--device", "cpu").exit_code == 0
    assert all(map(torch.equal, tensors(load_upscaler(tmp_path / "a")), tensors(load_upscaler(tmp_path / "b"))))


def test_a_larger_upscaler_begins_as_the_smaller_one(tmp_path, blobs):
    trainer = UpscalerTrainer(UpscalerOptions(**TINY, lr=0.01), "cpu")
    for _ in range(5):
        trainer.step(blobs)
    UPSCALER_NETWORK.save(tmp_path / "small", trainer.upscaler, {})
    larger = UpscalerTrainer(UpscalerOptions(**TINY | dict(blocks=3), init_from=str(tmp_path / "small")), "cpu")
    image = torch.rand(1, 3, 8, 8) * 2 - 1
    for network in (larger.upscaler, larger.ema.network):
        torch.testing.assert_close(network(image), load_upscaler(tmp_path / "small")(image), rtol=1e-3, atol=1e-3)
    with pytest.raises(AnimeGenError, match="cannot begin one of"):
        UpscalerTrainer(UpscalerOptions(**TINY | dict(channels=16), init_from=str(tmp_path / "small")), "cpu")


def test_options_say_what_is_wrong():
    with pytest.raises(AnimeGenError, match="edge_weight is -1, but must be at least 0"):
        UpscalerOptions(edge_weight=-1)

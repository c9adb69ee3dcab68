"""Runs of the small networks (upscaler, encoder, classifier, feature network) stop when asked to and resume to the bit."""

import json
import os
import signal

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from typer.testing import CliRunner

from animegen_core.commands.main import app as program
from animegen_core.commands.training import app as training
from animegen_core.data.tags import Tag, write_tags
from animegen_core.training.helpers.classifier import ClassifierTrainer
from animegen_core.training.helpers.encoder import EncoderTrainer
from animegen_core.training.helpers.features import FeatureTrainer
from animegen_core.training.helpers.upscaler import UpscalerTrainer
from animegen_core.training.run_folder import read_log

CLASSIFIER = ["--widths", "4,8", "--batch", 8, "--epochs", 3, "--log-interval", 1]
UPSCALER = ["--channels", 8, "--blocks", 1, "--patch", 16, "--batch", 4, "--resolution", 32, "--device", "cpu", "--kimg", 0.024]
ENCODER = ["--channel-base", 64, "--channel-max", 4, "--batch", 4, "--device", "cpu", "--kimg", 0.024, "--precision", "fp32"]
# Which program, its trainer, its flags, and the steps of the whole run.
NETWORKS = {
    "upscaler": (training, UpscalerTrainer, [*UPSCALER, "--precision", "fp32"], 6),
    "encoder": (training, EncoderTrainer, ENCODER, 6),
    "classifier": (training, ClassifierTrainer, CLASSIFIER, 6),
    "features": (program, FeatureTrainer, ["--epochs", 6], 6),
}


@pytest.fixture
def start(tmp_path, draw, family_checkpoints):
    """start(name, out, *flags) trains one in this process on pictures and tags made here."""
    (tmp_path / "faces").mkdir()
    for seed in range(24):
        draw(seed, (64, 64)).save(tmp_path / "faces" / f"{seed:02d}.png")
    write_tags(tmp_path / "tags.csv", [Tag(f"{seed:02d}.png", (seed % 6, seed % 3)) for seed in range(24)])

    def begin(name, out, *flags):
        labels = [] if name in ("upscaler", "encoder") else ["--labels", tmp_path / "tags.csv"]
        of = ["--checkpoint", family_checkpoints["stylegan2"]] if name == "encoder" else []
        arguments = ["--data", tmp_path / "faces", *labels, *of, "--out", tmp_path / out, "--runs", tmp_path / f"{out}-runs"]
        return command(name, *arguments, *NETWORKS[name][2], *flags)

    return begin


def command(name, *arguments):
    return CliRunner().invoke(NETWORKS[name][0], [name, *map(str, arguments)])


def run_of(tmp_path, out):
    (folder,) = (tmp_path / f"{out}-runs").iterdir()
    return folder


def steps_of(folder):
    with safe_open(folder / "state.safetensors", "pt") as file:
        return json.loads(file.metadata()["progress"])["steps"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_ended_by_sigterm_resumes_to_the_network_of_one_never_stopped(name, start, tmp_path, monkeypatch):
    _, trainer, _, steps = NETWORKS[name]
    assert (whole := start(name, "whole")).exit_code == 0, whole.output
    step = trainer.step

    def stopping_step(self, *batch):
        if self.progress["steps"] == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *batch)

    monkeypatch.setattr(trainer, "step", stopping_step)
    assert (stopped := start(name, "parts")).exit_code == 0, stopped.output
    monkeypatch.undo()
    folder = run_of(tmp_path, "parts")
    assert steps_of(folder) == 4  # the step that was going on is whole
    torch.manual_seed(99)
    assert (resumed := command(name, "--resume", folder)).exit_code == 0, resumed.output

    assert steps_of(folder) == steps_of(run_of(tmp_path, "whole")) == steps
    for file in ("{}/model.safetensors", "{}-runs/" + folder.name + "/state.safetensors"):
        one, other = (load_file(tmp_path / file.format(out)) for out in ("whole", "parts"))
        assert one.keys() == other.keys() and not [key for key in one if not torch.equal(one[key], other[key])]


@pytest.mark.parametrize("name", ["classifier", "features"])
def test_the_time_limit_is_of_one_start_and_options_stay(name, start, tmp_path):
    stopped = start(name, "out", "--max-minutes", 1e-9)
    assert stopped.exit_code == 0, stopped.output
    folder = run_of(tmp_path, "out")
    assert steps_of(folder) == 0 and (tmp_path / "out" / "config.json").exists()
    refused = command(name, "--resume", folder, "--seed", 5)
    assert refused.exit_code == 2 and "--seed cannot be changed; these can: data, labels, out" in refused.stderr
    assert command(name, "--resume", folder).exit_code == 0
    assert steps_of(folder) == NETWORKS[name][3]


def test_the_log_has_the_losses_of_a_classifier(start, tmp_path):
    assert start("classifier", "out").exit_code == 0
    rows = read_log(run_of(tmp_path, "out") / "log.csv")
    assert [row["images"] for row in rows] == [8, 16, 24, 32, 40, 48] and rows[0]["loss"] > 0


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("classifier", [], "Give --data"),
        ("classifier", ["--data", "x", "--labels", "y"], "Give --out"),
        ("features", ["--data", "x", "--out", "y"], "Give --labels"),
        ("classifier", ["--widths", "4"], "widths is '4', but must be two or more whole numbers"),
        ("classifier", ["--lr", 0], "lr is 0.0, but must be above 0"),
        ("encoder", [], "Give --checkpoint"),
        ("encoder", ["--checkpoint", "dcgan-64"], "Checkpoint 'dcgan-64' has no styles, so it needs no encoder of w"),
        ("encoder", ["--checkpoint", "stylegan2-64", "--style-mixing", 2], "style_mixing is 2.0, but must be from 0 to 1"),
        ("features", ["--seed", -1], "seed is -1, but must be at least 0"),
        ("features", ["--resume", "nowhere"], "'nowhere' is not a run folder"),
    ],
)
def test_bad_input_is_one_sentence(name, arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = command(name, *arguments)
    assert result.exit_code == 2 and sentence in result.stderr and "Traceback" not in result.output
    assert not any(tmp_path.iterdir())

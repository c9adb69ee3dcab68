"""--evaluate-every: faces are measured while a run goes on, the best are kept, and training goes on as if unwatched."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.utils.data import DataLoader, TensorDataset
from typer.testing import CliRunner

from animegen_core import AnimeGenError, Studio
from animegen_core.checkpoint import load_checkpoint
from animegen_core.commands.training import app
from animegen_core.data import PictureDataset, load_pictures
from animegen_core.evaluation.distances import frechet_distance
from animegen_core.evaluation.drawing import characters, draw
from animegen_core.helpers.features import extract, imagenet_space, real_features, trained_space
from animegen_core.models import dcgan
from animegen_core.training import DCGANOptions, best, train, train_dcgan
from animegen_core.training.best import SCORE, BestSnapshot
from animegen_core.training.recipes import DCGANRecipe, StyleGAN2Recipe
from animegen_core.training.run_folder import read_log
from animegen_core.training.style_options import StyleGAN2Options

PICTURES, BATCH, FACES = 64, 8, 70
EVERY = 0.016  # kimg: two batches


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few faces."""
    monkeypatch.setattr(best, "FACES", FACES)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder of as many pictures as measuring needs."""
    folder = tmp_path_factory.mktemp("faces")
    for number in range(PICTURES):
        noise = np.random.RandomState(number).randint(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((20, 20), Image.Resampling.BICUBIC).save(folder / f"{number:02d}.png")
    return folder


def trained(*arguments):
    """The run folder of ``train.py dcgan`` in this process."""
    basics = ("dcgan", "--device", "cpu", "--precision", "fp32", "--batch", BATCH, "--base-channels", 4)
    basics += ("--ema-rampup", 2, "--lr", 0.01)
    resumed = "--resume" in arguments
    result = CliRunner().invoke(app, list(map(str, basics[:3] if resumed else basics)) + list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    folder = arguments[arguments.index("--resume" if resumed else "--out") + 1]
    return folder if resumed else folder / "00000-dcgan-64"


def scores(folder):
    """Pictures seen -> the score in that row of the log."""
    return {int(row["images"]): row["fd_anime"] for row in read_log(folder / "log.csv") if not math.isnan(row["fd_anime"])}


def state(folder):
    return load_file(folder / "state.safetensors")


def note(folder):
    return json.loads((folder / "checkpoint-best" / SCORE).read_text())


def test_scores_are_logged_at_every_interval_and_the_best_is_kept(faces, tmp_path):
    folder = trained("--data", faces, "--out", tmp_path, "--kimg", 0.056, "--evaluate-every", EVERY, "--log-interval", 1)
    found = scores(folder)
    assert list(found) == [16, 32, 48]
    assert [row["images"] for row in read_log(folder / "log.csv")] == [8, 16, 24, 32, 40, 48, 56]  # one row each
    assert note(folder)["fd_anime"] == pytest.approx(min(found.values()), abs=1e-3)
    assert found[note(folder)["images_seen"]] == min(found.values())
    shipped = load_checkpoint(folder / "checkpoint-best")
    assert shipped.config["images_seen"] == note(folder)["images_seen"]
    assert shipped.config["trained_on"] == load_checkpoint(folder / "checkpoint").config["trained_on"]


def test_the_score_is_that_of_the_faces_the_studio_draws_from_the_kept_checkpoint(faces, tmp_path):
    folder = trained("--data", faces, "--out", tmp_path, "--kimg", EVERY, "--evaluate-every", EVERY)
    studio, space = Studio.load(folder / "checkpoint-best", "cpu"), trained_space()
    fakes = extract(space.network, draw(studio, characters(studio, FACES, 0, 1.0, None)))
    real = real_features(load_pictures(faces, 64), space)
    assert len(real) == PICTURES
    assert note(folder)["fd_anime"] == pytest.approx(frechet_distance(real, fakes), rel=0.01)  # weights are saved as halves


def test_a_run_may_be_measured_in_imagenet_features(faces, tmp_path):
    measured = ("--evaluate-every", EVERY, "--evaluate-by", "imagenet")
    folder = trained("--data", faces, "--out", tmp_path, "--kimg", EVERY, *measured)
    studio, space = Studio.load(folder / "checkpoint-best", "cpu"), imagenet_space(64)
    fakes = extract(space.network, draw(studio, characters(studio, FACES, 0, 1.0, None)))
    expected = frechet_distance(real_features(load_pictures(faces, 64), space), fakes)
    assert note(folder)["fd_imagenet"] == pytest.approx(expected, rel=0.01)
    assert [row["fd_imagenet"] for row in read_log(folder / "log.csv")][-1] == pytest.approx(expected, rel=0.01)


def test_training_goes_on_as_if_it_were_not_measured(faces, tmp_path):
    plain = trained("--data", faces, "--out", tmp_path / "plain", "--kimg", 0.032)
    measured = trained("--data", faces, "--out", tmp_path / "measured", "--kimg", 0.032, "--evaluate-every", 0.012)
    assert list(scores(measured)) == [16, 24]  # at the first batch that reaches 12, and 24
    first, second = state(plain), state(measured)
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_measuring_draws_no_random_number(faces, tmp_path):
    dataset = PictureDataset(load_pictures(faces, 16).pictures, torch.zeros(PICTURES, 2, dtype=torch.int64))
    options = StyleGAN2Options(resolution=16, latent_dim=8, mapping_depth=2, channel_base=64, channel_max=8, labels="tags.csv")
    generator, _ = StyleGAN2Recipe(options).build()
    before = torch.get_rng_state()
    keeper = BestSnapshot(tmp_path, dataset, dataset.labels, torch.device("cpu"))
    first, second = (keeper.measure("stylegan2", generator.eval()) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert first == second > 0


def test_faces_are_drawn_in_the_colours_of_the_data(faces, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(best, "draw", lambda studio, wanted: asked.extend(wanted) or draw(studio, wanted[:2]))
    labels = torch.tensor([[2, -1]]).expand(PICTURES, 2)
    dataset = PictureDataset(load_pictures(faces, 64).pictures, labels)
    generator = dcgan.ConditionalGenerator(8, 4).eval()
    BestSnapshot(tmp_path, dataset, labels, torch.device("cpu")).measure("conditional-dcgan", generator)
    assert {(face.hair, face.eyes) for face in asked} == {("blonde", None)}
    assert [face.seed for face in asked] == list(range(FACES))


def test_a_resumed_run_measures_as_one_without_a_stop(faces, tmp_path):
    arguments = ("--data", faces, "--evaluate-every", EVERY)
    whole = trained(*arguments, "--out", tmp_path / "whole", "--kimg", 0.048)
    parts = trained(*arguments, "--out", tmp_path / "parts", "--kimg", 0.024)
    assert list(scores(parts)) == [16]
    trained("--resume", parts, "--kimg", 0.048)
    assert scores(parts) == scores(whole) and list(scores(whole)) == [16, 32, 48]
    assert note(parts) == note(whole)
    assert all(torch.equal(state(whole)[name], tensor) for name, tensor in state(parts).items())


def test_a_resumed_run_remembers_the_best(faces, tmp_path):
    folder = trained("--data", faces, "--out", tmp_path, "--kimg", EVERY, "--evaluate-every", EVERY)
    unbeatable = note(folder) | {"fd_anime": -1.0}
    (folder / "checkpoint-best" / SCORE).write_text(json.dumps(unbeatable))
    trained("--resume", folder, "--kimg", 0.048)
    assert note(folder) == unbeatable
    assert load_checkpoint(folder / "checkpoint-best").config["images_seen"] == 16
    assert load_checkpoint(folder / "checkpoint").config["images_seen"] == 48


@pytest.mark.parametrize("text", ["not json", "[]", '{"fd_anime": -1, "faces": 9, "features": "of another network"}'])
def test_a_score_that_does_not_compare_is_beaten(faces, tmp_path, text):
    (tmp_path / SCORE).write_text(text)
    keeper = BestSnapshot(tmp_path, PictureDataset(load_pictures(faces, 16).pictures), None, torch.device("cpu"))
    assert keeper.score is None
    assert keeper.keep(7.0, 1, lambda folder: None)


def test_only_a_lower_score_replaces_the_best(faces, tmp_path, monkeypatch):
    given = iter([5.0, 3.0, 3.0, 4.0])
    monkeypatch.setattr(BestSnapshot, "measure", lambda *_: next(given))
    folder = trained("--data", faces, "--out", tmp_path, "--kimg", 0.064, "--evaluate-every", EVERY)
    assert list(scores(folder).values()) == [5, 3, 3, 4]
    assert (note(folder)["fd_anime"], note(folder)["images_seen"]) == (3, 32)
    assert load_checkpoint(folder / "checkpoint-best").config["images_seen"] == 32


def test_real_features_come_from_the_file_beside_the_picture_cache(faces, tmp_path, isolated_cache):
    dataset = PictureDataset(load_pictures(faces, 32).pictures)
    real = BestSnapshot(tmp_path, dataset, None, torch.device("cpu")).real
    (kept,) = isolated_cache.glob("*-features-*.npy")
    np.save(kept, real.numpy() + 1)
    assert torch.equal(BestSnapshot(tmp_path, dataset, None, torch.device("cpu")).real, real + 1)
    in_memory = PictureDataset(np.array(dataset.pictures))
    assert torch.equal(BestSnapshot(tmp_path, in_memory, None, torch.device("cpu")).real, real)


def test_what_cannot_be_measured_is_one_sentence(pictures, tmp_path):
    with pytest.raises(AnimeGenError, match="There are 12 images, but evaluate_every needs at least 60"):
        loader = DataLoader(PictureDataset(load_pictures(pictures, 64).pictures), 4)
        train(DCGANRecipe(DCGANOptions(kimg=1, batch=4, evaluate_every=1)), loader, tmp_path, "cpu")
    with pytest.raises(AnimeGenError, match=r"make_loader makes it, not a TensorDataset"):
        train_dcgan(DataLoader(TensorDataset(torch.zeros(64, 3, 64, 64)), 4), 1, "cpu", tmp_path / "run", evaluate_every=1)
    with pytest.raises(AnimeGenError, match="evaluate_every is 0, but must be above 0"):
        DCGANOptions(evaluate_every=0)


def test_a_run_that_is_not_measured_has_no_such_column_and_no_best(faces, tmp_path):
    folder = trained("--data", faces, "--out", tmp_path, "--kimg", 0.008)
    assert "fd_anime" not in read_log(folder / "log.csv")[0]
    assert not (folder / "checkpoint-best").exists()

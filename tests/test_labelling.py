"""A classifier learns colours from a tag file, is saved, loaded and tags a folder."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from animegen_core.commands.main import app
from animegen_core.data.tags import Tag, labels_for, read_tags, write_tags
from animegen_core.errors import AnimeGenError
from animegen_core.helpers.labelling import CLASSIFIER, label_pictures, load_classifier, tags_of
from animegen_core.labels import ANY, HAIR
from animegen_core.models.classifier import ColourClassifier
from animegen_core.training.helpers.classifier import (
    ClassifierOptions,
    accuracies,
    balance,
    calibrate,
    fit_and_save,
    random_shift,
    train_classifier,
)
from animegen_core.training.helpers.runs import HelperRun

RED, BLUE = HAIR.index("red"), HAIR.index("blue")
TINY = (4, 8)


def faces(count, seed=0):
    """Pictures whose upper half is red or blue, with the label of it; the eyes are unknown."""
    random = np.random.RandomState(seed)
    pictures = random.randint(0, 60, (count, 64, 64, 3)).astype(np.uint8)
    red = random.rand(count) < 0.5
    pictures[red, :32, :, 0] = 220
    pictures[~red, :32, :, 2] = 220
    labels = torch.full((count, 2), ANY)
    labels[:, 0] = torch.where(torch.from_numpy(red), RED, BLUE)
    return pictures, labels


def write_faces(folder, pictures):
    """Files 00.png, 01.png, ... in a new folder."""
    folder.mkdir()
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{index:02d}.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.manual_seed(0)
    options, folder = ClassifierOptions(epochs=6, batch=16, lr=1e-2), tmp_path_factory.mktemp("run")
    return train_classifier(ColourClassifier(TINY), *faces(96), options, folder)


def test_it_learns_the_colours_it_is_shown(trained):
    report = accuracies(trained, *faces(64, seed=1))
    assert report["hair"]["overall"] > 0.95 and report["hair"]["red"] > 0.9
    assert np.isnan(report["eyes"]["overall"])  # nothing was known of the eyes


def test_tags_carry_the_colour_and_its_probability(trained):
    pictures, labels = faces(8, seed=2)
    tags = tags_of([f"{i}.png" for i in range(8)], pictures, trained)
    assert [tag.labels[0] for tag in tags] == labels[:, 0].tolist()
    assert all(0 < p <= 1 for tag in tags for p in tag.probabilities)


def test_calibration_brings_probabilities_near_the_share_that_is_right(trained):
    pictures, labels = faces(200, seed=3)
    wrong = torch.arange(200) % 4 == 0
    labels[wrong, 0] = RED + BLUE - labels[wrong, 0]
    before = trained.temperature.clone()
    errors = []
    for _ in range(2):
        confidence = np.mean([tag.probabilities[0] for tag in tags_of(["x"] * 200, pictures, trained)])
        errors.append(abs(confidence - 0.75))
        calibrate(trained, pictures, labels)
    trained.temperature.copy_(before)
    assert errors[1] < errors[0] / 2


def test_rare_colours_weigh_more_and_the_mean_weight_is_one():
    labels = torch.tensor([0] * 9 + [1] + [ANY] * 5)
    weights = balance(labels, 3)
    assert weights[1] == pytest.approx(3 * weights[0])
    assert weights[labels[labels != ANY]].mean() == pytest.approx(1)


def test_a_shift_moves_each_picture_as_a_whole():
    torch.manual_seed(0)
    images = torch.arange(64.0).view(1, 1, 8, 8).expand(50, 3, 8, 8)
    shifted = random_shift(images, 2)
    inner = shifted[:, :, 2:6, 2:6]
    offset = inner - images[:, :, 2:6, 2:6]
    assert torch.equal(offset, offset[:, :1, :1, :1].expand_as(offset))
    assert len(offset[:, 0, 0, 0].unique()) > 10


def test_a_saved_classifier_tags_a_folder_like_the_one_that_was_trained(trained, tmp_path):
    pictures, labels = faces(4, seed=4)
    write_faces(tmp_path / "faces", pictures)
    (tmp_path / "faces" / "broken.png").write_bytes(b"no picture")
    CLASSIFIER.save(tmp_path / "classifier", trained, {"licence": "mit"})
    labelled = label_pictures(tmp_path / "faces", load_classifier(tmp_path / "classifier"))
    assert [tag.labels[0] for tag in labelled.tags] == labels[:, 0].tolist()
    assert "broken.png" in labelled.skipped_message


def test_the_command_tags_a_folder_into_a_file_that_training_reads(trained, tmp_path):
    pictures, labels = faces(3, seed=5)
    write_faces(tmp_path / "faces", pictures)
    folder, out = CLASSIFIER.save(tmp_path / "classifier", trained, {}), tmp_path / "tags.csv"
    arguments = ["label", "--data", tmp_path / "faces", "--out", out, "--classifier", folder]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    assert labels_for(["00.png", "01.png", "02.png"], read_tags(out))[:, 0].tolist() == labels[:, 0].tolist()


def test_fitting_holds_pictures_out_and_writes_their_accuracy_into_the_config(tmp_path):
    pictures, labels = faces(60)
    write_faces(tmp_path / "faces", pictures)
    write_tags(tmp_path / "tags.csv", [Tag(f"{i:02d}.png", tuple(label)) for i, label in enumerate(labels.tolist())])
    settings = {"data": tmp_path / "faces", "labels": tmp_path / "tags.csv", "out": tmp_path / "out"}
    settings |= {"trained_on": "blobs", "licence": "mit"}
    asked = HelperRun("classifier", settings, ClassifierOptions(epochs=2, batch=16, seed=1, widths="4,8"))
    fit_and_save(asked, tmp_path / "runs")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["pictures"], config["held_out_pictures"]) == (54, 6)
    assert 0 <= config["held_out_accuracy"]["hair"]["overall"] <= 1
    load_classifier(tmp_path / "out")


def test_a_generator_is_no_classifier(tiny_checkpoint):
    with pytest.raises(AnimeGenError, match="is not a classifier"):
        load_classifier(tiny_checkpoint)

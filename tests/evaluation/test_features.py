"""Feature networks: what they respond to, how they are balanced, trained, saved and cached."""

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from animegen_core.data import load_pictures
from animegen_core.data.tags import Tag, write_tags
from animegen_core.errors import AnimeGenError
from animegen_core.helpers.features import (
    FeatureNetwork,
    extract,
    imagenet_space,
    random_space,
    real_features,
    trained_space,
)
from animegen_core.images import to_images
from animegen_core.models.imagenet import HELPERS
from animegen_core.training.helpers import features as pretraining
from animegen_core.training.helpers.features import (
    PretrainingOptions,
    contrastive_loss,
    damaged_view,
    fit_and_save,
    held_out_tenth,
)
from animegen_core.training.helpers.runs import HelperRun


def faces(draw, count=24):
    return np.stack([np.asarray(draw(seed, (64, 64))) for seed in range(count)])


def test_the_random_network_is_the_same_everywhere_for_ever():
    space = random_space()
    kernels = [value.numpy().tobytes() for value in space.network.parameters() if value.ndim == 4]
    assert hashlib.sha256(b"".join(kernels)).hexdigest()[:12] == "1d020b2bb9a4"
    assert random_space(1).key != space.key


def test_imagenet_features_are_taken_at_a_fitting_size_by_a_network_that_helps_no_training(draw):
    pictures = faces(draw, 3)
    space = imagenet_space(64)
    assert (space.title, space.key) == ("imagenet", "efficientnet-lite1-128") and "efficientnet-lite1" not in HELPERS
    assert imagenet_space(1024).key == "efficientnet-lite1-256"
    found = extract(space.network, pictures)
    enlarged = torch.nn.functional.interpolate(to_images(pictures), (128, 128), mode="bicubic")
    assert found.shape == (3, 1280) and torch.allclose(found, space.network(enlarged), atol=1e-4)


def test_features_do_not_depend_on_the_batch_or_the_size_of_the_picture(draw):
    network, pictures = trained_space().network, faces(draw, 5)
    together = extract(network, pictures)
    assert torch.allclose(together[3:4], extract(network, pictures[3:4]), atol=1e-4)
    enlarged = pictures.repeat(2, axis=1).repeat(2, axis=2)
    assert torch.nn.functional.cosine_similarity(together, extract(network, enlarged)).min() > 0.5


def test_balancing_standardises_and_weakens_only_what_slight_changes_move():
    torch.manual_seed(0)
    network = FeatureNetwork((4, 4, 4, 3))
    raw = torch.randn(4000, 3) * torch.tensor([1.0, 5, 2]) + 7
    network.balance(raw, torch.tensor([[0.0, 10, 0]]).repeat(50, 1))
    balanced = (raw - network.centre) @ network.basis
    assert balanced.mean(0).abs().max() < 1e-3
    assert balanced.std(0).tolist() == pytest.approx([1, 41**-0.5, 1], abs=0.02)  # (1 + 10 x (10 / 5)^2)^-1/2


def test_views_are_damaged_as_they_say(draw):
    torch.manual_seed(0)
    images = to_images(faces(draw, 4)).repeat(60, 1, 1, 1)
    views, damages = damaged_view(images)
    assert views.shape == images.shape and views.isfinite().all()
    assert torch.bincount(damages, minlength=5).min() > 20
    grain = (views - torch.nn.functional.avg_pool2d(views, 3, 1, 1)).square().mean((1, 2, 3))
    whole, soft, noisy = (grain[damages == pretraining.DAMAGES.index(name)].mean() for name in ("none", "soft", "noisy"))
    assert soft < whole < noisy


def test_views_of_one_picture_are_recognised_as_such():
    torch.manual_seed(0)
    vectors = torch.randn(16, 8)
    assert contrastive_loss(torch.cat([vectors, vectors])) < contrastive_loss(torch.cat([vectors, vectors.roll(1, 0)])) - 1


def test_training_holds_a_tenth_out_and_saves_a_network_that_loads(draw, tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining, "FeatureNetwork", lambda: FeatureNetwork((8, 8, 8, 16)))
    (tmp_path / "faces").mkdir()
    for seed in range(60):
        draw(seed % 6, (64, 64)).save(tmp_path / "faces" / f"{seed:02d}.png")
    write_tags(tmp_path / "tags.csv", [Tag(f"{seed:02d}.png", (seed % 6, -1)) for seed in range(60)])
    settings = {"data": tmp_path / "faces", "labels": tmp_path / "tags.csv", "out": tmp_path / "out"}
    settings |= {"trained_on": "blobs", "licence": "mit"}
    report = fit_and_save(HelperRun("features", settings, PretrainingOptions(epochs=4, batch=18)), tmp_path / "runs")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["pictures"], config["held_out_pictures"]) == (54, 6)
    assert report == config["held_out_accuracy"] and 0 <= report["hair"] <= 1 and report["eyes"] is None
    network = trained_space(tmp_path / "out").network
    cache = load_pictures(tmp_path / "faces")
    assert extract(network, cache.pictures[held_out_tenth(60)[1]]).mean(0).abs().max() < 0.05


def test_real_features_are_computed_once_and_anew_for_other_data_or_weights(draw, pictures, isolated_cache, monkeypatch):
    first = real_features(load_pictures(pictures), random_space())
    monkeypatch.setattr("animegen_core.helpers.features.extract", None)
    assert torch.equal(real_features(load_pictures(pictures), random_space()), first)
    monkeypatch.undo()
    monkeypatch.setenv("ANIMEGEN_CACHE", str(isolated_cache))
    assert not torch.equal(real_features(load_pictures(pictures), random_space(1)), first)
    draw(99).save(pictures / "00.png")
    changed = real_features(load_pictures(pictures), random_space())
    assert not torch.equal(changed[0], first[0]) and torch.equal(changed[1:], first[1:])
    assert len(list(isolated_cache.glob("*-features-*"))) == 1  # those of the data that is gone went with it


def test_what_is_no_feature_network_is_refused(tiny_checkpoint, tmp_path):
    with pytest.raises(AnimeGenError, match="is not a feature network"):
        trained_space(tiny_checkpoint)
    (tmp_path / "config.json").write_text(json.dumps({"family": "other", "network": {}}))
    with pytest.raises(AnimeGenError, match=r"is not a feature network: its config\.json names the family 'other'"):
        trained_space(tmp_path)


def test_grey_pictures_have_features_too():
    assert extract(trained_space().network, np.asarray(Image.new("RGB", (64, 64), "grey"))[None]).isfinite().all()

"""Training of a VAE: its options, the two terms of its loss, and that it learns."""

import math

import pytest
import torch
from torch.utils.data import DataLoader

from animegen_core import AnimeGenError, Studio
from animegen_core.training import Trainer, VAEOptions, train_vae
from animegen_core.training.recipes import VAERecipe

TINY = dict(resolution=16, latent_dim=8, channel_base=256, channel_max=16, batch=4, precision="fp32", flip=False)


@pytest.fixture
def images():
    """Four images that differ in colour and in the place of an edge."""
    torch.manual_seed(0)
    colours, edges = torch.rand(2, 4, 3, 1, 1) * 2 - 1, torch.arange(16) < torch.tensor([4, 6, 10, 12])[:, None, None, None]
    return torch.where(edges, *colours).expand(4, 3, 16, 16)


def trainer(**changes):
    return Trainer(VAERecipe(VAEOptions(**TINY | dict(feature_weight=0.0) | changes)), "cpu")


def test_it_learns_to_reconstruct(images):
    run = trainer(kl_weight=1e-4, lr=5e-3)
    first, *_, last = (float(run.step(images)["loss_pixels"]) for _ in range(60))
    assert last < 0.4 * first
    mean, _ = run.generator.encode(images)
    wrong = run.generator(mean.roll(1, 0))
    assert (run.generator(mean) - images).abs().mean() < 0.5 * (wrong - images).abs().mean()


def test_the_divergence_counts_after_the_warmup_only(images):
    early = trainer(kl_weight=0.5).step(images)
    assert early["loss_g"] == early["loss_pixels"] and early["kl"] > 0
    late = trainer(kl_weight=0.5, kl_warmup_kimg=0).step(images)
    assert late["loss_g"] == pytest.approx(float(late["loss_pixels"] + 0.5 * late["kl"]), rel=1e-5)
    options = VAEOptions(kl_weight=0.5, kl_warmup_kimg=10)
    assert [options.kl_weight_at(images) for images in (0, 5000, 10_000, 20_000)] == [0, 0.25, 0.5, 0.5]


def test_features_have_their_weight(images):
    stats = trainer(feature_weight=2.0).step(images)
    assert stats["loss_g"] == pytest.approx(float(stats["loss_pixels"] + 2 * stats["loss_features"]), rel=1e-5)


def test_from_python(images, tmp_path):
    options = {name: value for name, value in TINY.items() if name not in ("batch", "latent_dim")}
    checkpoint = train_vae(DataLoader(images, 4), 1, "cpu", tmp_path / "run", 8, feature_weight=0.0, **options)
    assert Studio.load(checkpoint, "cpu").checkpoint.config["family"] == "vae"


@pytest.mark.parametrize(
    "name, value",
    [
        ("kl_weight", -1), ("kl_weight", math.nan), ("kl_warmup_kimg", -1), ("feature_weight", -0.5), ("feature_size", 65),
        ("latent_dim", 0), ("resolution", 48), ("label_dropout", 2), ("augment", "translation"), ("lr_d", 1e-4),
    ],
)  # fmt: skip
def test_a_bad_option_is_quoted(name, value):
    with pytest.raises(AnimeGenError) as error:
        VAEOptions(**{name: value})
    assert name in str(error.value) and repr(value) in str(error.value)


def test_the_helper_alone_needs_a_discriminator():
    with pytest.raises(
        AnimeGenError, match=r"^helper_only is True, but a VAE has no discriminator of its own; leave it out\.$"
    ):
        VAEOptions(helper="efficientnet-lite0", helper_only=True)

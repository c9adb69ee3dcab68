"""Training of an encoder of w."""

import shutil

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from animegen_core import Studio
from animegen_core.checkpoint import load_checkpoint
from animegen_core.checkpoint.weights import read_json
from animegen_core.commands.training import app
from animegen_core.training.helpers.encoder import EncoderOptions, EncoderTrainer

TINY = dict(channel_base=256, channel_max=16, batch=8, precision="fp32")


@pytest.fixture
def checkpoint(family_checkpoints, tmp_path):
    """A copy of the tiny StyleGAN2, which an encoder may be written to."""
    return shutil.copytree(family_checkpoints["stylegan2"], tmp_path / "tiny-stylegan2")


def test_it_learns_w_and_the_image(checkpoint):
    trainer = EncoderTrainer(load_checkpoint(checkpoint), EncoderOptions(**TINY | dict(batch=16, lr=2e-3)), "cpu")
    rows = [trainer.step() for _ in range(60)]
    for name in ("loss_w", "loss_image"):
        before, after = (np.mean([float(row[name]) for row in part]) for part in (rows[:5], rows[-5:]))
        assert after < 0.8 * before, name
    report = trainer.report()
    assert report["encoder"] < report["mean_face"] and report == trainer.report()


def test_drawn_faces_are_those_of_their_offsets(checkpoint):
    trainer = EncoderTrainer(load_checkpoint(checkpoint), EncoderOptions(**TINY), "cpu")
    torch.manual_seed(0)
    offsets, images = trainer.draw(3)
    again = trainer.generator.synthesize(trainer.space.ws(offsets))
    assert torch.allclose(images, again, atol=1e-3) and not torch.equal(images[0], images[1])
    assert (offsets[:, 0] != offsets[:, -1]).any()  # some are mixed


def test_the_prior_keeps_real_images_near_the_mean_face(checkpoint, draw):
    pictures = np.stack([np.asarray(draw(seed, (32, 32))) for seed in range(8)])
    far, near = (
        EncoderTrainer(load_checkpoint(checkpoint), EncoderOptions(**TINY, prior_weight=weight, image_weight=0), "cpu")
        for weight in (0, 100)
    )
    for _ in range(20):
        far.step(pictures), near.step(pictures)
    with torch.no_grad():
        sizes = [float(each.encoder(each._chosen(pictures)).square().mean()) for each in (far, near)]
    assert sizes[1] < 0.5 * sizes[0]


def test_the_command_writes_it_where_invert_finds_it(checkpoint, tmp_path, draw):
    flags = ["--channel-base", 64, "--channel-max", 4, "--batch", 4, "--kimg", 0.008, "--device", "cpu"]
    arguments = ["encoder", "--checkpoint", checkpoint, "--runs", tmp_path / "runs", *flags]
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    studio = Studio.load(checkpoint, "cpu")
    assert read_json(checkpoint / "encoder" / "config.json")["checkpoint_hash"] == studio.checkpoint.hash
    (tmp_path / "without").mkdir()
    shutil.copytree(checkpoint, tmp_path / "without" / "tiny", ignore=shutil.ignore_patterns("encoder"))
    plain = Studio.load(tmp_path / "without" / "tiny", "cpu")
    assert studio.invert(draw(1), 0).latent != plain.invert(draw(1), 0).latent

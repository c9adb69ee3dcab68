"""The face of a checkpoint that is nearest to a picture."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from animegen_core import Animation, AnimeGenError, Character, Studio
from animegen_core.commands.main import app
from animegen_core.images import read_description, to_images
from animegen_core.inversion import ENCODER, WSpace
from animegen_core.latents import unpack_latent
from animegen_core.models.encoder import StyleEncoder
from animegen_core.studio import read_character

SIDE = 32


@pytest.fixture(scope="module")
def studio(family_checkpoints):
    return Studio.load(family_checkpoints["stylegan2"], "cpu")


@pytest.fixture(scope="module")
def vae(family_checkpoints):
    return Studio.load(family_checkpoints["vae"], "cpu")


@pytest.fixture
def with_encoder(family_checkpoints, tmp_path):
    """with_encoder(**facts) -> a studio whose checkpoint has an encoder."""

    def make(**facts):
        folder = tmp_path / "tiny-stylegan2"
        shutil.copytree(family_checkpoints["stylegan2"], folder)
        torch.manual_seed(3)
        encoder = StyleEncoder(SIDE, num_layers=8, w_dim=16, channel_base=64, channel_max=4)
        torch.nn.init.normal_(encoder.offsets.weight)
        own = Studio.load(folder, "cpu").checkpoint.hash
        ENCODER.save(folder / "encoder", encoder, {"checkpoint_hash": own} | facts)
        return Studio.load(folder, "cpu")

    return make


def distance(studio, picture, character):
    return np.abs(np.asarray(picture).astype(int) - np.asarray(studio.render(character))).mean()


def test_a_search_comes_nearer_and_ends_near_the_picture(studio):
    picture = studio.render(Character(7, psi=0.9))
    first, *between, last = studio.search(picture, 60)
    assert len(between) == 59
    distances = [distance(studio, picture, who) for who in (first, between[19], last)]
    assert distances[0] > distances[1] > distances[2] < 0.4 * distances[0]
    assert studio.invert(picture, 60) == last


def test_a_found_face_is_a_character_like_any_other(studio, tmp_path):
    who = studio.invert(studio.render(Character(7)), 3)
    assert Character.from_dict(who.to_dict()) == who
    assert len(list(studio.animate(Animation((who, Character(1)), frames=8)))) == 8
    assert studio.render(Character(1, coarse=2, latent=who.latent)).size == (SIDE, SIDE)


def test_a_vae_finds_the_mean_of_its_posterior_at_once(vae, draw):
    picture = draw(1, (SIDE, SIDE))
    (found,) = vae.search(picture, 50)
    mean, _ = vae.checkpoint.generator.encode(to_images(np.asarray(picture)[None]))
    assert torch.allclose(torch.from_numpy(unpack_latent(found.latent)[1]), mean[0], atol=2e-3)


def test_an_encoder_gives_the_first_guess(with_encoder, draw):
    studio, picture = with_encoder(), draw(1, (SIDE, SIDE))
    guess = studio.invert(picture, 0)
    space, encoder = WSpace(studio.checkpoint.generator, True), ENCODER.load(studio.checkpoint.path / "encoder")
    wanted = space.scale * encoder(to_images(np.asarray(picture)[None]))[0].clamp(-4, 4)
    found = torch.from_numpy(unpack_latent(guess.latent)[1]).view(8, 16)
    assert wanted.abs().max() > 0.1 and torch.allclose(found, wanted, atol=1e-2)


def test_an_encoder_of_other_weights_is_refused(with_encoder, draw):
    studio = with_encoder(checkpoint_hash="0123456789ab")
    with pytest.raises(
        AnimeGenError, match=r"other weights \('0123456789ab'\) than these .*train.py encoder --checkpoint tiny"
    ):
        studio.invert(draw(), 0)


@pytest.mark.parametrize("size, mode", [((1, 1), "RGB"), ((90, 20), "RGBA"), ((20, 90), "L"), ((500, 400), "P")])
def test_pictures_of_any_size_and_mode_get_a_result(vae, draw, size, mode):
    assert vae.render(vae.invert(draw(2, size).convert(mode))).size == (SIDE, SIDE)


def test_a_file_is_read_upright_on_white_and_cropped_at_the_centre(vae, draw, tmp_path):
    wide = Image.new("RGBA", (64, SIDE))
    wide.paste(draw(1, (SIDE, SIDE)), (16, 0))
    wide.save(tmp_path / "wide.png")
    assert vae.invert(tmp_path / "wide.png") == vae.invert(draw(1, (SIDE, SIDE)))


def test_what_is_no_picture_is_told(vae, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(AnimeGenError, match=r"^'text.png' could not be read as an image\.$"):
        vae.invert(tmp_path / "text.png")
    with pytest.raises(AnimeGenError, match="There is no file"):
        vae.invert(tmp_path / "missing.png")


@pytest.mark.parametrize("steps", [-1, 1001, 2.5, True])
def test_a_bad_number_of_steps_is_quoted(studio, draw, steps):
    with pytest.raises(AnimeGenError, match=f"steps is {steps!r}"):
        studio.invert(draw(), steps)


def test_a_family_without_encoder_names_those_that_can(tiny_checkpoint, draw):
    with pytest.raises(AnimeGenError, match=r"has no way to find the latent of a picture; use .*stylegan2-64"):
        Studio.load(tiny_checkpoint, "cpu").invert(draw())


def test_the_command_writes_the_face_with_its_description(studio, family_checkpoints, draw, tmp_path):
    draw(1, (50, 40)).save(tmp_path / "mine.jpg")
    arguments = [tmp_path / "mine.jpg", "--out", tmp_path / "face.png", "--checkpoint", family_checkpoints["stylegan2"]]
    result = CliRunner().invoke(app, ["invert", *map(str, arguments), "--steps", "2", "--device", "cpu", "--json"])
    assert result.exit_code == 0, result.output
    name, who = read_character(read_description(tmp_path / "face.png"))
    assert name == "tiny-stylegan2" and who == studio.invert(tmp_path / "mine.jpg", 2)
    with Image.open(tmp_path / "face.png") as face:
        assert face.tobytes() == studio.render(who).tobytes()

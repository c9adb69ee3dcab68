"""Characters with a latent of their own: every family draws, animates and mixes them, and damaged ones are refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from animegen_core import Animation, Character, Studio
from animegen_core.errors import AnimeGenError
from animegen_core.families import FAMILIES
from animegen_core.images import read_description, save_png
from animegen_core.latents import MAX_LATENT, pack_latent, seeds_to_z, unpack_latent
from animegen_core.renderers import latent_size, mean_face
from animegen_core.studio import read_character

HASH = "0123456789ab"


@pytest.fixture(scope="module")
def studios(family_checkpoints):
    return {family: Studio.load(folder, "cpu") for family, folder in family_checkpoints.items()}


def own(studio, seed=5, **fields):
    """A character with the latent of a seed, which without noise and labels is that seed's face."""
    generator = studio.checkpoint.generator
    if studio.capabilities.styles:
        labels = torch.tensor([[-1, -1]]) if generator.label_dims else None
        with torch.no_grad():
            offset = generator.map(seeds_to_z([seed], generator.latent_dim), labels) - mean_face(generator, labels)
        values = offset.expand(generator.num_layers, -1).numpy()
    else:
        values = seeds_to_z([seed], generator.latent_dim).numpy()
    return Character(seed, latent=pack_latent(studio.checkpoint.hash, values), **fields)


def difference(one, other):
    return np.abs(np.asarray(one).astype(int) - np.asarray(other)).mean()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seeds_latent_given_as_its_own_draws_its_face(studios, family):
    studio = studios[family]
    face, same = studio.render(Character(5)), studio.render(own(studio))
    assert difference(face, same) < 0.2 * difference(face, studio.render(Character(6)))  # float16 rounds


@pytest.mark.parametrize("family", FAMILIES)
def test_creativity_variation_and_animation_work_on_an_own_latent(studios, family):
    studio = studios[family]
    who = own(studio)
    mean = studio.render(replace(who, psi=0.0))
    assert difference(mean, studio.render(replace(own(studio, 8), seed=5, psi=0.0))) == 0
    half = studio.render(replace(who, variation_seed=6, variation_strength=0.5))
    assert difference(half, studio.render(who)) > 0
    key = replace(who, seed=6)  # the noise of the second key
    whole = studio.render(replace(who, seed=6, variation_seed=6, variation_strength=1.0))
    assert difference(whole, studio.render(Character(6))) < 0.2 * difference(whole, studio.render(replace(who, seed=6)))
    frames = list(studio.animate(Animation((Character(6), key), frames=8)))
    assert difference(frames[4], studio.render(key)) == 0


def test_a_chosen_colour_moves_an_own_latent(studios):
    studio = studios["stylegan2"]
    who = own(studio)
    assert difference(studio.render(replace(who, hair="pink")), studio.render(who)) > 0


def test_layers_have_their_own_values_and_mix_with_seeds(studios):
    studio = studios["stylegan2"]
    generator = studio.checkpoint.generator
    coarse = np.zeros((generator.num_layers, generator.w_dim), np.float32)
    coarse[:4] = 3
    fine = 3 - coarse
    faces = [studio.render(Character(1, latent=pack_latent(studio.checkpoint.hash, part))) for part in (coarse, fine)]
    assert difference(*faces) > 0
    mixed = Character(1, coarse=7, middle=7, fine=7, latent=pack_latent(studio.checkpoint.hash, coarse))
    assert difference(studio.render(mixed), studio.render(Character(1, coarse=7, middle=7, fine=7))) == 0


def test_a_description_keeps_it_in_a_file_and_one_without_is_unchanged(studios, tmp_path):
    studio = studios["dcgan"]
    who = own(studio)
    path = save_png(studio.render(who), tmp_path / "face.png", studio.describe(who))
    assert read_character(read_description(path)) == ("tiny-dcgan", who)
    assert "latent" not in Character(5).to_dict()


def test_a_latent_of_other_weights_or_of_another_size_is_refused(studios):
    studio = studios["dcgan"]
    foreign = Character(1, latent=pack_latent(HASH, np.zeros(8)))
    with pytest.raises(AnimeGenError, match=rf"made for other weights \({HASH}\) than those of 'tiny-dcgan'"):
        studio.render(foreign)
    short = Character(1, latent=pack_latent(studio.checkpoint.hash, np.zeros(7)))
    with pytest.raises(AnimeGenError, match="has 7 values, but 'tiny-dcgan' has 8"):
        studio.render(short)
    assert latent_size(studio.checkpoint.generator) == 8


@given(st.lists(st.floats(-60000, 60000, width=16), min_size=1, max_size=50))
def test_packing_keeps_every_float16(values):
    made_for, found = unpack_latent(pack_latent(HASH, np.array(values)))
    assert made_for == HASH and found.tolist() == values


@pytest.mark.parametrize("values", [[np.nan], [np.inf], [70000.0], [], np.zeros(MAX_LATENT + 1)])
def test_unusable_values_are_refused(values):
    with pytest.raises(AnimeGenError, match="latent"):
        pack_latent(HASH, np.array(values))


@pytest.mark.parametrize(
    "text", ["", 5, "0123456789ab", "0123456789ab:", "0123456789ab:A", "0123456789ab:AAAA", "0123456789AB:AAA", f"{HASH}:AH4",
             f"{HASH}:{'A' * 40_000}", f"{HASH}:A+/A"],
)  # fmt: skip
def test_a_damaged_latent_is_quoted(text):
    with pytest.raises(AnimeGenError, match="12 hex digits of the weights") as error:
        Character(1, latent=text)
    assert len(str(error.value)) < 300

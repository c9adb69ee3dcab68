"""Recolouring and sliders: directions in w."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from animegen_core import Animation, AnimeGenError, Character, Matrix, Studio
from animegen_core.animation import save_animation
from animegen_core.checkpoint import save_checkpoint
from animegen_core.checkpoint.directions import Directions, save_directions
from animegen_core.checkpoint.names import DIRECTIONS
from animegen_core.images import read_description, save_png
from animegen_core.labels import ATTRIBUTES
from animegen_core.studio import read_described

LAYERS, W_DIM = 8, 16  # of the tiny StyleGAN2


def distance(a, b):
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).mean()


@pytest.fixture
def plain(family_checkpoints, tmp_path):
    """A tiny StyleGAN2 of our own, without directions."""
    generator = Studio.load(family_checkpoints["stylegan2"], "cpu").checkpoint.generator
    frequencies = {name: dict.fromkeys(colours, 1.0) for name, colours in ATTRIBUTES.items()}
    return save_checkpoint(tmp_path / "tiny", "stylegan2", generator, 0, "nothing", "mit", label_frequencies=frequencies)


def add_directions(folder, checkpoint_hash=None, seed=0):
    random = torch.Generator().manual_seed(seed)
    sliders = {name: torch.randn(LAYERS, W_DIM, generator=random) for name in ("smile", "face size")}
    recolouring = {"hair": torch.randn(12, LAYERS, W_DIM, generator=random)}
    made_for = checkpoint_hash or Studio.load(folder, "cpu").checkpoint.hash
    save_directions(folder, Directions(made_for, sliders, recolouring, {name: {"effect": 1.0} for name in sliders}))
    return Studio.load(folder, "cpu")


@pytest.fixture
def studio(plain):
    return add_directions(plain)


def test_recolouring_leaves_the_layers_of_pose_and_shape_alone(plain):
    """Where only those of 4 and 8 px have an effect, it changes nothing, but another label does."""
    studio = Studio.load(plain, "cpu")
    face, recoloured = Character(2, "pink"), Character(2, "pink", recolour_hair="blue")
    assert studio.render(recoloured).tobytes() != studio.render(face).tobytes()
    for size in ("16", "32"):
        for name, parameter in studio.checkpoint.generator.synthesis.blocks[size].named_parameters():
            if "affine.weight" in name:
                parameter.zero_()
    blunt = Studio(studio.checkpoint, "cpu")
    assert blunt.render(recoloured).tobytes() == blunt.render(face).tobytes()
    assert blunt.render(Character(2, "blue")).tobytes() != blunt.render(face).tobytes()


def test_recolouring_to_the_own_colour_changes_nothing(plain):
    studio = Studio.load(plain, "cpu")
    own = Character(5, "pink", "green", 0.7)
    assert studio.render(replace(own, recolour_hair="pink", recolour_eyes="green")).tobytes() == studio.render(own).tobytes()


def test_each_part_of_a_mix_is_recoloured_from_its_own_colour(plain):
    """A mix of one face with itself is that face, also recoloured, although its colour is drawn by the seed."""
    studio = Studio.load(plain, "cpu")
    torch.nn.init.zeros_(studio.checkpoint.generator.w_avg)
    own = Character(5, psi=0.7, recolour_hair="blue", recolour_eyes="red")
    assert studio.render(replace(own, middle=5, fine=5)).tobytes() == studio.render(own).tobytes()
    other = replace(own, coarse=6, middle=6, fine=6, recolour_eyes=None)
    drawn = studio.render(replace(other, recolour_hair=None))
    assert distance(studio.render(other), drawn) > 0


def test_learned_recolouring_is_used_where_it_was_learned_for_these_weights(plain):
    face, recoloured = Character(3, "pink"), Character(3, "pink", recolour_hair="blue")
    studio = Studio.load(plain, "cpu")
    by_means = studio.render(recoloured).tobytes()
    assert "directions_hash" not in studio.describe(recoloured)
    learned = add_directions(plain)
    assert learned.render(recoloured).tobytes() != by_means
    assert learned.render(face).tobytes() == studio.render(face).tobytes()
    assert learned.describe(recoloured)["directions_hash"] and "directions_hash" not in learned.describe(face)
    assert add_directions(plain, "0123456789ab").render(recoloured).tobytes() == by_means


@pytest.mark.parametrize("family", ["dcgan", "conditional-dcgan", "stylegan"])
def test_a_checkpoint_that_cannot_recolour_says_so(family_checkpoints, family):
    with pytest.raises(AnimeGenError, match=f"Checkpoint 'tiny-{family}' has no .*; use "):
        Studio.load(family_checkpoints[family], "cpu").render(Character(1, recolour_hair="blue"))


def test_a_slider_moves_the_face_by_its_strength(studio):
    own = Character(7, psi=0.7)
    strengths = (-1, -0.5, 0, 0.5, 1)
    faces = [studio.render(replace(own, sliders={"smile": strength})) for strength in strengths]
    assert faces[2].tobytes() == studio.render(own).tobytes()
    to_first = [distance(faces[0], face) for face in faces]
    assert all(a < b for a, b in itertools.pairwise(to_first))


def test_sliders_add_in_any_order(studio):
    one, other = ({"smile": 0.5, "face size": -1}, {"face size": -1.0, "smile": 0.5})
    assert Character(1, sliders=one) == Character(1, sliders=other) == Character(1, sliders=(("smile", 0.5), ("face size", -1)))
    assert hash(Character(1, sliders=one)) == hash(Character(1, sliders=other))
    assert studio.render(Character(1, sliders=one)).tobytes() != studio.render(Character(1, sliders={"smile": 0.5})).tobytes()


def test_a_film_between_keys_that_differ_by_a_slider_moves_it(studio):
    keys = (Character(4), Character(4, sliders={"smile": 1}))
    frames = list(studio.interpolate(keys, [0, 0.5, 1], "slerp"))
    assert [frames[0].tobytes(), frames[2].tobytes()] == [face.tobytes() for face in studio.render_many(keys)]
    half = studio.render(Character(4, sliders={"smile": 0.5}))
    assert distance(frames[1], half) < 1 < distance(frames[0], half)


@pytest.mark.parametrize("suffix", [".png", ".gif", ".webp", ".mp4"])
def test_sliders_and_recolouring_are_restored_from_every_kind_of_file(studio, tmp_path, suffix):
    character = Character(4, "pink", recolour_hair="blue", recolour_eyes="red", sliders={"smile": 0.6, "face size": -0.2})
    path = tmp_path / f"face{suffix}"
    if suffix == ".png":
        described = character
        save_png(studio.render(character), path, studio.describe(character))
    else:
        described = Animation((character, replace(character, sliders={})), frames=8)
        save_animation(studio.animate(described), path, 8, studio.describe(described))
    assert read_described(read_description(path)) == ("tiny", described)
    matrix = Matrix((1,), (2,), template=character)
    assert read_described(json.loads(json.dumps(studio.describe(matrix))))[1].template.sliders == character.sliders


def test_an_unknown_slider_is_refused_with_those_there_are(studio):
    with pytest.raises(AnimeGenError, match="has no slider 'grin'; it has: smile, face size"):
        studio.render(Character(1, sliders={"grin": 1}))
    assert studio.sliders == ("smile", "face size")


def test_sliders_of_other_weights_are_refused_with_the_command_that_makes_them_again(plain):
    studio = add_directions(plain, "0123456789ab")
    with pytest.raises(AnimeGenError, match=r"hash '0123456789ab'.*make them again: python -m animegen_core directions tiny"):
        studio.render(Character(1, sliders={"smile": 1}))
    assert studio.sliders == ()


def test_a_checkpoint_without_sliders_says_how_to_make_them(plain, family_checkpoints):
    with pytest.raises(AnimeGenError, match="has no sliders yet; make them: python -m animegen_core directions tiny"):
        Studio.load(plain, "cpu").render(Character(1, sliders={"smile": 1}))
    with pytest.raises(AnimeGenError, match="has no sliders; use "):
        Studio.load(family_checkpoints["dcgan"], "cpu").render(Character(1, sliders={"smile": 1}))


@pytest.mark.parametrize(
    "sliders",
    [3, "smile", None, {"smile": 1.01}, {"smile": float("nan")}, {"smile": "1"}, {"Smile!": 1}, {3: 1}, [("smile",)], ["ab"]],
)
def test_sliders_that_cannot_be_are_one_sentence(sliders):
    for make in (lambda: Character(1, sliders=sliders), lambda: Character.from_dict({"seed": 1, "sliders": sliders})):
        with pytest.raises(AnimeGenError, match=r"^[^\n]{20,250}$"):
            make()


@pytest.mark.parametrize(
    "tensors, metadata",
    [
        ({"slider smile": torch.zeros(LAYERS, W_DIM + 1)}, {}),
        ({"slider smile": torch.full((LAYERS, W_DIM), float("nan"))}, {}),
        ({"slider ../x": torch.zeros(LAYERS, W_DIM)}, {}),
        ({"wings": torch.zeros(3)}, {}),
        ({"recolour hair": torch.zeros(11, LAYERS, W_DIM)}, {}),
        ({"slider smile": torch.zeros(LAYERS, W_DIM)}, {"facts": "[]"}),
        ({"slider smile": torch.zeros(LAYERS, W_DIM)}, {"facts": "{"}),
        (None, None),
    ],
)
def test_a_damaged_file_of_directions_is_one_sentence(plain, tensors, metadata):
    if tensors is None:
        (plain / DIRECTIONS).write_bytes(b"\xff" * 100)
    else:
        save_file(tensors, plain / DIRECTIONS, {"facts": json.dumps({"smile": {}})} | metadata)
    studio = Studio.load(plain, "cpu")
    with pytest.raises(AnimeGenError, match=r"^tiny/directions.safetensors cannot be used: [^\n]{5,400}$"):
        studio.render(Character(1, sliders={"smile": 1}))
    studio.render(Character(1))

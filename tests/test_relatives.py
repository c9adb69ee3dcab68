"""Relatives: faces around a face, picked and narrowed generation by generation."""

from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from animegen_core import Animation, AnimeGenError, Character, Studio
from animegen_core.images import read_description, save_png
from animegen_core.studio import read_described


@pytest.fixture(scope="module")
def studio(family_checkpoints):
    return Studio.load(family_checkpoints["stylegan2"], "cpu")


def distance(a, b):
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).mean()


@pytest.mark.parametrize("family", ["dcgan", "conditional-dcgan", "vae", "stylegan", "stylegan2"])
def test_relatives_are_farther_the_larger_the_spread_is(family_checkpoints, family):
    studio = Studio.load(family_checkpoints[family], "cpu")
    parent = Character(3)
    face = studio.render(parent)
    distances = []
    for spread in (0.0, 0.2, 0.5, 1.0):
        found = studio.relatives(parent, 5, spread)
        distances.append(median(distance(face, each) for each in studio.render_many(found)))
    assert distances[0] == 0 and distances == sorted(distances) and len(set(distances)) == 4


def test_a_relative_keeps_its_line_and_its_parent_is_one_generation_shorter(studio, tmp_path):
    character = Character(3, "pink", psi=0.7)
    for generation in range(5):
        children = studio.relatives(character, 8, 0.3)
        assert len({studio.render(child).tobytes() for child in children}) == 8
        assert all(replace(child, lineage=child.lineage[:-1]) == character for child in children)
        character = children[generation]
    path = save_png(studio.render(character), tmp_path / "face.png", studio.describe(character))
    assert read_described(read_description(path))[1] == character and len(character.lineage) == 5


def test_a_band_moves_its_layers_only(studio):
    own = Character(3, psi=0.7, crossovers=(8, 16))
    fine, coarse = studio.relatives(own, 1, 1.0, "fine")[0], studio.relatives(own, 1, 1.0, "coarse")[0]
    for size in ("16", "32"):
        for name, parameter in studio.checkpoint.generator.synthesis.blocks[size].named_parameters():
            if "affine.weight" in name:
                parameter.zero_()
    blunt = Studio(studio.checkpoint, "cpu")
    assert blunt.render(fine).tobytes() == blunt.render(own).tobytes() != blunt.render(coarse).tobytes()


def test_relatives_are_the_same_again_and_others_with_another_seed(studio):
    assert studio.relatives(Character(3)) == studio.relatives(Character(3)) != studio.relatives(Character(3), seed=1)


def test_a_film_runs_from_parent_to_child(studio):
    parent = Character(3)
    child = studio.relatives(parent)[0]
    frames = list(studio.animate(Animation((parent, child), frames=8, loop="once")))
    assert [frames[0].tobytes(), frames[-1].tobytes()] == [studio.render(each).tobytes() for each in (parent, child)]


def test_what_cannot_be_is_one_sentence(studio, family_checkpoints):
    for bad in (dict(count=0), dict(count=65), dict(spread=1.1), dict(band="wings"), dict(seed=-1)):
        with pytest.raises(AnimeGenError, match=r"^[^\n]{20,250}$"):
            studio.relatives(Character(3), **bad)
    with pytest.raises(AnimeGenError, match="at most 64 times"):
        studio.relatives(Character(3, lineage=((1, "all", 0.1),) * 64))
    with pytest.raises(AnimeGenError, match="has no layers of styles to move; use "):
        Studio.load(family_checkpoints["dcgan"], "cpu").relatives(Character(3), band="coarse")

"""A colour that a character leaves open, where the config says how often training showed each."""

import itertools
import json
import sys
from collections import Counter

import numpy as np
import psutil
import pytest
import torch
from commands import forked
from loading import refused

from animegen_core import Character, Studio
from animegen_core.checkpoint import save_checkpoint
from animegen_core.data.sampling import label_frequencies
from animegen_core.labels import ATTRIBUTES, EYES, HAIR
from animegen_core.latents import seed_to_labels

LABELLED = ("conditional-dcgan", "stylegan2")


def only(hair, eyes):
    """Frequencies under which nothing but these two colours is drawn."""
    chosen = {"hair": hair, "eyes": eyes}
    return {name: {colour: float(colour == chosen[name]) for colour in colours} for name, colours in ATTRIBUTES.items()}


@pytest.fixture(params=LABELLED)
def with_frequencies(request, family_checkpoints, tmp_path):
    """with_frequencies(frequencies) -> a studio of an untrained generator whose config holds them."""

    def opened(frequencies=None):
        original = Studio.load(family_checkpoints[request.param], "cpu")
        folder = tmp_path / f"copy-{frequencies is None}"
        save_checkpoint(
            folder, request.param, original.checkpoint.generator, 0, "nothing", "mit", label_frequencies=frequencies
        )
        return Studio.load(folder, "cpu")

    return opened


def test_open_colours_are_drawn_and_given_ones_stay(with_frequencies):
    studio = with_frequencies(only("pink", "green"))

    def drawn(**colours):
        return studio.render(Character(3, **colours)).tobytes()

    assert drawn() == drawn(hair="pink", eyes="green")
    assert drawn(hair="black") == drawn(hair="black", eyes="green") != drawn()
    assert drawn(eyes="red") == drawn(hair="pink", eyes="red") != drawn()


def test_without_frequencies_open_colours_are_any_as_they_were(with_frequencies):
    plain, drawing = with_frequencies(), with_frequencies(only("pink", "green"))
    asked, open_ = Character(3, "pink", "green"), Character(3)
    assert plain.render(asked).tobytes() == drawing.render(asked).tobytes()
    assert plain.render(open_).tobytes() != drawing.render(open_).tobytes()
    assert plain.checkpoint.hash != drawing.checkpoint.hash  # so a description says that its face was another


def test_each_face_of_a_mix_has_the_colours_of_its_own_seed(family_checkpoints, tmp_path):
    original = Studio.load(family_checkpoints["stylegan2"], "cpu")
    frequencies = {name: dict.fromkeys(colours, 1.0) for name, colours in ATTRIBUTES.items()}
    generator = original.checkpoint.generator
    for name, value in generator.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.zeros_(value)  # the noise is of the character's own seed
    folder = save_checkpoint(tmp_path / "mixed", "stylegan2", generator, 0, "nothing", "mit", label_frequencies=frequencies)
    studio = Studio.load(folder, "cpu")
    assert seed_to_labels(1, [[1] * 12, [1] * 11]) != seed_to_labels(2, [[1] * 12, [1] * 11])
    all_of_2 = Character(1, coarse=2, middle=2, fine=2, psi=0.7)
    assert studio.render(all_of_2).tobytes() == studio.render(Character(2, psi=0.7)).tobytes()


def test_colours_are_drawn_as_often_as_training_showed_them():
    labels = [seed_to_labels(seed, [[1, 0, 3], [0.25, 0.75]]) for seed in range(2000)]
    hair, eyes = (Counter(column) for column in zip(*labels))
    assert hair[1] == 0
    assert hair[2] / 2000 == pytest.approx(0.75, abs=0.03)
    assert eyes[1] / 2000 == pytest.approx(0.75, abs=0.03)
    assert np.corrcoef(np.transpose(labels))[0, 1] == pytest.approx(0, abs=0.06)  # hair says nothing about eyes


def draw_in_many_colours():
    """Exits with how many MB that takes."""
    studio = Studio.load("stylegan2-64", "cpu")
    many = [Character(seed, *colours) for seed, colours in enumerate(itertools.product(HAIR[:6], EYES[:8]))]
    studio.render(many[0])
    before = psutil.Process().memory_info().rss
    for character in many:
        studio.render(character)
    sys.exit(max(0, psutil.Process().memory_info().rss - before) // 2**20)


def test_the_mean_faces_of_many_colours_take_little_memory():
    """In a process of its own, as this one has freed memory to use. Only glibc keeps what it could return."""
    assert forked(draw_in_many_colours) < 12  # 1, and 30 where each mean is a tensor of its own


def test_frequencies_are_counted_over_the_known_labels_alone():
    labels = torch.tensor([[0, -1], [0, -1], [0, -1], [5, -1], [-1, -1]])
    frequencies = label_frequencies(labels)
    assert frequencies["hair"] == {colour: {"aqua": 0.75, "gray": 0.25}.get(colour, 0) for colour in HAIR}
    assert len(set(frequencies["eyes"].values())) == 1 and frequencies["eyes"].keys() == set(EYES)


@pytest.mark.parametrize(
    "frequencies",
    [
        [],
        {"hair": {}},
        only("pink", "green") | {"nose": {}},
        only("pink", "green") | {"hair": dict.fromkeys(HAIR, 0.0)},
        only("pink", "green") | {"eyes": dict.fromkeys(EYES, float("nan"))},
        only("pink", "green") | {"eyes": dict.fromkeys(EYES, "1")},
        only("pink", "green") | {"eyes": dict.fromkeys(HAIR, 1.0)},
    ],
)
def test_damaged_frequencies_are_refused(family_checkpoints, tmp_path, frequencies):
    generator = Studio.load(family_checkpoints["stylegan2"], "cpu").checkpoint.generator
    folder = save_checkpoint(tmp_path / "mine", "stylegan2", generator, 0, "nothing", "mit")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"label_frequencies": frequencies}))
    assert refused(folder).startswith("mine/config.json has the 'label_frequencies' ")

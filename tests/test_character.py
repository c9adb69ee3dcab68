import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from animegen_core import AnimeGenError, Character


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
def test_a_character_survives_json(seed):
    character = Character(seed)
    assert Character.from_dict(json.loads(json.dumps(character.to_dict()))) == character
    assert character.to_dict() == {"seed": seed}


def test_a_seed_drawn_with_numpy_is_a_plain_seed():
    character = Character(np.random.default_rng(0).integers(2**32))
    assert json.loads(json.dumps(character.to_dict())) == {"seed": int(character.seed)}


def test_a_character_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Character(1).seed = 2
    assert len({Character(1), Character(1), Character(2)}) == 2


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True, float("nan"), [1], {}])
def test_a_bad_seed_is_quoted(seed):
    for make in (Character, lambda seed: Character.from_dict({"seed": seed})):
        with pytest.raises(AnimeGenError) as error:
            make(seed)
        assert repr(seed) in str(error.value)
        assert "4294967295" in str(error.value)


@pytest.mark.parametrize(
    "description, message",
    [
        (None, "not by None"),
        ([1], r"not by \[1\]"),
        ("seed", "not by 'seed'"),
        ({}, "needs the field 'seed'"),
        ({"seed": 1, "wings": 2}, "Unknown field 'wings' in a character; known are: seed"),
        ({"seed": 1, "x" * 10_000: 2}, r"^.{1,200}$"),
        ("x" * 10_000, r"^.{1,200}$"),
    ],
)
def test_a_bad_description_is_told_in_one_short_sentence(description, message):
    with pytest.raises(AnimeGenError, match=message):
        Character.from_dict(description)

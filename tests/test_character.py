import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from animegen_core import Animation, AnimeGenError, Character, Matrix
from animegen_core.character import EASINGS


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
        (None, "but got None"),
        ([1], r"but got \[1\]"),
        ("seed", "but got 'seed'"),
        ({}, "needs the field 'seed'"),
        ({"seed": 1, "wings": 2}, "Unknown field 'wings' in a character; known are: seed"),
        ({"seed": 1, "x" * 10_000: 2}, r"^.{1,250}$"),
        ("x" * 10_000, r"^.{1,250}$"),
    ],
)
def test_a_bad_description_is_told_in_one_short_sentence(description, message):
    with pytest.raises(AnimeGenError, match=message):
        Character.from_dict(description)


RECOLOURED = dict(recolour_hair="blue", recolour_eyes="green", sliders={"smile": 0.5}, lineage=((7, "all", 0.5),))
FULL = Character(1, "aqua", "red", 0.5, 2, 0.25, 3, 4, 5, (8, 32), **RECOLOURED)
LOOP = Animation((FULL, Character(2)), "circular", 8, 5, "ease-in-out", "once")


def test_everything_that_is_not_a_default_survives_json():
    description = json.loads(json.dumps(FULL.to_dict()))
    assert len(description) == 14
    assert Character.from_dict(description) == FULL
    assert hash(Character.from_dict(description)) == hash(FULL)


def test_an_old_description_means_what_it_meant():
    old = Character.from_dict({"seed": 1})
    assert (old.hair, old.eyes, old.psi, old.variation_seed, old.variation_strength) == (None, None, 1, 0, 0)
    assert (old.coarse, old.middle, old.fine, old.crossovers) == (None, None, None, (16, 64))
    assert (old.recolour_hair, old.recolour_eyes, old.sliders, old.lineage) == (None, None, (), ())
    keys = (Character(1), Character(2))
    assert Animation.from_dict({"keys": [{"seed": 1}, {"seed": 2}]}) == Animation(keys, "slerp", 60, 30, "linear", "closed")


def test_numpys_numbers_become_plain_ones():
    character = Character(np.int64(1), psi=np.float32(0.5), coarse=np.uint8(3), crossovers=(np.int64(8), np.int64(16)))
    assert json.loads(json.dumps(character.to_dict())) == {"seed": 1, "psi": 0.5, "coarse": 3, "crossovers": [8, 16]}
    animation = Animation([Character(1), Character(2)], frames=np.int64(9), fps=np.int8(7))
    assert json.loads(json.dumps(animation.to_dict()))["frames"] == 9


HUGE = 10**5000
BAD_VALUES = {
    "hair": ["teal", "", 3, ["aqua"], True, np.array(["aqua", "red"]), "\ud800"],
    "eyes": ["white", "Red", {}],
    "recolour_hair": ["teal", 3, ["aqua"]],
    "recolour_eyes": ["white", True],
    "lineage": [7, None, [[1, "all"]], [7], [[1, "all", 0.5]] * 65],
    "psi": [-0.1, 1.51, float("nan"), float("inf"), "1", None, True, [], 1j, HUGE],
    "variation_seed": [-1, None, 2**32, 0.0, HUGE],
    "variation_strength": [-0.01, 1.01, float("nan"), "0", None, HUGE],
    "coarse": [-1, 1.0, "1", True],
    "middle": [2**32, [1]],
    "fine": [False, HUGE],
    "crossovers": [
        None,
        16,
        (16,),
        (16, 32, 64),
        (64, 16),
        (10, 20),
        (0, 16),
        (16.0, 64.0),
        ("16", "64"),
        (True, 4),
    ],
}


@pytest.mark.parametrize("field", BAD_VALUES)
def test_a_bad_value_of_a_character_is_told_in_one_sentence(field):
    for value in BAD_VALUES[field]:
        for make in (lambda fields: Character(**fields), Character.from_dict):
            with pytest.raises(AnimeGenError, match=r"^[^\n]{20,250}$") as error:
                make({"seed": 1, field: value})
            assert ("endless int" if value is HUGE else repr(value)[:20]) in str(error.value)


def test_an_animation_survives_json():
    description = json.loads(json.dumps(LOOP.to_dict()))
    assert Animation.from_dict(description) == LOOP
    assert description["keys"][1] == {"seed": 2}
    assert Animation.from_dict(Animation(LOOP.keys).to_dict()) == Animation(LOOP.keys)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"keys": [{"seed": 1}]}, "2 to 8 key characters, not 1"),
        ({"keys": [{"seed": 1}] * 9}, "2 to 8 key characters, not 9"),
        ({"keys": "12"}, "must be a list of characters, not '12'"),
        ({"keys": {"seed": 1}}, "must be a list"),
        ({"keys": [1, 2]}, "but got 1"),
        ({"keys": [{"seed": 1}, {"seed": -1}]}, "Seed -1"),
        ({"path": "cubic"}, "Unknown path 'cubic'; known are: slerp, linear, circular"),
        ({"path": ["slerp"]}, "Unknown path"),
        ({"easing": None}, "known are: linear, ease-in-out"),
        ({"loop": "forever"}, "known are: closed, back-and-forth, once"),
        ({"frames": 7}, "frames is 7, but must be a whole number from 8 to 240"),
        ({"frames": 1e400}, "frames is inf"),
        ({"fps": 61}, "fps is 61, but must be a whole number from 5 to 60"),
        ({"fps": True}, "fps is True"),
        ({"wings": 1}, "Unknown field 'wings' in an animation; known are: keys, path"),
    ],
)
def test_a_bad_animation_is_told_in_one_sentence(changes, message):
    with pytest.raises(AnimeGenError, match=message):
        Animation.from_dict(LOOP.to_dict() | changes)


def test_an_animation_is_made_of_characters():
    with pytest.raises(AnimeGenError, match="must be characters, not"):
        Animation((1, 2))
    with pytest.raises(AnimeGenError, match="needs the field 'keys'"):
        Animation.from_dict({})


@pytest.mark.parametrize("easing", EASINGS)
@pytest.mark.parametrize("frames", [8, 9, 24])
@pytest.mark.parametrize("loop, ends", [("closed", 3), ("once", 2), ("back-and-forth", 2)])
def test_frames_reach_each_key_once_and_leave_no_double_at_the_seam(loop, ends, frames, easing):
    keys = tuple(Character(seed) for seed in range(3))
    positions = Animation(keys, frames=frames, loop=loop, easing=easing).positions()
    assert len(positions) == frames
    assert positions[0] == 0 and (positions >= 0).all() and (positions <= ends).all()
    assert (positions[-1] == 2) == (loop == "once")
    assert (np.diff(positions) != 0).all()
    if loop == "back-and-forth":
        assert (positions == 2).sum() == 1 and (positions == 0).sum() == 1
    else:
        assert [(positions == key).sum() for key in range(3)] == [1, 1, 1]


def test_easing_lingers_at_the_keys():
    keys, options = (Character(1), Character(2)), dict(frames=40, loop="once")
    even, eased = (np.diff(Animation(keys, easing=easing, **options).positions()) for easing in EASINGS)
    assert eased[0] < even[0] / 5 and eased[-1] < even[-1] / 5 and eased[20] > even[20]


@pytest.mark.parametrize(
    "description, message",
    [
        ({"rows": [1]}, "A matrix needs the field 'columns'"),
        ({"rows": [], "columns": [1]}, "A grid has 1 to 32 rows, not 0"),
        ({"rows": [1], "columns": [1] * 33}, "A grid has 1 to 32 columns, not 33"),
        ({"rows": 7, "columns": [1]}, "A matrix's rows must be a list of seeds, not 7"),
        ({"rows": "12", "columns": [1]}, "A matrix's rows must be a list of seeds, not '12'"),
        ({"rows": [-1], "columns": [1]}, "Seed -1"),
        ({"rows": [1], "columns": [1], "bands": "fine"}, "A matrix's bands must be a list, not 'fine'"),
        ({"rows": [1], "columns": [1], "bands": [[]]}, r"Unknown band \[\]; known are: coarse, middle, fine"),
        ({"rows": [1], "columns": [1], "template": {"seed": 1, "psi": 9}}, "psi is 9"),
        ({"rows": [1], "columns": [1], "evil": 1}, "Unknown field 'evil' in a matrix"),
        ([], "A matrix has the fields rows, columns, bands, template"),
    ],
)
def test_a_matrix_that_cannot_be_is_one_sentence(description, message):
    with pytest.raises(AnimeGenError, match=message):
        Matrix.from_dict(description)

import json
import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animegen_core import Animation, AnimeGenError, Character, Matrix
from animegen_core.character import BANDS, EASINGS, LOOPS, SLIDER_NAME
from animegen_core.labels import EYES, HAIR
from animegen_core.latents import PATH_KINDS

SEEDS = st.integers(0, 2**32 - 1)
COLOURS = {name: st.none() | st.sampled_from(colours) for name, colours in (("hair", HAIR), ("eyes", EYES))}
CHARACTERS = st.builds(
    Character,
    SEEDS,
    **COLOURS,
    psi=st.floats(0, 1.5),
    variation_seed=SEEDS,
    variation_strength=st.floats(0, 1),
    **dict.fromkeys(BANDS, st.none() | SEEDS),
    crossovers=st.lists(st.sampled_from([2**k for k in range(2, 12)]), min_size=2, max_size=2).map(sorted),
    recolour_hair=COLOURS["hair"],
    recolour_eyes=COLOURS["eyes"],
    sliders=st.dictionaries(st.from_regex(SLIDER_NAME, fullmatch=True), st.floats(-1, 1), max_size=3),
    lineage=st.lists(st.tuples(SEEDS, st.sampled_from([*BANDS, "all"]), st.floats(0, 1)), max_size=3),
)
ANIMATIONS = st.builds(
    Animation,
    st.lists(CHARACTERS, min_size=2, max_size=8),
    st.sampled_from(PATH_KINDS),
    st.integers(8, 240),
    st.integers(5, 60),
    st.sampled_from(EASINGS),
    st.sampled_from(LOOPS),
)
SIDES = st.lists(SEEDS, min_size=1, max_size=32)
MATRICES = st.builds(Matrix, SIDES, SIDES, st.lists(st.sampled_from(BANDS), unique=True), CHARACTERS)


@given(CHARACTERS | ANIMATIONS | MATRICES)
def test_every_description_survives_json(described):
    again = type(described).from_dict(json.loads(json.dumps(described.to_dict())))
    assert again == described and hash(again) == hash(described)


def test_a_description_has_nothing_but_what_is_not_a_default():
    assert Character(42).to_dict() == {"seed": 42}
    assert Animation(LOOP.keys).to_dict() == {"keys": [FULL.to_dict(), {"seed": 2}]}


def test_a_seed_drawn_with_numpy_is_a_plain_seed():
    character = Character(np.random.default_rng(0).integers(2**32))
    assert json.loads(json.dumps(character.to_dict())) == {"seed": int(character.seed)}


def test_a_character_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Character(1).seed = 2
    assert len({Character(1), Character(1), Character(2)}) == 2


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


def outside(low, high):
    return st.floats().filter(lambda value: not low <= value <= high) | st.sampled_from([low - 0.01, high + 0.01, math.nan])


HUGE = 10**5000  # too long for a message
NOTHING = st.booleans() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.integers())
NO_SEED = NOTHING | st.floats() | st.integers(max_value=-1) | st.integers(min_value=2**32)
NO_COLOUR = NOTHING | st.integers() | st.sampled_from(["teal", "Red", "\ud800", np.array(["aqua", "red"])])
NO_COLOUR = NO_COLOUR.filter(lambda value: not isinstance(value, str) or value not in (*HAIR, *EYES))
BAD_VALUES = {
    "seed": NO_SEED | st.none(),
    "hair": NO_COLOUR,
    "eyes": NO_COLOUR | st.just("white"),
    "recolour_hair": NO_COLOUR,
    "recolour_eyes": NO_COLOUR | st.just("white"),
    "psi": NOTHING | st.none() | st.complex_numbers() | outside(0, 1.5),
    "variation_seed": NO_SEED | st.none(),
    "variation_strength": NOTHING | st.none() | outside(0, 1),
    **dict.fromkeys(BANDS, NO_SEED),
    "crossovers": st.sampled_from(
        [None, 16, (16,), (16, 32, 64), (64, 16), (10, 20), (0, 16), (16.0, 64.0), ("16", "64"), (True, 4)]
    ),
    "lineage": st.sampled_from([7, None, [[1, "all"]], [7], [[1, "all", 0.5]] * 65]),
}


@pytest.mark.parametrize("field", BAD_VALUES)
@given(st.data())
def test_a_bad_value_of_a_character_is_told_in_one_sentence(field, data):
    value = data.draw(BAD_VALUES[field])
    for make in (lambda fields: Character(**fields), Character.from_dict):
        with pytest.raises(AnimeGenError, match=r"^[^\n]{20,250}$") as error:
            make({"seed": 1, field: value})
        assert repr(value)[:20] in str(error.value)


@pytest.mark.parametrize("field", ["seed", "psi", "variation_seed", "variation_strength", "fine"])
def test_a_number_of_thousands_of_digits_is_told_in_one_sentence(field):
    with pytest.raises(AnimeGenError, match=r"^[^\n]{20,250}$") as error:
        Character(**{"seed": 1, field: HUGE})
    assert "endless int" in str(error.value)


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

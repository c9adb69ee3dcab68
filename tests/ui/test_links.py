"""Links that contain a description."""

from urllib.parse import parse_qsl

import pytest

from animegen_core import Animation, AnimeGenError, Character, Matrix, Studio
from animegen_core.latents import pack_latent
from animegen_core.studio import read_described
from animegen_core.ui.links import has_link, link_to, read_link
from animegen_core.ui.studios import Studios

DESCRIBED = [
    Character(42),
    Character(2**32 - 1, "pink", "aqua", 0.55, variation_seed=3, variation_strength=0.25),
    Character(1, psi=0.0, coarse=0, middle=2, fine=3, crossovers=(8, 64)),
    Character(3, "pink", recolour_hair="blue", recolour_eyes="red", sliders={"smile": 0.1 + 0.2, "face size": -1}),
    Character(3, lineage=((2**32 - 1, "all", 0.4), (7, "fine", 1.0))),
    Animation((Character(1, "red"), Character(2, psi=0.3)), "circular", 24, 12, "ease-in-out", "once"),
    Matrix((1, 2), (3, 4, 5), template=Character(0, eyes="blue", psi=0.7)),
]


@pytest.fixture(scope="module")
def studio(family_checkpoints):
    return Studio.load(family_checkpoints["stylegan2"], "cpu")


@pytest.fixture(scope="module")
def studios(studio):
    return Studios(studio, hub=False)


@pytest.mark.parametrize("described", DESCRIBED, ids=lambda described: type(described).__name__)
def test_a_link_brings_back_all_that_was_described(studio, studios, described):
    query = link_to(studio.describe(described))
    assert query[0] == "?" and len(query) < 2000
    description = read_link(dict(parse_qsl(query[1:])), studios)
    assert read_described(description) == (studio.checkpoint.name, described)
    assert description["checkpoint_hash"] == studio.checkpoint.hash


def test_a_link_brings_back_an_own_latent(studio, studios):
    described = Character(3, "pink", latent=pack_latent(studio.checkpoint.hash, [0.5, -2.25]))
    query = link_to(studio.describe(described))
    assert read_described(read_link(dict(parse_qsl(query[1:])), studios)) == (studio.checkpoint.name, described)


def test_a_link_written_by_hand_has_the_first_checkpoint_and_its_usual_creativity(studio, studios):
    description = read_link({"seed": "42", "hair": " pink ", "eyes": "any", "psi": ""}, studios)
    assert read_described(description) == (studio.checkpoint.name, Character(42, "pink", psi=studio.usual_psi))


def test_an_address_without_a_description_is_no_link():
    assert not has_link({}) and not has_link({"__theme": "dark", "utm_source": "seed"})
    assert has_link({"hair": "pink"})


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"seed": "x" * 500}, "The link's seed is 'xxx"),
        ({"seed": "4.5"}, "The link's seed is '4.5', but must be a whole number"),
        ({"seed": "-1"}, "Seed -1 is not a whole number from 0"),
        ({"seed": "9" * 5000}, "is not a whole number from 0"),
        ({"psi": "nan"}, "psi is nan"),
        ({"psi": "<script>"}, "The link's psi is '<script>', but must be a number"),
        ({"hair": "mauve"}, "Unknown hair colour 'mauve'"),
        ({"crossovers": "1,2,3,4"}, "The link's crossovers is '3,4'"),
        ({"lineage": "7"}, "The link's lineage is '', but must be a number"),
        ({"lineage": "7:wings:1"}, "Unknown band 'wings'"),
        ({"sliders": "smile"}, "The link's sliders is '', but must be a number"),
        ({"sliders": "smile:2"}, "The slider 'smile' is 2.0"),
        ({"recolour_hair": "mauve"}, "Unknown hair colour 'mauve'"),
        ({"checkpoint": "../../etc"}, "Unknown checkpoint '../../etc'"),
        ({"description": "{"}, "The link is damaged"),
        ({"description": "[1]"}, "The link is damaged"),
        ({"description": "{}"}, "not written by AnimeGen"),
    ],
)
def test_a_hostile_link_is_one_sentence(studios, query, sentence):
    with pytest.raises(AnimeGenError) as caught:
        read_described(read_link(query, studios))
    assert sentence in str(caught.value) and len(str(caught.value)) < 400

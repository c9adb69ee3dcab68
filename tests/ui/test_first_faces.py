"""The faces that the page opens with are drawn before the first visitor comes, and not again for each."""

from types import SimpleNamespace

import pytest

from animegen_core.character import Character
from animegen_core.studio import Studio
from animegen_core.ui import build_app
from animegen_core.ui.first_faces import draw_first_faces, find_first_face
from animegen_core.ui.studios import Studios


@pytest.fixture
def studios(tiny_checkpoint, small_upscaler):
    return Studios(Studio.load(tiny_checkpoint, "cpu"), hub=False)


def test_a_visitor_gets_the_first_faces_without_a_drawing(studios, slow):
    demo = build_app(studios)
    draw_first_faces(studios)
    slow.clear()
    load = next(function for function in demo.fns.values() if function.name == "first_faces")
    request = SimpleNamespace(session_hash="first", query_params={})
    *_, last = load.fn(request, "tiny", True, [], [], False, 2, 16, "any", "any", 1.0, 1, 0.0)
    assert [caption for _, caption in last[3]] == [f"Seed {seed}" for seed in range(2, 18)]
    assert slow == []


def test_they_are_those_that_their_descriptions_give(studios):
    draw_first_faces(studios)
    studio = studios.get("tiny")
    for character, side in ((Character(2), 256), (Character(2), 128), (Character(17), 128)):
        assert find_first_face(studios, studio, character, side).tobytes() == studio.render(character, side).tobytes()
    assert find_first_face(studios, studio, Character(18), 128) is None

from concurrent.futures import ThreadPoolExecutor

import pytest

from animegen_core import AnimeGenError, Character, Studio
from animegen_core.images import read_description, save_png
from animegen_core.studio import read_character


@pytest.fixture(scope="module")
def studio(tiny_checkpoint):
    return Studio.load(tiny_checkpoint, "cpu")


def test_a_face_is_an_rgb_picture_of_the_checkpoints_size(studio):
    face = studio.render(Character(42))
    assert (face.mode, face.size) == ("RGB", (64, 64))


def test_each_seed_has_a_face_of_its_own(studio):
    faces = studio.render_many([Character(seed) for seed in range(20)])
    assert len({face.tobytes() for face in faces}) == 20


def test_a_face_is_the_same_alone_and_in_a_batch_of_64(studio):
    characters = [Character(seed) for seed in range(64)]
    together = [face.tobytes() for face in studio.render_many(characters)]
    assert together == [studio.render(character).tobytes() for character in characters]


def test_a_checkpoint_opened_again_draws_the_same(studio, tiny_checkpoint):
    assert Studio.load(tiny_checkpoint, "cpu").render(Character(3)).tobytes() == studio.render(Character(3)).tobytes()


def test_four_threads_draw_the_same_faces_as_one(studio):
    characters = [Character(seed) for seed in range(40)]
    expected = [face.tobytes() for face in studio.render_many(characters)]

    def draw_all(_):
        return [face.tobytes() for face in studio.render_many(characters)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw_all, range(4))) == [expected] * 4


def test_the_file_is_the_project(studio, tmp_path):
    character = Character(2**32 - 1)
    path = save_png(studio.render(character), tmp_path / "face.png", studio.describe(character))
    description = read_description(path)
    checkpoint, restored = read_character(description)
    assert (checkpoint, restored) == ("tiny", character)
    assert description["checkpoint_hash"] == studio.checkpoint.hash
    again = save_png(studio.render(restored), tmp_path / "again.png", studio.describe(restored))
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"program": "Paint", "checkpoint": "tiny", "character": {"seed": 1}},
        {"program": "AnimeGen", "character": {"seed": 1}},
        {"program": "AnimeGen", "checkpoint": 3, "character": {"seed": 1}},
        {"program": "AnimeGen", "checkpoint": "tiny"},
        {"program": "AnimeGen", "checkpoint": "tiny", "character": [1]},
        {"program": "AnimeGen", "checkpoint": "tiny", "character": {}},
        {"program": "AnimeGen", "checkpoint": "tiny", "character": {"seed": -1}},
        {"program": "AnimeGen", "checkpoint": "tiny", "character": {"seed": "1; rm"}},
        {"program": "AnimeGen", "checkpoint": "tiny", "character": {"seed": 1, "__class__": "os"}},
    ],
)
def test_a_description_of_another_origin_is_refused(description):
    with pytest.raises(AnimeGenError):
        read_character(description)


@pytest.mark.parametrize("device", ["banana", "cuda:99"])
def test_a_device_that_is_not_there_is_quoted(tiny_checkpoint, device):
    with pytest.raises(AnimeGenError, match=f"Device '{device}' is not present"):
        Studio.load(tiny_checkpoint, device)

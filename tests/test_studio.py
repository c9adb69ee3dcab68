import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from animegen_core import Animation, AnimeGenError, Character, Matrix, Studio
from animegen_core.character import LOOPS
from animegen_core.families import FAMILIES
from animegen_core.images import read_description, save_png
from animegen_core.latents import PATH_KINDS
from animegen_core.studio import read_character, read_described


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


@pytest.mark.parametrize("device", ["banana", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_quoted(tiny_checkpoint, device):
    with pytest.raises(AnimeGenError, match=f"Device '{device}' is not available"):
        Studio.load(tiny_checkpoint, device)


@pytest.fixture(scope="module")
def studios(family_checkpoints):
    return {family: Studio.load(folder, "cpu") for family, folder in family_checkpoints.items()}


@pytest.fixture(params=FAMILIES)
def any_studio(request, studios):
    return studios[request.param]


LABELLED, STYLED = ("conditional-dcgan", "stylegan2", "vae"), ("stylegan", "stylegan2")


def wishes(studio):
    """Characters that use all that a studio can do."""
    able = studio.capabilities
    characters = [Character(1), Character(2, psi=0.5), Character(3, variation_seed=4, variation_strength=0.3)]
    if able.labels:
        characters += [Character(1, hair="red"), Character(1, eyes="blue"), Character(1, "red", "blue", 0.7)]
    if able.styles:
        characters += [Character(1, coarse=5), Character(1, middle=5), Character(1, fine=5, crossovers=(8, 32))]
    return characters


def as_bytes(pictures):
    return [picture.tobytes() for picture in pictures]


def distance(a, b):
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).mean()


def test_what_each_family_can_do(studios):
    assert [f for f, studio in studios.items() if studio.capabilities.labels] == list(LABELLED)
    assert [f for f, studio in studios.items() if studio.capabilities.styles] == list(STYLED)


def test_each_wish_changes_the_face_and_is_drawn_the_same_in_any_company(any_studio):
    characters = wishes(any_studio)
    faces = as_bytes(any_studio.render_many(characters))
    assert len(set(faces)) == len(characters)
    assert faces == [any_studio.render(character).tobytes() for character in characters]
    again = Studio.load(any_studio.checkpoint.path, "cpu")
    assert faces[::-1] == as_bytes(again.render_many(characters[::-1]))


def test_threads_draw_the_same_faces_and_loops_in_every_family(any_studio):
    animation = Animation((Character(1), Character(2)), frames=8)
    expected = as_bytes(any_studio.animate(animation))
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: as_bytes(any_studio.animate(animation)), range(3))) == [expected] * 3


def test_psi_0_is_one_mean_face_but_for_the_noise(studios):
    for family in ("dcgan", "conditional-dcgan", "vae"):
        assert len({face.tobytes() for face in studios[family].render_many([Character(s, psi=0) for s in range(5)])}) == 1
    for family in STYLED:
        near, far = ([*studios[family].render_many([Character(s, psi=psi) for s in (1, 2)])] for psi in (0, 1))
        assert distance(*near) < distance(*far)


def test_a_style_based_face_is_what_the_generator_makes_of_its_w_and_noise(studios):
    studio = studios["stylegan"]
    without_noise = Studio.load(studio.checkpoint.path, "cpu")
    for module in without_noise.checkpoint.generator.modules():
        if hasattr(module, "noise_strength"):
            module.noise_strength.zero_()
    z = torch.from_numpy(np.random.RandomState(7).standard_normal((1, 16))).float()
    expected = without_noise.checkpoint.generator(z)[0].permute(1, 2, 0) * 127.5 + 127.5
    face = without_noise.render(Character(7))
    assert np.abs(np.asarray(face, float) - expected.clamp(0, 255).numpy()).max() <= 1
    assert distance(face, studio.render(Character(7))) > 1


def test_a_full_variation_is_the_other_face(studios):
    varied = Character(1, variation_seed=2, variation_strength=1)
    assert studios["dcgan"].render(varied).tobytes() == studios["dcgan"].render(Character(2)).tobytes()


def test_truncation_is_toward_the_mean_of_the_labels(studios):
    studio = studios["stylegan2"]
    red, blue = (studio.render(Character(1, hair=hair, psi=0)) for hair in ("red", "blue"))
    assert distance(red, blue) > 0


@pytest.mark.parametrize("family", STYLED)
def test_bands_that_cover_all_layers_are_the_other_face(studios, family):
    studio, other = studios[family], Character(1, coarse=2, middle=2, fine=2)
    twin = Character(1, coarse=2, crossovers=(2048, 2048))  # all layers are coarse
    assert studio.render(other).tobytes() == studio.render(twin).tobytes()
    assert studio.render(Character(1, fine=2, crossovers=(4, 4))).tobytes() == studio.render(twin).tobytes()
    assert studio.render(Character(1, fine=2)).tobytes() == studio.render(Character(1)).tobytes()  # no layer of 64 px here


def test_mix_is_the_character_with_three_sources(studios):
    face = studios["stylegan2"].mix(1, 2, 3, (8, 16))
    assert face.tobytes() == studios["stylegan2"].render(Character(1, middle=2, fine=3, crossovers=(8, 16))).tobytes()


@pytest.mark.parametrize("path", PATH_KINDS)
@pytest.mark.parametrize("loop", LOOPS)
def test_an_animation_has_as_many_frames_as_asked_and_no_seam(any_studio, path, loop):
    keys = tuple(wishes(any_studio)[-3:])
    frames = list(any_studio.animate(Animation(keys, path, frames=25, loop=loop)))
    assert len(frames) == 25
    assert all(a.tobytes() != b.tobytes() for a, b in itertools.pairwise(frames))
    steps = [distance(a, b) for a, b in itertools.pairwise(frames)]
    if loop != "once":
        assert 0 < distance(frames[-1], frames[0]) <= 1.5 * max(steps)
    if path != "circular":
        faces = as_bytes(any_studio.render_many(keys))
        assert frames[0].tobytes() == faces[0]
        assert set(faces) <= set(as_bytes(frames))
    if loop == "once" and path != "circular":
        assert frames[-1].tobytes() == faces[-1]


def test_a_circle_of_two_keys_does_not_come_back_the_same_way(any_studio):
    frames = list(any_studio.animate(Animation((Character(1), Character(2)), "circular", frames=8)))
    assert len({frame.tobytes() for frame in frames}) == 8


@pytest.mark.parametrize("family", LABELLED)
def test_labels_and_psi_change_gradually_between_keys(studios, family):
    keys = (Character(1, hair="red", psi=1), Character(1, hair="blue", psi=0.5))
    frames = list(studios[family].animate(Animation(keys, frames=17, loop="once")))
    way = distance(frames[0], frames[-1])
    assert max(distance(a, b) for a, b in itertools.pairwise(frames)) < way / 2
    assert [frames[0].tobytes(), frames[-1].tobytes()] == as_bytes(studios[family].render_many(keys))


@pytest.mark.parametrize(
    "wish, unable, able",
    [
        (dict(hair="red"), ("dcgan", "stylegan"), "tiny-conditional-dcgan or tiny-stylegan2 or tiny-vae"),
        (dict(eyes="red"), ("dcgan", "stylegan"), "tiny-conditional-dcgan or tiny-stylegan2 or tiny-vae"),
        (dict(middle=3), ("dcgan", "conditional-dcgan"), "tiny-stylegan or tiny-stylegan2"),
    ],
)
def test_what_a_family_cannot_do_is_told_with_those_that_can(studios, monkeypatch, tmp_path, wish, unable, able):
    character = replace(Character(1), **wish)
    animation = Animation((Character(1), character))
    for studio in map(studios.get, unable):
        monkeypatch.setattr("animegen_core.checkpoint.format.BUNDLED", studio.checkpoint.path.parent)
        for ask in (studio.render_many([Character(1), character]), studio.animate(animation)):
            with pytest.raises(AnimeGenError, match=f"Checkpoint '{studio.checkpoint.name}' has no .*; use {able}.$"):
                next(ask)
        monkeypatch.setattr("animegen_core.checkpoint.format.BUNDLED", tmp_path)
        with pytest.raises(AnimeGenError, match="no bundled checkpoint has them"):
            studio.render(character)


def test_a_description_says_what_drew_what(any_studio):
    film, matrix = (
        Animation(tuple(wishes(any_studio)[-2:]), "linear", 9),
        Matrix((1, 2), (3,), ("fine",), Character(0, psi=0.5)),
    )
    for described in [*wishes(any_studio), film, matrix, Matrix((1,), (2,))]:
        description = json.loads(json.dumps(any_studio.describe(described)))
        assert read_described(description) == (any_studio.checkpoint.name, described)
        assert {"program", "version", "checkpoint_hash"} < set(description)


@pytest.mark.parametrize(
    "described, kind", [(Animation((Character(1), Character(2))), "an animation"), (Matrix((1,), (2,)), "a matrix")]
)
def test_nothing_else_is_taken_for_a_character(studios, described, kind):
    with pytest.raises(AnimeGenError, match=f"is {kind}'s"):
        read_character(studios["dcgan"].describe(described))


@pytest.mark.parametrize("name", ["", "x" * 1000, "nul\0", "\ud800"])
def test_a_hostile_checkpoint_name_is_refused(name):
    with pytest.raises(AnimeGenError, match="cannot be a name"):
        read_described({"program": "AnimeGen", "checkpoint": name, "character": {"seed": 1}})


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_faces_and_films_come_in_every_size(any_studio, factor):
    size = any_studio.sizes[0] * factor
    assert any_studio.render(Character(1), size).size == (size, size)
    film = Animation((Character(1), Character(2)), frames=8)
    frames = list(any_studio.animate(film, size))
    assert [frame.size for frame in frames] == [(size, size)] * 8
    assert frames[0].tobytes() == any_studio.render(Character(1), size).tobytes()


def test_the_size_is_described_where_it_is_not_the_checkpoints_own(studio):
    assert studio.describe(Character(1), 256)["size"] == 256
    assert studio.describe(Character(1), 64) == studio.describe(Character(1))


@pytest.mark.parametrize("size", [0, 63, 100, 2**40, -64, 64.5, "64", True])
def test_a_size_that_cannot_be_drawn_is_refused_with_the_good_ones(studio, size):
    with pytest.raises(AnimeGenError, match=r"The size is .* of 64, 128, 256, 512, 1024, 2048 px"):
        studio.render(Character(1), size)


def test_the_usual_creativity_is_the_configs(saved):
    _, folder = saved
    assert Studio.load(folder, "cpu").usual_psi == 1
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"usual_psi": 0.85}))
    assert Studio.load(folder, "cpu").usual_psi == 0.85

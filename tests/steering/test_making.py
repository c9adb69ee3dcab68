import re

import pytest
import torch

from animegen_core import AnimeGenError, Character, Studio
from animegen_core.checkpoint import save_checkpoint
from animegen_core.helpers.features import random_space
from animegen_core.labels import ATTRIBUTES
from animegen_core.steering import faces as faces_module
from animegen_core.steering import judging
from animegen_core.steering.faces import Faces
from animegen_core.steering.making import make_directions
from animegen_core.steering.recolouring import first_table, learn_recolouring


@pytest.fixture
def folder(family_checkpoints, tmp_path):
    generator = Studio.load(family_checkpoints["stylegan2"], "cpu").checkpoint.generator
    frequencies = {name: dict.fromkeys(colours, 1.0) for name, colours in ATTRIBUTES.items()}
    return save_checkpoint(tmp_path / "tiny", "stylegan2", generator, 0, "nothing", "mit", label_frequencies=frequencies)


def test_directions_are_made_measured_and_used(folder, monkeypatch):
    monkeypatch.setattr(judging, "imagenet_space", lambda side: random_space())  # the other is slow
    monkeypatch.setattr(faces_module, "_MEAN_OVER", 4)
    character = Character(3, psi=0.7, recolour_hair="blue")
    by_means = Studio.load(folder, "cpu").render(character)
    (folder / "README.md").write_text("# Mine\n\n## Known flaws\n\nNone.\n")
    for _ in range(2):  # the second replaces the first's section
        section = make_directions(Studio.load(folder, "cpu"), steps=1, learned_on=2, count=24, judged=1, measured=2)
    assert "| slider | measure | effect | also moves | broken | explained |" in section
    assert re.search(r"\| hair \| \d+% \| \d+% \| \d+\.\d \| \d+\.\d \|", section)
    card = (folder / "README.md").read_text()
    assert card == f"# Mine\n\n{section}\n## Known flaws\n\nNone.\n"
    assert Studio.load(folder, "cpu").render(character).tobytes() != by_means.tobytes()


def test_faces_drawn_in_batches_are_the_studios(folder):
    studio = Studio.load(folder, "cpu")
    faces = Faces(studio.checkpoint, 0.7)
    pictures = faces.draw(faces.ws([3, 8]), [3, 8])
    for picture, seed in zip(pictures, (3, 8)):
        face = studio.render(Character(seed, psi=0.7)).resize((64, 64), 2)
        assert abs(picture.astype(float) - face).mean() < 3


def test_learning_moves_the_colours(folder, monkeypatch):
    monkeypatch.setattr(faces_module, "_MEAN_OVER", 4)
    faces = Faces(Studio.load(folder, "cpu").checkpoint, 0.7)
    learned = learn_recolouring(faces, steps=3, count=2, batch=2)
    assert {name: len(table) for name, table in learned.items()} == {name: len(colours) for name, colours in ATTRIBUTES.items()}
    assert not all(torch.equal(learned[name], first_table(faces, name)) for name in ATTRIBUTES)


@pytest.mark.parametrize("family", ["dcgan", "stylegan"])
def test_a_checkpoint_without_colours_or_styles_is_refused(family_checkpoints, family):
    with pytest.raises(AnimeGenError, match=f"'tiny-{family}' has no styles, or no hair and eye colours"):
        make_directions(Studio.load(family_checkpoints[family], "cpu"))

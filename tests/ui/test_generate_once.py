"""Generate draws each face once, the selected one too, whose picture is shown large and small."""

from pathlib import Path
from types import SimpleNamespace

from PIL import Image

from animegen_core import Character
from animegen_core.images import read_description

LOOKS = ("any", "any", 1.0, 0, 0.0)


def generated(demo, seed, count):
    """All that Generate answers, as the page gets it, of a locked seed."""
    function = next(function for function in demo.fns.values() if function.name == "fresh_or_same")
    request = SimpleNamespace(session_hash="once")
    return list(function.fn(request, "tiny-dcgan", True, [], [], True, seed, count, *LOOKS))


def test_four_faces_are_four_passes_of_the_generator(demo, slow):
    *_, last = generated(demo, 7, 4)
    assert len(slow) == 4
    assert len(last[3]) == 4


def test_the_file_of_the_selected_face_is_the_one_that_its_description_gives(demo, family_checkpoints):
    from animegen_core.studio import Studio

    *_, last = generated(demo, 7, 2)
    studio = Studio.load(family_checkpoints["dcgan"], "cpu")
    for (file, caption), seed in zip(last[3], (7, 8)):
        assert caption == f"Seed {seed}" and read_description(Path(file))["character"] == {"seed": seed}
        assert Image.open(file).tobytes() == studio.render(Character(seed), Image.open(file).width).tobytes()

"""A character sheet has the face, eight variants and the palette."""

import numpy as np
import pytest

from animegen_core.artwork.character_sheet import HAIRS, PSIS, character_sheet, variants
from animegen_core.artwork.palette import main_colours
from animegen_core.character import Character
from animegen_core.errors import AnimeGenError
from animegen_core.studio import Studio


@pytest.fixture(scope="module")
def studios(family_checkpoints, small_upscaler):
    return {family: Studio.load(family_checkpoints[family], "cpu") for family in ("dcgan", "stylegan2")}


def contains(sheet, colour):
    return (np.asarray(sheet).reshape(-1, 3) == colour).all(axis=1).sum() > 1000


def test_the_sheet_has_the_face_and_the_squares_of_its_palette(studios):
    character = Character(7, eyes="blue")
    sheet = character_sheet(studios["stylegan2"], character, "Hanako")
    assert sheet.size == (1888, 1024)
    face = sheet.crop((32, 168, 32 + 768, 168 + 768))
    drawn = studios["stylegan2"].render(character, 128).resize((768, 768))
    assert np.abs(np.asarray(face).astype(int) - np.asarray(drawn)).mean() < 12
    for swatch in main_colours(face, 8):
        assert contains(sheet, (swatch.red, swatch.green, swatch.blue))


def test_the_variants_are_hair_colours_where_the_checkpoint_knows_them_and_else_creativities(studios):
    character = Character(7)
    assert [one.hair for _, one in variants(studios["stylegan2"], character)] == list(HAIRS)
    assert [one.psi for _, one in variants(studios["dcgan"], character)] == list(PSIS)


def test_a_name_changes_the_sheet_and_a_bad_one_is_refused(studios):
    plain = character_sheet(studios["dcgan"], Character(1))
    assert character_sheet(studios["dcgan"], Character(1), "Aiko").tobytes() != plain.tobytes()
    for name in ("x" * 41, "a\nb"):
        with pytest.raises(AnimeGenError, match="at most 40 printable characters"):
            character_sheet(studios["dcgan"], Character(1), name)

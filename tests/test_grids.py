import pytest

from animegen_core import AnimeGenError, Character, Studio
from animegen_core.grids import generate_interpolation_grid, generate_style_mixing_grid


@pytest.fixture(scope="module")
def studio(family_checkpoints):
    return Studio.load(family_checkpoints["stylegan2"], "cpu")


def tile(sheet, row, column, side=32):
    x, y = 2 + column * (side + 2), 2 + row * (side + 2)
    return sheet.crop((x, y, x + side, y + side)).tobytes()


def test_a_row_of_an_interpolation_begins_and_ends_at_its_pair(studio):
    pairs = [(Character(1), Character(2, psi=0.5)), (Character(3, hair="red"), Character(3, hair="blue"))]
    sheet = generate_interpolation_grid(studio, pairs, steps=5)
    assert sheet.size == (5 * 34 + 2, 2 * 34 + 2)
    for row, pair in enumerate(pairs):
        assert [tile(sheet, row, 0), tile(sheet, row, 4)] == [studio.render(character).tobytes() for character in pair]
    assert len({tile(sheet, row, column) for row in range(2) for column in range(5)}) == 10


def test_a_mixing_matrix_shows_each_source_and_each_mixture(studio):
    sheet = generate_style_mixing_grid(studio, [1, 2], [3, 4, 5], template=Character(0, hair="red", psi=0.7))
    assert sheet.size == (4 * 34 + 2, 3 * 34 + 2)
    assert tile(sheet, 0, 0) == b"\xff" * (32 * 32 * 3)
    wanted = {
        (0, 2): Character(4, "red", psi=0.7),
        (2, 0): Character(2, "red", psi=0.7),
        (2, 3): Character(2, "red", psi=0.7, coarse=5, middle=5),
    }
    for place, character in wanted.items():
        assert tile(sheet, *place) == studio.render(character).tobytes()


def test_the_columns_give_the_bands_that_are_asked_for(studio):
    sheet = generate_style_mixing_grid(studio, [1], [2], bands=["coarse"])
    assert tile(sheet, 1, 1) == studio.render(Character(1, coarse=2)).tobytes()


@pytest.mark.parametrize(
    "rows, columns, options, message",
    [
        ([], [1], {}, "A grid has 1 to 32 rows, not 0"),
        ([1], range(33), {}, "A grid has 1 to 32 columns, not 33"),
        ([1], [2], dict(bands=["hair"]), "Unknown band 'hair'; known are: coarse, middle, fine"),
        ([1], [-2], {}, "Seed -2"),
    ],
)
def test_a_matrix_that_cannot_be_is_told_in_one_sentence(studio, rows, columns, options, message):
    with pytest.raises(AnimeGenError, match=message):
        generate_style_mixing_grid(studio, rows, columns, **options)


@pytest.mark.parametrize("steps", [1, 33, 2.0, "2", True, None])
def test_an_interpolation_has_at_least_its_two_ends(studio, steps):
    with pytest.raises(AnimeGenError, match="A grid has 2 to 32 steps, not "):
        generate_interpolation_grid(studio, [(Character(1), Character(2))], steps)


def test_a_checkpoint_without_styles_says_so(family_checkpoints):
    with pytest.raises(AnimeGenError, match="Checkpoint 'tiny-dcgan' has no styles to mix"):
        generate_style_mixing_grid(Studio.load(family_checkpoints["dcgan"], "cpu"), [1], [2])

"""Sheets of interpolations between characters and of mixed styles."""

from collections.abc import Sequence

from PIL import Image

from animegen_core.character import Character, Matrix, check_side
from animegen_core.images import make_grid
from animegen_core.studio import Studio


def generate_interpolation_grid(
    studio: Studio, pairs: Sequence[tuple[Character, Character]], steps: int = 8, path: str = "slerp"
) -> Image.Image:
    """A row of interpolated faces for each pair of characters, from the first at the left to the second at the right.

    Args:
        steps: faces in a row, at least 2.
        path: "slerp", "linear" or "circular".

    Raises:
        AnimeGenError: too many or too few pairs or steps, or the checkpoint does not support a character's field.
    """
    check_side("pairs", len(pairs), 1)
    check_side("steps", steps, 2)
    positions = [step / (steps - 1) for step in range(steps)]
    return make_grid([face for pair in pairs for face in studio.interpolate(pair, positions, path)], columns=steps)


def generate_style_mixing_grid(
    studio: Studio,
    rows: Sequence[int],
    columns: Sequence[int],
    bands: Sequence[str] = ("coarse", "middle"),
    template: Character | None = None,
    size: int | None = None,
) -> Image.Image:
    """The matrix of Karras et al. 2019, figure 3: each face is its row's, with the styles of some layers from its
    column.

    Args:
        rows, columns: seeds; their own faces are shown at the left and on top.
        bands: the column's layers, of "coarse", "middle" and "fine".
        template: colours, psi, crossovers and so on, for all faces.
        size: of a face in pixels (see ``Studio.render``).

    Returns:
        A sheet of len(rows) + 1 by len(columns) + 1 faces, with an empty corner.

    Raises:
        AnimeGenError: too many or too few seeds, an unknown band, or a checkpoint without styles.
    """
    return draw_matrix(studio, Matrix(rows, columns, bands, template or Character(0)), size)


def draw_matrix(studio: Studio, matrix: Matrix, size: int | None = None) -> Image.Image:
    """Draw the sheet of a matrix (see ``generate_style_mixing_grid``).

    Raises:
        AnimeGenError: the checkpoint has no styles.
    """
    return matrix_sheet(matrix, list(studio.render_many(matrix_characters(matrix), size)))


def matrix_characters(matrix: Matrix) -> list[Character]:
    """The characters of a matrix, row by row: first the columns' own; each further row starts with its own."""
    characters = [matrix.own(column) for column in matrix.columns]
    for row in matrix.rows:
        characters += [matrix.own(row), *(matrix.mixed(row, column) for column in matrix.columns)]
    return characters


def matrix_sheet(matrix: Matrix, faces: Sequence[Image.Image]) -> Image.Image:
    """Arrange the drawn faces of ``matrix_characters`` on a sheet."""
    return make_grid([Image.new("RGB", faces[0].size, "white"), *faces], columns=len(matrix.columns) + 1)

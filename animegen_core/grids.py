"""Sheets that show what lies between characters, and what each layer's styles decide."""

from collections.abc import Sequence

from PIL import Image

from animegen_core.character import Character, Matrix, check_side
from animegen_core.images import make_grid
from animegen_core.studio import Studio


def generate_interpolation_grid(
    studio: Studio, pairs: Sequence[tuple[Character, Character]], steps: int = 8, path: str = "slerp"
) -> Image.Image:
    """A row for each pair of characters, with the first at its left, the second at its right and faces between them.

    Args:
        steps: faces in a row, at least 2.
        path: "slerp", "linear" or "circular".

    Raises:
        AnimeGenError: too many or too few of something, or the checkpoint cannot do what a character asks for.
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
    """The matrix of Karras et al. 2019, figure 3: each face is its row's with some layers' styles from its column.

    Args:
        rows, columns: seeds, whose own faces stand at the left and on top.
        bands: those that the column gives, of "coarse", "middle" and "fine".
        template: colours, psi, crossovers and the like, which all faces share.
        size: side of a face in pixels (see ``Studio.render``).

    Returns:
        A sheet of len(rows) + 1 by len(columns) + 1 faces, with an empty corner.

    Raises:
        AnimeGenError: too many or too few seeds, an unknown band, or a checkpoint without styles.
    """
    return draw_matrix(studio, Matrix(rows, columns, bands, template or Character(0)), size)


def draw_matrix(studio: Studio, matrix: Matrix, size: int | None = None) -> Image.Image:
    """A matrix from its description (see ``generate_style_mixing_grid``).

    Raises:
        AnimeGenError: the checkpoint has no styles.
    """
    return matrix_sheet(matrix, list(studio.render_many(matrix_characters(matrix), size)))


def matrix_characters(matrix: Matrix) -> list[Character]:
    """The faces of a matrix, row by row: the first row has the columns' own, the others begin with the row's own."""
    characters = [matrix.own(column) for column in matrix.columns]
    for row in matrix.rows:
        characters += [matrix.own(row), *(matrix.mixed(row, column) for column in matrix.columns)]
    return characters


def matrix_sheet(matrix: Matrix, faces: Sequence[Image.Image]) -> Image.Image:
    """The sheet of a matrix from its drawn faces, in the order of ``matrix_characters``."""
    return make_grid([Image.new("RGB", faces[0].size, "white"), *faces], columns=len(matrix.columns) + 1)

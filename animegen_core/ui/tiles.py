"""Values of the gallery while faces are drawn."""

from collections.abc import Sequence
from typing import Any

from animegen_core.character import Character
from animegen_core.studio import Studio
from animegen_core.ui.components import file_data
from animegen_core.ui.pictures import caption


class Tiles:
    """The values of a ``face_grid`` for characters that are being drawn.

    Args:
        old: files and captions of the faces before, which are shown until they are replaced.
    """

    def __init__(self, studio: Studio, characters: Sequence[Character], old: Sequence[tuple[str, str]]) -> None:
        self._described = [{"label": caption(character), "description": studio.describe(character)} for character in characters]
        self._old = [file for file, _ in old]

    def value(self, drawn: Sequence[tuple[str, str]], selected: int | None = None) -> dict[str, Any]:
        """The new faces, and the old ones for what is not drawn yet.

        Args:
            drawn: files and captions of the new faces.
            selected: the place of the chosen face, or None if the visitor may have chosen another.
        """
        count = len(self._described)
        files = [file for file, _ in drawn] + self._old[len(drawn) : count]
        files += [None] * (count - len(files))
        faces = [{"image": file and file_data(file), **words} for file, words in zip(files, self._described)]
        return {"faces": faces, "fresh": len(drawn), "selected": selected}

    def final(self, drawn: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """The new faces only: all of them, or fewer if the visitor has cancelled."""
        return self.value(drawn) | {"faces": self.value(drawn)["faces"][: len(drawn)], "fresh": None}

"""A zip of the picked faces, of all checkpoints."""

import io
import json
import zipfile
from typing import Any

import gradio as gr

from animegen_core.character import Character
from animegen_core.errors import AnimeGenError
from animegen_core.images import encode_png, parse_description
from animegen_core.studio import read_described
from animegen_core.ui.controls import size_of
from animegen_core.ui.downloads import FETCH
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.page import Page
from animegen_core.ui.pictures import check_pixels, file_stem, keep_file
from animegen_core.ui.studios import Studios

_MOST = 200  # faces in a zip
_DONE = "() => document.dispatchEvent(new CustomEvent('animegen-zipped'))"


def wire_picks(page: Page, size: gr.Radio) -> None:
    """Let the history's button download its picks.

    Args:
        size: of the files in pixels.
    """
    link = gr.DownloadButton("Picks", elem_id="picks-file", elem_classes="unseen")

    @shows_errors
    def make(wanted: int, embed: bool, event: gr.EventData) -> str:
        content = zip_of(page.studios, parse_description(event.picks, "The list of picks").get("picks"), wanted, embed)
        return keep_file(content, "animegen-picks.zip", link.GRADIO_CACHE)

    quiet = dict(api_visibility="private", show_progress="hidden")
    made = page.history.zip(make, [size, page.embed], link, **quiet)
    made.success(None, None, None, js=FETCH.format(link.elem_id))
    made.then(None, None, None, js=_DONE)


def zip_of(studios: Studios, descriptions: object, wanted: int, embed: bool) -> bytes:
    """PNGs of faces, and a list of their descriptions.

    Args:
        descriptions: as ``Studio.describe`` makes them.
        wanted: size in pixels (see ``size_of``).
        embed: whether the PNGs contain their description.

    Raises:
        AnimeGenError: there is no face or too many, a description is damaged, or its checkpoint is not here.
    """
    if not isinstance(descriptions, list) or not 1 <= len(descriptions) <= _MOST:
        number = len(descriptions) if isinstance(descriptions, list) else 0
        raise AnimeGenError(f"{number} faces are picked, but a zip has 1 to {_MOST}.")
    faces = [_found(studios, description) for description in descriptions]
    check_pixels(len(faces), "faces", max(size_of(studio, wanted) for studio, _ in faces))
    stream, listed = io.BytesIO(), []
    with zipfile.ZipFile(stream, "w") as archive:  # uncompressed, because PNGs are compressed already
        for number, (studio, character) in enumerate(faces, 1):
            side = size_of(studio, wanted)
            described = studio.describe(character, side)
            png = encode_png(studio.render(character, side), described if embed else None)
            listed.append({"file": f"{number:03d}-{file_stem(studio, character, side)}.png", **described})
            archive.writestr(listed[-1]["file"], png)
        archive.writestr("picks.json", json.dumps(listed, indent=2))
    return stream.getvalue()


def _found(studios: Studios, description: Any) -> tuple:
    """The studio and the character of a description."""
    name, character = read_described(description)
    if not isinstance(character, Character):
        raise AnimeGenError("A film or a matrix is among the picks; only faces go into the zip.")
    studio = studios.get(studios.find(name, description.get("checkpoint_hash")))
    studio.check(character)
    return studio, character

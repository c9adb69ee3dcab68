"""Images of the page: data URLs for display, files for downloads."""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gradio.processing_utils import save_bytes_to_cache
from PIL import Image

from animegen_core.character import Character
from animegen_core.errors import AnimeGenError, quote
from animegen_core.images import encode_png
from animegen_core.studio import Studio
from animegen_core.ui.messages import answered
from animegen_core.ui.studios import Studios

TILE, FILM, LARGE = 128, 256, 512  # maximum size in px of a small face, a film's frames, and the large face
_MOST_PIXELS = 240 * 512 * 512  # of all images in one file: a film of 240 frames of 512 px
_QUALITY = 92  # of JPEG: no visible loss, and ten times as fast as PNG


def data_url(picture: Image.Image) -> str:
    """The image as a JPEG in a data URL, without chroma subsampling."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def keep_file(content: bytes, name: str, cache: str) -> str:
    """Write a file for download into a new folder; the app deletes it after an hour."""
    return save_bytes_to_cache(content, name, cache)


def file_stem(studio: Studio, character: Character, side: int) -> str:
    """File name of a face without suffix: checkpoint, seed or own latent, values that differ from the defaults, and size."""
    name = f"seed{character.seed:05d}"
    if character.latent is not None:
        name = f"own-{hashlib.sha256(character.latent.encode()).hexdigest()[:6]}"
    parts = [re.sub(r"[^\w.-]+", "-", studio.checkpoint.name), name]
    parts += [f"{part}-{colour}" for part, colour in (("hair", character.hair), ("eyes", character.eyes)) if colour]
    if character.psi != 1:
        parts.append(f"psi{character.psi:g}")
    if character.mixes_styles:
        parts.append("mixed")
    parts += [f"{part}-to-{colour}" for part, colour in character.recolours.items() if colour]
    if character.lineage:
        parts.append("-".join(f"{step[0]}" for step in character.lineage[-1:]))
    return "-".join([*parts, f"{side}px"])


def caption(character: Character) -> str:
    """A caption: seed or own latent, colours and creativity."""
    words = [f"Seed {character.seed}" if character.latent is None else "Own face"]
    words += [f"{colour} {part}" for part, colour in (("hair", character.hair), ("eyes", character.eyes)) if colour]
    if character.psi != 1:
        words.append(f"creativity {character.psi:g}")
    if character.variation_strength:
        words.append(f"{character.variation_strength:.0%} toward {character.variation_seed}")
    if character.mixes_styles:
        words.append("mixed styles")
    words += [f"{part} recoloured {colour}" for part, colour in character.recolours.items() if colour]
    words += [f"{name} {strength:+.0%}" for name, strength in character.sliders]
    if character.lineage:
        words.append(f"generation {len(character.lineage)}")
    return " · ".join(words)


def draw_files(
    studio: Studio,
    characters: list[Character],
    cache: str,
    size: int,
    embed: bool = True,
    drawn: Mapping[int, Image.Image] | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield PNG files of faces, with captions, as they are drawn.

    Args:
        drawn: images of that size that are there already, by the place of their character.
    """
    drawn = drawn or {}
    others = studio.render_many([who for place, who in enumerate(characters) if place not in drawn], size)
    for place, character in enumerate(characters):
        picture = drawn[place] if place in drawn else next(others)
        png = encode_png(picture, studio.describe(character, size) if embed else None)
        yield keep_file(png, f"{file_stem(studio, character, size)}.png", cache), caption(character)


def check_pixels(count: int, what: str, side: int) -> None:
    """Check the size of a file before it is drawn.

    Raises:
        AnimeGenError: ``count`` images of ``side`` pixels are too many; the message calls them ``what``.
    """
    if count * side**2 > _MOST_PIXELS:
        most = _MOST_PIXELS // side**2
        raise AnimeGenError(f"{count} {what} of {side} px are too many; choose at most {most}, or a smaller size.")


def shown_side(studio: Studio, most: int) -> int:
    """Size in pixels at which a face is shown: the largest up to ``most``, or the checkpoint's own if that is larger.

    Never more than four times its own, which adds no detail.
    """
    return max((side for side in studio.sizes[:3] if side <= most), default=studio.sizes[0])


def large_view(studio: Studio, character: Character, picture: Image.Image | None = None) -> dict[str, Any]:
    """The value of a ``live_face``; the face is drawn unless its image is given."""
    words = caption(character)
    return {
        "src": data_url(picture or studio.render(character, shown_side(studio, LARGE))),
        "alt": f"Anime face: {words}",
        "caption": f"{words} · {studio.checkpoint.name}",
        "checkpoint": studio.checkpoint.name,
        "character": character.to_dict(),
    }


def history_entry(studio: Studio, character: Character, view: dict[str, Any]) -> dict[str, Any]:
    """The value of a ``history_strip`` for a ``large_view``."""
    return {"src": view["src"], "label": view["caption"], "description": studio.describe(character)}


def previewer(studios: Studios) -> Callable[[dict[str, Any]], str]:
    """The preview function of a ``live_face``."""

    @answered
    def preview(wish: dict[str, Any]) -> str:
        if not isinstance(wish, dict):
            raise AnimeGenError(f"The request is {quote(wish)}, but must have a checkpoint and a character.")
        studio = studios.get(wish.get("checkpoint"))
        return data_url(studio.render(Character.from_dict(wish.get("character")), shown_side(studio, LARGE)))

    return preview

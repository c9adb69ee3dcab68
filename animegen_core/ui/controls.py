"""Controls of several tabs."""

import secrets

import gradio as gr

from animegen_core.character import MAX_PSI, Character
from animegen_core.errors import AnimeGenError
from animegen_core.labels import ATTRIBUTES
from animegen_core.latents import MAX_SEED, check_seed
from animegen_core.studio import Studio
from animegen_core.ui.page import whole

ANY = "any"
FIRST_SEEDS = (9, 28, 11)  # for Animate and Mix; every bundled checkpoint draws them well
FIRST_SEED = 2  # a good first face
FACES_AT_FIRST, MAX_FACES = 16, 100  # at once
_NEW_SEEDS = 1_000_000  # random seeds are smaller, so that they have at most six digits
_OWN_SIZE, _FILE_SIZES = 0, (256, 512, 1024, 2048)  # px


def seed_number(label: str, elem_id: str, value: int | None, **options: object) -> gr.Number:
    """A field for a seed; ``the_seed`` validates it."""
    return gr.Number(value, label=label, minimum=0, maximum=MAX_SEED, elem_id=elem_id, **options)


def colour_radio(attribute: str, elem_id: str, **options: object) -> gr.Radio:
    """A choice of "any" or one of an attribute's colours; the style sheet shows swatches."""
    choices = [(name.capitalize(), name) for name in (ANY, *ATTRIBUTES[attribute])]
    return gr.Radio(choices, value=ANY, label=attribute.capitalize(), elem_id=elem_id, elem_classes="swatches", **options)


def psi_slider(elem_id: str, value: float) -> gr.Slider:
    """Creativity."""
    return gr.Slider(
        0,
        MAX_PSI,
        value,
        step=0.01,
        label="Creativity",
        info="1 is the seed's own face; lower is calmer, higher is wilder.",
        elem_id=elem_id,
    )


def size_radio(elem_id: str) -> gr.Radio:
    """The size of a file's images in pixels."""
    choices = [("Own size", _OWN_SIZE), *((f"{side} px", side) for side in _FILE_SIZES)]
    return gr.Radio(choices, value=_FILE_SIZES[0], label="Size of files", elem_id=elem_id, elem_classes="compact")


def size_of(studio: Studio, wanted: int) -> int:
    """The chosen size in pixels, rounded up to one of the checkpoint's sizes."""
    return next((size for size in studio.sizes if size >= wanted), studio.sizes[-1])


def colour(choice: str | None) -> str | None:
    """The value of a character's field for a chosen colour."""
    return None if choice in (None, ANY) else choice


def choice(colour: str | None) -> str:
    """The choice that corresponds to a character's colour."""
    return colour or ANY


def the_seed(value: object, name: str = "Seed") -> int:
    """A validated seed.

    Raises:
        AnimeGenError: it is empty or out of range.
    """
    if value is None:
        raise AnimeGenError(f"{name} is empty; give a whole number from 0 to {MAX_SEED}.")
    return check_seed(whole(value))


def consecutive_seeds(first: int, faces: object) -> list[int]:
    """``faces`` consecutive seeds from a first one on; 0 follows the highest.

    Raises:
        AnimeGenError: the number of faces is out of range.
    """
    if not isinstance(whole(faces), int) or not 1 <= whole(faces) <= MAX_FACES:
        raise AnimeGenError(f"Faces is {faces!r}, but must be a whole number from 1 to {MAX_FACES}.")
    return [(first + index) % (MAX_SEED + 1) for index in range(whole(faces))]


def new_seed() -> int:
    """A random seed."""
    return secrets.randbelow(_NEW_SEEDS)


def character_of(
    seed: int,
    hair: str | None,
    eyes: str | None,
    psi: float,
    variation_seed: object = 0,
    variation_strength: float = 0,
    keep: bool = False,
    sliders: dict[str, float] | None = None,
) -> Character:
    """The character of a seed and values of controls. A new face has nothing that could be kept.

    Raises:
        AnimeGenError: a value is out of range.
    """
    towards = the_seed(variation_seed, "Variation seed") if variation_strength else 0  # with strength 0 it has no effect
    return Character(seed, colour(hair), colour(eyes), psi, towards, variation_strength, sliders=sliders or {})

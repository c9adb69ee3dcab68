"""The faces that the page opens with, drawn before the first visitor comes."""

from PIL import Image

from animegen_core.character import Character
from animegen_core.studio import Studio
from animegen_core.ui.controls import FACES_AT_FIRST, FIRST_SEED, consecutive_seeds
from animegen_core.ui.pictures import LARGE, TILE, shown_side
from animegen_core.ui.studios import Studios


def draw_first_faces(studios: Studios) -> None:
    """Draw what a visitor sees first, the large face and then the small ones, and keep it in ``studios.drawn``."""
    studio = studios.get(studios.default)
    large, small = shown_side(studio, LARGE), shown_side(studio, TILE)
    for seed in consecutive_seeds(FIRST_SEED, FACES_AT_FIRST):
        character = Character(seed, psi=studio.usual_psi)
        sides = [large, small] if seed == FIRST_SEED else [small]
        for side, picture in zip(sides, studio.render_at(character, sides)):
            studios.drawn[studio.checkpoint.hash, character, side] = picture


def find_first_face(studios: Studios, studio: Studio, character: Character, side: int) -> Image.Image | None:
    """The image of a face, or None if it is none of these."""
    return studios.drawn.get((studio.checkpoint.hash, character, side))

"""AnimeGen: an image is a function of a small, saved description.

from animegen_core import Character, Studio

studio = Studio.load("dcgan-64")
studio.render(Character(seed=42)).save("face.png")
"""

from pathlib import Path

from animegen_core.character import Animation, Character, Matrix
from animegen_core.errors import AnimeGenError
from animegen_core.studio import Studio

__all__ = ["Animation", "AnimeGenError", "Character", "Matrix", "Studio"]

# Python also searches this folder for submodules: the names of earlier versions can still be imported.
__path__ = [*__path__, str(Path(__file__).with_name("earlier"))]

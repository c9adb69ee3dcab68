"""Read the description in a file and draw it again: python examples/read_back.py FILE.png"""

import sys

from animegen_core import Studio
from animegen_core.images import read_description, save_png
from animegen_core.studio import read_character

checkpoint, character = read_character(read_description(sys.argv[1]))
studio = Studio.load(checkpoint)
save_png(studio.render(character), "out/again.png", studio.describe(character))
print(f"{checkpoint} drew {character}; wrote out/again.png")

"""A sheet of faces and one face enlarged: python examples/grid.py"""

from animegen_core import Character, Studio
from animegen_core.images import make_grid, save_png

studio = Studio.load("dcgan-64")
faces = list(studio.render_many([Character(seed) for seed in range(64)]))
save_png(make_grid(faces), "out/sheet.png")

favourite = Character(seed=42)
save_png(studio.render(favourite), "out/favourite.png", studio.describe(favourite))
print("Wrote out/sheet.png and out/favourite.png")

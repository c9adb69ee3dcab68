"""A seamless loop through some faces, as GIF and MP4: python examples/loop.py [SEEDS]"""

import sys

from animegen_core import Animation, Character, Studio
from animegen_core.animation import save_animation
from animegen_core.latents import parse_seeds

seeds = parse_seeds(sys.argv[1] if len(sys.argv) > 1 else "3,7,12")
studio = Studio.load("dcgan-64")
film = Animation(tuple(Character(seed) for seed in seeds), frames=48, fps=24, easing="ease-in-out")
for name, size in (("out/loop.gif", 64), ("out/loop.mp4", 256)):
    save_animation(studio.animate(film, size), name, film.fps, studio.describe(film, size))
    print(f"Wrote {name}")

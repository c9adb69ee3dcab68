"""Train on a folder of images for two minutes: python examples/tiny_training.py FOLDER [MINUTES]"""

import sys

from animegen_core import Character, Studio
from animegen_core.data import make_loader
from animegen_core.images import make_grid, save_png
from animegen_core.training import train_dcgan

folder, minutes = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 2
loader = make_loader(folder, resolution=64, batch=32)
checkpoint = train_dcgan(loader, num_epochs=100, device=None, output_dir="out/tiny-run", max_minutes=minutes)
studio = Studio.load(checkpoint)
save_png(make_grid(list(studio.render_many([Character(seed) for seed in range(64)]))), "out/tiny-run.png")
print("Wrote out/tiny-run.png")

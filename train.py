"""Train a generator: python train.py dcgan --data PATH

PATH is a folder (nested or not) or a zip of pictures. Every run gets a numbered folder under runs/; Ctrl-C saves, and
python train.py dcgan --resume runs/00000-dcgan-64 goes on. On several GPUs: accelerate launch train.py dcgan ...
"""

from animegen_core.training.command import app

if __name__ == "__main__":
    app()

"""Train a generator: python train.py dcgan --data PATH

PATH is a folder (nested or not) or a zip of pictures. Every run gets a numbered folder under runs/; Ctrl-C saves, and
python train.py dcgan --resume runs/00000-dcgan-64 goes on. On several GPUs: torchrun --nproc_per_node 4 train.py dcgan ...

Families: dcgan, conditional-dcgan, stylegan, stylegan2. python train.py stylegan2 --preset stylegan2-64-light --data PATH is
the best that two CPU cores can train; --labels CSV conditions it on hair and eye colours.
"""

from animegen_core.commands.training import app

if __name__ == "__main__":
    app()

"""Train a generator: python train.py dcgan --data PATH

PATH is a folder or a zip of images. Every run has a numbered folder under runs/. Ctrl-C saves;
python train.py dcgan --resume runs/00000-dcgan-64 continues. On several GPUs: torchrun --nproc_per_node 4 train.py dcgan ...

Families: dcgan, conditional-dcgan, stylegan, stylegan2. For a CPU: python train.py stylegan2 --preset stylegan2-64-light
--data PATH; --labels CSV conditions it on hair and eye colours.
"""

from animegen_core.commands.training import app

if __name__ == "__main__":
    app()

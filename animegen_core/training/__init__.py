"""One loop for all families; losses; averaging; run folders; resume."""

from animegen_core.training.api import train_dcgan, train_stylegan, train_stylegan2, train_vae
from animegen_core.training.loop import train
from animegen_core.training.options import DCGANOptions, TrainOptions
from animegen_core.training.presets import PRESETS
from animegen_core.training.style_options import StyleGAN2Options, StyleGANOptions
from animegen_core.training.trainer import Trainer
from animegen_core.training.vae_options import VAEOptions

__all__ = [
    "PRESETS",
    "DCGANOptions",
    "StyleGAN2Options",
    "StyleGANOptions",
    "TrainOptions",
    "Trainer",
    "VAEOptions",
    "train",
    "train_dcgan",
    "train_stylegan",
    "train_stylegan2",
    "train_vae",
]

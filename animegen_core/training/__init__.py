"""One loop for all families; losses; averaging; run folders; resume."""

from animegen_core.training.api import train_dcgan
from animegen_core.training.loop import train
from animegen_core.training.options import DCGANOptions, TrainOptions
from animegen_core.training.trainer import Trainer

__all__ = ["DCGANOptions", "TrainOptions", "Trainer", "train", "train_dcgan"]

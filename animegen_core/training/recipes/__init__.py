"""Networks and losses of each family. Everything else is in ``trainer.py``."""

from animegen_core.training.recipes.base import Recipe, Stats
from animegen_core.training.recipes.dcgan import ConditionalDCGANRecipe, DCGANRecipe
from animegen_core.training.recipes.stylegan import StyleGAN2Recipe, StyleGANRecipe
from animegen_core.training.recipes.vae import VAERecipe

__all__ = ["ConditionalDCGANRecipe", "DCGANRecipe", "Recipe", "Stats", "StyleGAN2Recipe", "StyleGANRecipe", "VAERecipe"]

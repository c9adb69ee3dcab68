"""What differs between families: their networks and their losses. Everything else is in ``trainer.py``."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from animegen_core.models import dcgan
from animegen_core.training import losses
from animegen_core.training.options import DCGANOptions, TrainOptions

Stats = dict[str, Tensor]  # scalars for the log


class Recipe(ABC):
    """A family's part in training."""

    family: str
    options: TrainOptions

    @abstractmethod
    def build(self) -> tuple[nn.Module, nn.Module]:
        """Freshly initialised generator and discriminator."""

    @abstractmethod
    def generate(self, generator: nn.Module, count: int, device: torch.device) -> Tensor:
        """Fakes (count, 3, H, W) from latents drawn here."""

    @abstractmethod
    def discriminator_loss(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Stats]:
        """Scalar loss for real and fake pictures (N, 3, H, W) in [-1, 1], and what to log."""

    @abstractmethod
    def generator_loss(self, discriminator: nn.Module, fake: Tensor) -> Tensor:
        """Scalar loss for fakes (N, 3, H, W)."""


@dataclass
class DCGANRecipe(Recipe):
    """DCGAN: cross-entropy, real and fake in batches of their own so that batch norm sees each alone."""

    options: DCGANOptions
    family = "dcgan"

    def build(self) -> tuple[nn.Module, nn.Module]:
        shared = dict(extra_layers=self.options.extra_layers, batch_norm=self.options.batch_norm)
        return dcgan.Generator(self.options.latent_dim, **shared), dcgan.Discriminator(**shared)

    def generate(self, generator: nn.Module, count: int, device: torch.device) -> Tensor:
        return generator(torch.randn(count, self.options.latent_dim, device=device))

    def discriminator_loss(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Stats]:
        real_logits, fake_logits = discriminator(real), discriminator(fake)
        loss = losses.bce_discriminator_loss(
            real_logits.float(), fake_logits.float(), self.options.real_label_low, self.options.real_label_high
        )
        scores = {"real_score": real_logits, "fake_score": fake_logits}
        return loss, {name: logits.detach().float().sigmoid().mean() for name, logits in scores.items()}

    def generator_loss(self, discriminator: nn.Module, fake: Tensor) -> Tensor:
        return losses.bce_generator_loss(discriminator(fake).float())

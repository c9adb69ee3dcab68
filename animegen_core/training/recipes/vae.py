"""Variational autoencoder: reconstruction and Kullback-Leibler divergence; with the trainer's helper a VAE-GAN."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from animegen_core.data.sampling import hide_labels
from animegen_core.helpers.reconstruction import FeatureDistance, laplacian_distance
from animegen_core.labels import LABEL_DIMS
from animegen_core.models import vae
from animegen_core.training import losses
from animegen_core.training.recipes.base import Progress, Recipe, Stats
from animegen_core.training.vae_options import VAEOptions


@dataclass
class VAERecipe(Recipe):
    """VAE with a distance in pixels and in features (Hou et al. 2017, https://arxiv.org/abs/1610.00291).

    The helper, if any, judges decoded latents of the prior, one of the two kinds of fakes of Larsen et al. 2016
    (https://arxiv.org/abs/1512.09300).
    """

    options: VAEOptions
    family = "vae"

    @property
    def conditional(self) -> bool:
        """Whether there are labels."""
        return self.options.labels is not None

    def build(self) -> tuple[nn.Module, None]:
        o = self.options
        label_dims = LABEL_DIMS if self.conditional else ()
        return vae.VAE(o.resolution, o.latent_dim, o.channel_base, o.channel_max, label_dims), None

    def to(self, device: torch.device) -> None:
        super().to(device)
        self._features = None
        if self.options.feature_weight:
            features = FeatureDistance.of_imagenet(self.options.feature_size)
            self._features = features.to(device, memory_format=torch.channels_last)

    def prepare_labels(self, labels: Tensor, progress: Progress) -> Tensor:
        return hide_labels(labels, self.options.visible_fraction(progress["images_seen"]))

    def generate(self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device) -> Tensor:
        return generator(torch.randn(count, self.options.latent_dim, device=device), labels)

    def autoencoder_loss(
        self, generator: nn.Module, real: Tensor, labels: Tensor | None, progress: Progress
    ) -> tuple[Tensor, Stats]:
        mean, log_variance = generator.encode(real, labels)
        decoded = generator(vae.sample(mean, log_variance), labels)
        pixels, divergence = laplacian_distance(real, decoded).mean(), losses.kl_divergence(mean, log_variance).mean()
        loss = pixels + self.options.kl_weight_at(progress["images_seen"]) * divergence
        stats = {"loss_pixels": pixels.detach(), "kl": divergence.detach()}
        if self._features is not None:
            features = self._features(real, decoded).mean()
            loss = loss + self.options.feature_weight * features
            stats["loss_features"] = features.detach()
        return loss, stats

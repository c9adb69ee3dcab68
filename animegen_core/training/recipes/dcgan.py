"""DCGAN and conditional DCGAN."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from animegen_core.data.sampling import hide_labels
from animegen_core.labels import ANY, LABEL_DIMS
from animegen_core.models import dcgan
from animegen_core.training import losses
from animegen_core.training.augment import augment
from animegen_core.training.options import ConditionalDCGANOptions, DCGANOptions
from animegen_core.training.recipes.base import Progress, Recipe, Stats, mean_probabilities


@dataclass
class DCGANRecipe(Recipe):
    """DCGAN: cross-entropy; real and fake batches are separate, so that batch norm sees each alone."""

    options: DCGANOptions
    family = "dcgan"

    def build(self) -> tuple[nn.Module, nn.Module]:
        sizes = self._sizes()
        return dcgan.Generator(self.options.latent_dim, **sizes), dcgan.Discriminator(**sizes)

    def generate(self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device) -> Tensor:
        return generator(torch.randn(count, self.options.latent_dim, device=device))

    def discriminator_loss(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Stats]:
        real_logits, fake_logits = (discriminator(self._augmented(images)).float() for images in (real, fake))
        loss = losses.bce_discriminator_loss(real_logits, fake_logits, *self._real_labels())
        return loss, mean_probabilities(real_score=real_logits, fake_score=fake_logits)

    def generator_loss(self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        known = () if labels is None else (labels,)
        fake = self._augmented(fake)
        if not self.options.feature_matching:
            return losses.bce_generator_loss(discriminator(fake, *known).float())
        _, real_features = _logits_and_features(discriminator, self._augmented(real), *known)
        logits, fake_features = _logits_and_features(discriminator, fake, *known)
        matching = losses.feature_matching_loss(real_features, fake_features)
        return losses.bce_generator_loss(logits) + self.options.feature_matching * matching

    def _augmented(self, images: Tensor) -> Tensor:
        """Augmented images (N, 3, H, W)."""
        return augment(images, self.options.operations, 1.0)

    def _sizes(self) -> dict[str, int | bool]:
        """Arguments of both networks."""
        return {name: getattr(self.options, name) for name in ("base_channels", "extra_layers", "batch_norm")}

    def _real_labels(self) -> tuple[float, float]:
        return self.options.real_label_low, self.options.real_label_high


@dataclass
class ConditionalDCGANRecipe(DCGANRecipe):
    """Conditional DCGAN with three kinds of pairs (Reed et al. 2016, https://arxiv.org/abs/1605.05396, algorithm 1):
    real image and its label, fake and the label it was drawn for, real image and a wrong label.
    """

    options: ConditionalDCGANOptions
    family = "conditional-dcgan"
    conditional = True

    def build(self) -> tuple[nn.Module, nn.Module]:
        sizes = self._sizes()
        return dcgan.ConditionalGenerator(self.options.latent_dim, **sizes), dcgan.ConditionalDiscriminator(**sizes)

    def prepare_labels(self, labels: Tensor, progress: Progress) -> Tensor:
        return hide_labels(labels, self.options.visible_fraction(progress["images_seen"]))

    def generate(self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device) -> Tensor:
        return generator(torch.randn(count, self.options.latent_dim, device=device), labels)

    def discriminator_loss(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Stats]:
        real = self._augmented(real)
        real_logits, fake_logits = discriminator(real, labels).float(), discriminator(self._augmented(fake), labels).float()
        loss = losses.bce_discriminator_loss(real_logits, fake_logits, *self._real_labels())
        stats = mean_probabilities(real_score=real_logits, fake_score=fake_logits)
        if labels is None:
            return loss, stats
        known = (labels != ANY).any(1)  # an image of unknown colours has no wrong label
        wrong_logits = discriminator(real, wrong_labels(labels)).float()
        loss = loss + self.options.mismatch_weight * losses.bce_mismatch_loss(wrong_logits, known)
        wrong_score = (wrong_logits.detach().sigmoid() * known).sum() / known.sum().clamp(min=1)
        return loss, stats | {"wrong_score": wrong_score}


def _logits_and_features(discriminator: nn.Module, *inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (N,) and the features (N, C, 4, 4) before the last convolution, float32."""
    features: list[Tensor] = []
    with discriminator.layers[-2].register_forward_pre_hook(lambda _, given: features.append(given[0])):
        logits = discriminator(*inputs)
    return logits.float(), features[0].float()


def wrong_labels(labels: Tensor, label_dims: tuple[int, ...] = LABEL_DIMS) -> Tensor:
    """Labels (N, attributes) with one random known attribute of each row changed to another value.

    Unknown values stay unknown, so that only the colour differs and not the number of known values.
    """
    known = labels != ANY
    chosen = torch.multinomial(known.float() + 1e-6, 1)  # (N, 1); its value is irrelevant in rows where nothing is known
    sizes = torch.tensor(label_dims, device=labels.device)[chosen]
    step = (torch.rand(chosen.shape, device=labels.device) * (sizes - 1)).long() + 1  # 1 to size - 1
    changed = (labels.gather(1, chosen) + step) % sizes
    return torch.where(known, labels.scatter(1, chosen, changed), labels)

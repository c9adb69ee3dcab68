"""StyleGAN and StyleGAN2: two losses, lazy R1, R2 and path length penalties, style mixing, augmentation."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from animegen_core.data.sampling import hide_labels
from animegen_core.labels import LABEL_DIMS
from animegen_core.models import stylegan, stylegan2
from animegen_core.training import losses
from animegen_core.training.augment import augment
from animegen_core.training.recipes.base import Progress, Recipe, Stats, mean_probabilities
from animegen_core.training.style_options import StyleBasedOptions, StyleGAN2Options, StyleGANOptions

_ADA_TARGET = 0.6  # mean sign of the logits of reals above which the discriminator overfits (Karras et al. 2020a, figure 5)
_ADA_BATCHES = 4  # about so many batches are averaged


class RunningValues(nn.Module):
    """Running values of a style-based run, saved with its weights."""

    def __init__(self, options: StyleBasedOptions) -> None:
        super().__init__()
        for name, value in dict(
            r1=0.0,  # last measured value
            **({"r2": 0.0} if options.r2_gamma else {}),  # a run without R2 has none in its state
            path_length=0.0,  # running mean
            real_sign=0.0,  # running mean of the sign of the logits of reals
            augment_probability=1.0 if options.ada_kimg is None else 0.0,
        ).items():
            self.register_buffer(name, torch.tensor(value))


class StyleBasedRecipe(Recipe):
    """The common part of StyleGAN and StyleGAN2: all but networks and labels."""

    options: StyleBasedOptions

    def build(self) -> tuple[nn.Module, nn.Module]:
        self.state = RunningValues(self.options)
        generator, discriminator = self._networks()
        if not self.options.layer_noise:  # its strength is initialised to zero
            for layer in generator.modules():
                if hasattr(layer, "noise_strength"):
                    layer.noise_strength.requires_grad_(False)
        return generator, discriminator

    def adam(self, network: str) -> tuple[float, tuple[float, float]]:
        """A penalty every k steps means k + 1 updates of Adam instead of k. So the learning rate is multiplied by c = k / (k +
        1) and betas are raised to the power c (Karras et al. 2020, appendix B).
        """
        o = self.options
        if network == "generator":
            lr, weight, interval = o.lr, o.path_length_weight, o.path_length_interval
        else:
            lr, weight, interval = o.lr_d or o.lr, o.r1_gamma or o.r2_gamma, o.r1_interval
        factor = interval / (interval + 1) if weight else 1.0
        return lr * factor, (o.beta1**factor, o.beta2**factor)

    def generate(self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device) -> Tensor:
        ws = self._styles(generator, count, labels, device)
        generator.update_w_avg(ws[:, 0])
        return generator.synthesize(ws)

    def _styles(self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device) -> Tensor:
        """w of each layer (count, num_layers, w_dim); some rows mix two faces (Karras et al. 2019, section 3.1)."""
        first, second = (
            generator.map(torch.randn(count, self.options.latent_dim, device=device), labels).unsqueeze(1) for _ in range(2)
        )  # (count, 1, w_dim)
        layers = generator.num_layers
        crossover = torch.randint(1, layers, (count, 1, 1), device=device)
        mixed = torch.rand(count, 1, 1, device=device) < self.options.style_mixing
        fine = mixed & (torch.arange(layers, device=device).view(1, -1, 1) >= crossover)  # (count, layers, 1)
        return torch.where(fine, second, first)

    def _logits(self, discriminator: nn.Module, images: Tensor, labels: Tensor | None) -> Tensor:
        """The discriminator's logits for images (N, 3, H, W), which are augmented here: float32 (N,)."""
        images = augment(images, self.options.operations, self.state.augment_probability)
        return discriminator(images) if labels is None else discriminator(images, labels)

    def _logits_and_label_scores(
        self, discriminator: nn.Module, images: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Tensor | float, Tensor | float]:
        """As ``_logits``, and the weighted mean log-probability of the labels by the two auxiliary classifiers, which are
        trained on reals and on fakes; 0 for a family without labels.
        """
        return self._logits(discriminator, images, labels), 0.0, 0.0

    def discriminator_loss(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Stats]:
        real_logits, scores_of_reals, _ = self._logits_and_label_scores(discriminator, real, labels)
        fake_logits, _, scores_of_fakes = self._logits_and_label_scores(discriminator, fake, labels)
        if self.options.loss == "relativistic":
            loss = losses.relativistic_discriminator_loss(real_logits, fake_logits)
            # Only differences of logits have a meaning, so the scores compare each image with its pair.
            real_logits, fake_logits = real_logits - fake_logits, fake_logits - real_logits
        else:
            loss = losses.nonsaturating_discriminator_loss(real_logits, fake_logits)
        stats = mean_probabilities(real_score=real_logits, fake_score=fake_logits)
        stats |= dict(r1=self.state.r1, path_length=self.state.path_length)
        if self.options.r2_gamma:
            stats["r2"] = self.state.r2
        if self.options.ada_kimg is not None:
            self._adapt(real_logits.detach())
            stats["augment_probability"] = self.state.augment_probability
        return loss - scores_of_reals - scores_of_fakes, stats

    def _adapt(self, real_logits: Tensor) -> None:
        """Adaptive augmentation (Karras et al. 2020a, https://arxiv.org/abs/2006.06676, section 3): augment more often while
        the mean sign of the logits of reals is above the target, else less often.
        """
        self.state.real_sign.lerp_(real_logits.sign().mean(), 1 / _ADA_BATCHES)
        step = self.options.batch / (self.options.ada_kimg * 1000)
        self.state.augment_probability.add_((self.state.real_sign - _ADA_TARGET).sign() * step).clamp_(0, 1)

    def generator_loss(self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        fake_logits, score_as_real, score_as_fake = self._logits_and_label_scores(discriminator, fake, labels)
        if self.options.loss == "relativistic":
            loss = losses.relativistic_generator_loss(self._logits(discriminator, real, labels), fake_logits)
        else:
            loss = losses.nonsaturating_generator_loss(fake_logits)
        return loss - score_as_real + score_as_fake

    def discriminator_penalty(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None, progress: Progress
    ) -> Tensor | None:
        o = self.options
        if not (o.r1_gamma or o.r2_gamma) or progress["steps"] % o.r1_interval:
            return None
        count = _part(len(real), o.r1_share)
        labels = None if labels is None else labels[:count]
        penalties = []
        for name, penalize, images, gamma in (
            ("r1", losses.r1_penalty, real, o.r1_gamma),
            ("r2", losses.r2_penalty, fake, o.r2_gamma),
        ):
            if gamma:
                images = images[:count].detach().requires_grad_()  # noqa: PLW2901 - the same images, fewer of them
                penalty = penalize(self._logits(discriminator, images, labels), images, gamma)
                self.state.get_buffer(name).copy_(penalty.detach())
                penalties.append(penalty)
        return sum(penalties) * o.r1_interval  # compensates for the steps without penalty

    def generator_penalty(
        self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device, progress: Progress
    ) -> Tensor | None:
        o = self.options
        too_early = progress["images_seen"] < o.path_length_start_kimg * 1000
        if not o.path_length_weight or too_early or progress["steps"] % o.path_length_interval:
            return None
        count = _part(count, o.path_length_share)
        ws = self._styles(generator, count, None if labels is None else labels[:count], device)
        penalty, mean = losses.path_length_penalty(generator.synthesize(ws), ws, self.state.path_length)
        self.state.path_length.copy_(mean)
        return penalty * o.path_length_weight * o.path_length_interval

    def after_step(self, generator: nn.Module, averaged: nn.Module) -> None:
        averaged.w_avg.copy_(generator.w_avg)  # already a running mean

    def _sizes(self) -> dict[str, int]:
        """Arguments of both networks."""
        return {name: getattr(self.options, name) for name in ("resolution", "channel_base", "channel_max")}

    def _discriminator_sizes(self) -> dict[str, int]:
        return self._sizes() | {"channel_base": self.options.channel_base_d or self.options.channel_base}

    def _latent_sizes(self) -> dict[str, int]:
        """Arguments of the generator."""
        o = self.options
        return dict(z_dim=o.latent_dim, w_dim=o.latent_dim, mapping_depth=o.mapping_depth)


@dataclass
class StyleGANRecipe(StyleBasedRecipe):
    """StyleGAN: AdaIN, unconditional."""

    options: StyleGANOptions
    family = "stylegan"

    def _networks(self) -> tuple[nn.Module, nn.Module]:
        return (
            stylegan.StyleGANGenerator(**self._sizes(), **self._latent_sizes(), layers_per_block=self.options.layers_per_block),
            stylegan.StyleGANDiscriminator(**self._discriminator_sizes(), group_size=self.options.group_size),
        )


@dataclass
class StyleGAN2Recipe(StyleBasedRecipe):
    """StyleGAN2: weight demodulation, conditional where the options name a tag file."""

    options: StyleGAN2Options
    family = "stylegan2"

    @property
    def conditional(self) -> bool:
        """Whether there are labels."""
        return self.options.labels is not None

    def _networks(self) -> tuple[nn.Module, nn.Module]:
        label_dims = LABEL_DIMS if self.conditional else ()
        return (
            stylegan2.StyleGAN2Generator(**self._sizes(), **self._latent_sizes(), label_dims=label_dims),
            stylegan2.StyleGAN2Discriminator(
                **self._discriminator_sizes(), group_size=self.options.group_size, label_dims=label_dims
            ),
        )

    def _logits_and_label_scores(
        self, discriminator: nn.Module, images: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Tensor | float, Tensor | float]:
        """Twin auxiliary classifiers (TAC-GAN, Gong et al. 2019, https://arxiv.org/abs/1907.02690). The first uses the
        projection's vectors and is trained on reals, its twin on fakes. The generator maximises log p_real - log p_fake of its
        labels. With the first alone (AC-GAN, Odena, Olah, Shlens 2017) it exaggerates each colour.
        """
        if labels is None or not self.options.label_weight:
            return super()._logits_and_label_scores(discriminator, images, labels)
        images = augment(images, self.options.operations, self.state.augment_probability)
        logits, *scores = discriminator(images, labels, classify_labels=True)
        as_real, as_fake = (self.options.label_weight * each.mean() for each in scores)
        return logits, as_real, as_fake

    def prepare_labels(self, labels: Tensor, progress: Progress) -> Tensor:
        """Hide a fraction of the labels, which falls until ``label_ramp_kimg``; with label groups the sampler does."""
        if self.options.label_groups:
            return labels
        return hide_labels(labels, self.options.visible_fraction(progress["images_seen"]))


def _part(count: int, fraction: float) -> int:
    """That fraction of a number of images, at least one."""
    return max(1, round(count * fraction))

"""Options of the style-based families."""

from dataclasses import dataclass

from animegen_core.errors import AnimeGenError
from animegen_core.models.layers import channel_plan
from animegen_core.training.options import (
    AUGMENT_HELP,
    LabelOptions,
    TrainOptions,
    check_choice,
    check_fractions,
    check_not_negative,
    check_positive,
    option,
)

LOSSES = ("nonsaturating", "relativistic")


@dataclass(frozen=True, kw_only=True)
class StyleBasedOptions(TrainOptions):
    """Options of StyleGAN and StyleGAN2. Penalties are lazy: computed only every few steps (Karras et al. 2020, appendix B)."""

    batch: int = option(64, "Batch size over all processes.")
    lr: float = option(1e-3, "Adam's learning rate.")
    beta1: float = option(0.0, "Adam's beta 1: no momentum.")
    beta2: float = option(0.99, "Adam's beta 2.")
    ema_kimg: float = option(10.0, "Half-life of the averaged generator's weights, in kimg.")
    latent_dim: int = option(512, "Length of z and of w.")
    mapping_depth: int = option(8, "Layers of the mapping network.")
    channel_base: int = option(4096, "Both networks have channel_base / r channels at r px, at most channel_max.")
    channel_max: int = option(512, "Maximum number of channels.")
    channel_base_d: int | None = option(None, "Channel base of the discriminator; by default the same.")
    group_size: int = option(4, "Group size of the minibatch standard deviation.")
    layer_noise: bool = option(True, "Noise in each layer. Without it all texture comes from the latent.")
    style_mixing: float = option(0.9, "Fraction of fakes with a second w from a random layer on.")
    loss: str = option(
        "nonsaturating", f"One of {', '.join(LOSSES)}; the latter compares each fake with a real image and needs R1 and R2."
    )
    r1_gamma: float = option(0.3, "Weight of the R1 penalty; 0 turns it off.")
    r2_gamma: float = option(0.0, "Weight of the R2 penalty, which is R1 on fakes; 0 turns it off.")
    r1_interval: int = option(16, "Compute R1 and R2 every so many steps.")
    r1_share: float = option(0.5, "Fraction of the batch for R1 and R2, which are slow: they need float32.")
    path_length_weight: float = option(2.0, "Weight of the path length penalty; 0 turns it off.")
    path_length_interval: int = option(16, "Compute the path length penalty every so many steps.")
    path_length_share: float = option(0.5, "Fraction of the batch for the path length penalty.")
    path_length_start_kimg: float = option(100.0, "No path length penalty before so many kimg, while images are still noise.")
    augment: str = option("translation", AUGMENT_HELP)
    ada_kimg: float | None = option(
        None, "Adapt the probability of augmentation to overfitting (ADA), from 0 to 1 in at least so many kimg; by default 1."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "channel_base_d")
        for base in (self.channel_base, self.channel_base_d or self.channel_base):
            channel_plan(self.resolution, base, self.channel_max)  # raises what the networks would
        check_fractions(self, "style_mixing", "r1_share", "path_length_share")
        check_positive(self, "latent_dim", "mapping_depth", "group_size", "r1_interval", "path_length_interval", "ada_kimg")
        check_not_negative(self, "r1_gamma", "r2_gamma", "path_length_weight", "path_length_start_kimg")
        check_choice(self, "loss", LOSSES)


@dataclass(frozen=True, kw_only=True)
class StyleGANOptions(StyleBasedOptions):
    """StyleGAN with AdaIN: batch 64, Adam 1e-3 with betas (0, .99), path length penalty every 16 steps."""

    layers_per_block: int = option(1, "Convolutions at each size; the paper has 2.")


@dataclass(frozen=True, kw_only=True)
class StyleGAN2Options(LabelOptions, StyleBasedOptions):
    """StyleGAN2, conditioned on hair and eye colour if there are labels: batch 32, Adam 2.5e-3 with betas (0, .99)."""

    batch: int = option(32, "Batch size over all processes.")
    lr: float = option(2.5e-3, "Adam's learning rate.")
    latent_dim: int = option(256, "Length of z and of w.")
    mapping_depth: int = option(2, "Layers of the mapping network.")
    channel_max: int = option(256, "Maximum number of channels.")
    path_length_weight: float = option(0.0, "Weight of the path length penalty; 0 turns it off.")
    label_ramp_kimg: float = option(
        100.0, "The fraction of hidden labels falls until so many kimg; all at once make training on small data collapse."
    )
    label_groups: bool = option(
        False,
        "The images of a minibatch standard deviation group have the same labels, so that mode collapse within a label shows.",
    )
    label_weight: float = option(
        0.0,
        "Weight of the twin auxiliary classifiers of the labels (TAC-GAN); 0 turns them off.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(self, "label_ramp_kimg", "label_weight")
        if self.label_groups and self.batch % self.group_size:
            raise AnimeGenError(f"batch is {self.batch}, but label_groups needs a multiple of group_size, {self.group_size}.")

    def visible_fraction(self, images_seen: float) -> float:
        """Fraction of known labels that are not hidden; it rises until ``label_ramp_kimg``."""
        ramp_images = self.label_ramp_kimg * 1000
        return (min(images_seen / ramp_images, 1.0) if ramp_images else 1.0) * super().visible_fraction(images_seen)

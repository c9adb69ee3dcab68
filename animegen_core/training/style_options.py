"""Options of the style-based families."""

from dataclasses import dataclass

from animegen_core.errors import AnimeGenError
from animegen_core.models.layers import channel_plan
from animegen_core.training.augment import OPERATIONS, parse_operations
from animegen_core.training.options import (
    LabelOptions,
    TrainOptions,
    check_choice,
    check_not_negative,
    check_positive,
    check_shares,
    option,
)

LOSSES = ("nonsaturating", "relativistic")


@dataclass(frozen=True, kw_only=True)
class StyleBasedOptions(TrainOptions):
    """What StyleGAN and StyleGAN2 have in common: lazy penalties (Karras et al. 2020, appendix B), styles, augmentation."""

    batch: int = option(64, "Pictures in a batch, over all processes.")
    lr: float = option(1e-3, "Adam's learning rate.")
    beta1: float = option(0.0, "Adam's beta 1: no momentum.")
    beta2: float = option(0.99, "Adam's beta 2.")
    ema_kimg: float = option(10.0, "Half-life of the averaged generator's weights, in kimg.")
    latent_dim: int = option(512, "Length of z and of w.")
    mapping_depth: int = option(8, "Layers of the mapping network.")
    channel_base: int = option(4096, "Channels at r px are this over r, in both networks ...")
    channel_max: int = option(512, "... but at most this many.")
    channel_base_d: int | None = option(
        None, "Another channel base for the discriminator, such as a smaller one with a helper."
    )
    group_size: int = option(4, "Pictures whose deviation from each other the discriminator looks at together.")
    layer_noise: bool = option(True, "Noise in each layer; without it the latent has to draw what would be grain, as in hair.")
    style_mixing: float = option(0.9, "Share of fakes with two styles, one from a random layer on.")
    loss: str = option(
        "nonsaturating", f"One of {', '.join(LOSSES)}; the latter compares each fake with a real picture and wants R1 and R2."
    )
    r1_gamma: float = option(0.3, "Weight of the R1 penalty; 0 turns it off.")
    r2_gamma: float = option(0.0, "Weight of the R2 penalty, R1's twin on fakes, taken at the same steps; 0 turns it off.")
    r1_interval: int = option(16, "Steps from one R1 penalty to the next.")
    r1_share: float = option(0.5, "Share of the batch it is taken on: in float32 it costs nine passes of the discriminator.")
    path_length_weight: float = option(2.0, "Weight of the path length penalty; 0 turns it off.")
    path_length_interval: int = option(16, "Steps from one path length penalty to the next.")
    path_length_share: float = option(0.5, "Share of the batch it is taken on.")
    path_length_start_kimg: float = option(100.0, "No path length penalty before: paths of noise mean nothing.")
    augment: str = option("translation", f"What changes all that the discriminator sees: {', '.join(OPERATIONS)}, or none.")
    ada_kimg: float | None = option(
        None, "Augment as often as overfitting asks for (ADA), from never to always in so many kimg; by default always."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for base in (self.channel_base, self.channel_base_d or self.channel_base):
            channel_plan(self.resolution, base, self.channel_max)  # raises what the networks would
        check_shares(self, "style_mixing", "r1_share", "path_length_share")
        check_positive(self, "latent_dim", "mapping_depth", "group_size", "r1_interval", "path_length_interval", "ada_kimg")
        check_not_negative(self, "r1_gamma", "r2_gamma", "path_length_weight", "path_length_start_kimg")
        check_choice(self, "loss", LOSSES)
        parse_operations(self.augment)  # raises if one is unknown

    @property
    def operations(self) -> tuple[str, ...]:
        """The names in ``augment``."""
        return parse_operations(self.augment)


@dataclass(frozen=True, kw_only=True)
class StyleGANOptions(StyleBasedOptions):
    """StyleGAN with AdaIN: batch 64, Adam 1e-3 with betas (0, .99), path length penalty every 16 steps."""

    layers_per_block: int = option(1, "Styled convolutions at each size; the paper has 2.")


@dataclass(frozen=True, kw_only=True)
class StyleGAN2Options(LabelOptions, StyleBasedOptions):
    """StyleGAN2, conditioned on hair and eye colour if there are labels: batch 32, Adam 2.5e-3 with betas (0, .99)."""

    batch: int = option(32, "Pictures in a batch, over all processes.")
    lr: float = option(2.5e-3, "Adam's learning rate.")
    latent_dim: int = option(256, "Length of z and of w.")
    mapping_depth: int = option(2, "Layers of the mapping network.")
    channel_max: int = option(256, "... but at most this many.")
    path_length_weight: float = option(0.0, "Weight of the path length penalty; 0 turns it off.")
    label_ramp_kimg: float = option(
        100.0, "Labels are hidden less and less until here: from the start on they collapse small data."
    )
    label_groups: bool = option(
        False,
        "Neighbours in a batch show the same colours, so that a colour that always shows one face stands out.",
    )
    label_weight: float = option(
        0.0,
        "Weight of telling colours: the discriminator learns to tell real pictures' colours, the generator draws what it can.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(self, "label_ramp_kimg", "label_weight")
        if self.label_groups and self.batch % self.group_size:
            raise AnimeGenError(
                f"batch is {self.batch}, but label_groups needs a multiple of the {self.group_size} pictures in a group."
            )

    def share_shown(self, images_seen: float) -> float:
        """Share of the known labels that is not hidden: they come in gently until ``label_ramp_kimg``."""
        ramp_images = self.label_ramp_kimg * 1000
        return (min(images_seen / ramp_images, 1.0) if ramp_images else 1.0) * super().share_shown(images_seen)

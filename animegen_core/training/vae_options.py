"""Options of the variational autoencoder."""

from dataclasses import dataclass

from animegen_core.errors import AnimeGenError
from animegen_core.models.layers import channel_plan
from animegen_core.training.options import LabelOptions, TrainOptions, check_choice, check_not_negative, check_positive, option

FEATURE_SIZES = (64, 128, 256)  # px


@dataclass(frozen=True, kw_only=True)
class VAEOptions(LabelOptions, TrainOptions):
    """Variational autoencoder, conditioned on hair and eye colour if there are labels: batch 16, Adam 1.5e-3, betas (.9, .99).

    It has no discriminator of its own. With a helper, which judges faces of random latents, it is a VAE-GAN.
    """

    batch: int = option(16, "Batch size over all processes.")
    lr: float = option(1.5e-3, "Adam's learning rate.")
    beta1: float = option(0.9, "Adam's beta 1.")
    beta2: float = option(0.99, "Adam's beta 2.")
    ema_kimg: float = option(5.0, "Half-life of the averaged weights, in kimg.")
    latent_dim: int = option(128, "Length of z.")
    channel_base: int = option(1024, "Both networks have channel_base / r channels at r px, at most channel_max.")
    channel_max: int = option(256, "Maximum number of channels.")
    label_dropout: float = option(
        0.5, "Fraction of known labels hidden in every batch, so that pictures without are encoded too."
    )
    kl_weight: float = option(5e-4, "Weight of the Kullback-Leibler divergence, in nats: more gives better faces of seeds.")
    kl_warmup_kimg: float = option(
        40.0, "The weight of the KL divergence rises from 0 until so many kimg; at once it makes the decoder ignore z."
    )
    feature_weight: float = option(1.0, "Weight of the distance in features of the ImageNet network; 0 turns it off.")
    feature_size: int = option(64, f"Size in pixels of images for these features: {', '.join(map(str, FEATURE_SIZES))}.")

    def __post_init__(self) -> None:
        super().__post_init__()
        channel_plan(self.resolution, self.channel_base, self.channel_max)  # raises what the networks would
        check_positive(self, "latent_dim")
        check_not_negative(self, "kl_weight", "kl_warmup_kimg", "feature_weight")
        check_choice(self, "feature_size", FEATURE_SIZES)
        for name, off in (("augment", "none"), ("lr_d", None), ("helper_only", False)):
            if getattr(self, name) != off:
                raise AnimeGenError(
                    f"{name} is {getattr(self, name)!r}, but a VAE has no discriminator of its own; leave it out."
                )

    def kl_weight_at(self, images_seen: float) -> float:
        """Weight of the divergence after so many images."""
        warmup = self.kl_warmup_kimg * 1000
        return self.kl_weight * (min(images_seen / warmup, 1.0) if warmup else 1.0)

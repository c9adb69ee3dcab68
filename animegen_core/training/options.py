"""The options of a training run, with their defaults and help texts; saved as options.json in the run folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from types import NoneType
from typing import get_args

from animegen_core.checkpoint.weights import check_shard_size
from animegen_core.data.sampling import SAMPLINGS
from animegen_core.data.tags import LEAST_PROBABILITY
from animegen_core.errors import AnimeGenError, quote
from animegen_core.models.imagenet import HELPERS
from animegen_core.models.projected import INPUT_SIZES
from animegen_core.training.augment import OPERATIONS, parse_operations

EVALUATE_BY = ("anime", "imagenet")
AUGMENT_HELP = f"Augmentation of real and fake images: {', '.join(OPERATIONS)}, or none."
PRECISIONS = ("auto", "bf16", "fp32")
SAMPLING_HELP = "Draw colours by their frequency, or by its sqrt, which draws rare colours more often."


def option(default: object, help: str) -> object:
    """A dataclass field with the help text that the command line shows."""
    return field(default=default, metadata={"help": help})


_KINDS = {bool: (bool, "True or False"), int: (Integral, "a whole number"), float: (Real, "a number")}
_TEXT = ((str, os.PathLike), "a text")


def check_types(options: object) -> None:
    """Raise AnimeGenError if an option's value is not of the field's type, or of NumPy's. Call it before other checks."""
    for each in fields(options):
        value, kinds = getattr(options, each.name), get_args(each.type) or (each.type,)
        if value is None and NoneType in kinds:
            continue
        good, words = _KINDS.get(kinds[0], _TEXT)
        if not isinstance(value, good) or (isinstance(value, bool) and kinds[0] is not bool):
            raise AnimeGenError(f"{each.name} is {quote(value)}, but must be {words}.")


def check_fractions(options: object, *names: str) -> None:
    """Raise AnimeGenError if one of the named options is not from 0 to 1."""
    for name in names:
        if not 0 <= getattr(options, name) <= 1:
            raise AnimeGenError(f"{name} is {quote(getattr(options, name))}, but must be from 0 to 1.")


def check_positive(options: object, *names: str) -> None:
    """Raise AnimeGenError if one of the named options is neither None nor above 0."""
    for name in names:
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise AnimeGenError(f"{name} is {quote(value)}, but must be above 0.")


def check_not_negative(options: object, *names: str) -> None:
    """Raise AnimeGenError if one of the named options is not at least 0."""
    for name in names:
        if not getattr(options, name) >= 0:
            raise AnimeGenError(f"{name} is {quote(getattr(options, name))}, but must be at least 0.")


def check_choice(options: object, name: str, good: Iterable[object]) -> None:
    """Raise AnimeGenError if the named option is none of the good values."""
    if getattr(options, name) not in good:
        known = ", ".join(str(value) for value in good if value is not None)
        raise AnimeGenError(f"Unknown {name} {quote(getattr(options, name))}; choose one of: {known}.")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of every family; kimg are thousands of real images shown to the discriminator.

    Raises:
        AnimeGenError: a value has another type or is out of range, or both ``epochs`` and ``kimg`` are given.
    """

    epochs: float | None = option(None, "Train for this many passes over the data (100 if no length is given).")
    kimg: float | None = option(None, "Train until the discriminator has seen this many thousand real images.")
    max_minutes: float | None = option(None, "Stop this start after so many minutes and save; --resume continues.")
    resolution: int = option(64, "Side of the images in pixels.")
    upscale_small: bool = option(False, "Enlarge smaller images with the upscaler, once, instead of by interpolation.")
    batch: int = option(128, "Batch size over all processes.")
    lr: float = option(2e-4, "Adam's learning rate.")
    lr_d: float | None = option(None, "The discriminator's learning rate; by default the same as lr.")
    beta1: float = option(0.5, "Adam's beta 1; less than the usual .9 stabilises GANs.")
    beta2: float = option(0.999, "Adam's beta 2.")
    lr_decay_kimg: float | None = option(None, "Halve the learning rates every so many kimg; by default they are constant.")
    grad_clip: float | None = option(None, "Maximum norm of a network's gradient; by default none.")
    flip: bool = option(True, "Mirror every image with probability one half.")
    ema_kimg: float = option(40.0, "Half-life of the averaged generator's weights, in kimg.")
    ema_rampup: float = option(0.05, "The half-life is at most this fraction of the images seen.")
    init_from: str | None = option(None, "Load weights of this checkpoint or run folder where name and shape match.")
    precision: str = option("auto", f"One of {', '.join(PRECISIONS)}; auto is bf16 if the device computes it in hardware.")
    seed: int = option(0, "Seed of weights, data order and all random numbers.")
    save_interval: float = option(10.0, "Epochs between snapshots: checkpoint, sample sheet, loss plot and state.")
    save_minutes: float = option(10.0, "Minutes between saves of the state to resume from.")
    log_interval: int = option(50, "Steps between rows of the log.")
    evaluate_every: float | None = option(
        None, "Measure the faces every so many kimg, log it and keep the best in checkpoint-best; by default never."
    )
    augment: str = option("none", AUGMENT_HELP)
    helper: str | None = option(
        None, f"Add a second discriminator on features of a pretrained network: {', '.join(HELPERS)}; by default none."
    )
    helper_only: bool = option(False, "Train with the helper only, without the family's own discriminator.")
    helper_weight: float = option(1.0, "Weight of the helper's loss in the generator's loss.")
    helper_lr: float = option(2e-4, "Adam's learning rate for the helper's heads.")
    helper_size: int = option(128, "Size in pixels of images for the helper: 128, 256 or 512.")
    helper_detail: int | None = option(
        None, "Reduce images to this size in pixels for the helper, so that it judges no finer details; by default it sees all."
    )
    helper_augment: str = option(
        "translation,cutout", f"Augmentation of images for the helper: {', '.join(OPERATIONS)}, or none."
    )
    helper_warmup_kimg: float = option(2.5, "Until so many kimg the helper's heads learn, without a loss for the generator.")
    evaluate_by: str = option("anime", f"Features for --evaluate-every: {', '.join(EVALUATE_BY)}, for FD-anime or FD-imagenet.")
    export_training: bool = option(False, "Also save generator and discriminator beside the checkpoint, for --init-from.")
    export_shards: str | None = option(None, "Split the checkpoint into files of at most this size, such as 15MB.")

    def __post_init__(self) -> None:
        check_types(self)
        if self.epochs is not None and self.kimg is not None:
            raise AnimeGenError(f"Give epochs ({self.epochs:g}) or kimg ({self.kimg:g}), not both.")
        check_positive(self, "epochs", "kimg", "max_minutes", "resolution", "batch", "lr", "lr_d", "lr_decay_kimg", "grad_clip")
        check_positive(self, "save_interval", "save_minutes", "log_interval", "evaluate_every", "helper_lr", "helper_detail")
        if self.batch < 2:
            raise AnimeGenError(f"batch is {self.batch}, but must be at least 2 for batch norm.")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise AnimeGenError(f"{name} is {quote(getattr(self, name))}, but must be at least 0 and below 1.")
        check_not_negative(self, "ema_kimg", "ema_rampup", "seed", "helper_weight", "helper_warmup_kimg")
        check_choice(self, "precision", PRECISIONS)
        check_choice(self, "evaluate_by", EVALUATE_BY)
        parse_operations(self.augment)  # raises if one is unknown
        self._check_helper()
        if self.export_shards is not None:
            check_shard_size(self.export_shards)

    def _check_helper(self) -> None:
        check_choice(self, "helper", (None, *HELPERS))
        check_choice(self, "helper_size", INPUT_SIZES)
        parse_operations(self.helper_augment)  # raises if one is unknown
        if self.helper_only and self.helper is None:
            raise AnimeGenError(f"helper_only needs a helper; choose one of: {', '.join(HELPERS)}.")

    @property
    def operations(self) -> tuple[str, ...]:
        """The names in ``augment``."""
        return parse_operations(self.augment)

    @property
    def helper_operations(self) -> tuple[str, ...]:
        """The names in ``helper_augment``."""
        return parse_operations(self.helper_augment)

    def target_images(self, images_per_epoch: int) -> float:
        """Length of the run in real images; infinite if only ``max_minutes`` limits it."""
        if self.kimg is not None:
            return round(self.kimg * 1000, 6)  # .088 kimg are 88 images, not 88.00000000000001
        if self.epochs is None and self.max_minutes is not None:
            return float("inf")
        return round((100 if self.epochs is None else self.epochs) * images_per_epoch, 6)


@dataclass(frozen=True, kw_only=True)
class DCGANOptions(TrainOptions):
    """DCGAN (Radford et al. 2016): batch 128, Adam 2e-4 with betas (.5, .999), real labels of .9."""

    latent_dim: int = option(100, "Length of z; the literature also uses 50, 200 and 512.")
    base_channels: int = option(64, "Channels at 32 px in both networks; 8 times as many at 4 px.")
    extra_layers: int = option(0, "Additional 3 x 3 convolutions at 32 px in both networks.")
    batch_norm: bool = option(True, "Batch normalisation in both networks.")
    real_label_low: float = option(0.9, "Lowest label of real images in the discriminator's loss.")
    real_label_high: float = option(0.9, "Highest label of real images; labels are uniform from the lowest to the highest.")
    feature_matching: float = option(0.0, "Weight of feature matching in the generator's loss; 0 turns it off.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resolution != 64:
            raise AnimeGenError(f"resolution is {quote(self.resolution)}, but a DCGAN draws 64 px.")
        if not 0.5 < self.real_label_low <= self.real_label_high <= 1:
            raise AnimeGenError(
                f"Real labels are from {quote(self.real_label_low)} to {quote(self.real_label_high)}, but must satisfy "
                ".5 < real_label_low <= real_label_high <= 1."
            )
        check_positive(self, "latent_dim", "base_channels")
        check_not_negative(self, "extra_layers", "feature_matching")


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """Options of families with labels. List it before the other base class."""

    labels: str | None = option(None, "Tag file of the images: CSV with file, hair and eyes; without it no labels.")
    least_probability: float = option(LEAST_PROBABILITY, "Labels with a lower probability count as unknown.")
    label_dropout: float = option(0.15, "Fraction of known labels hidden in every batch, so that 'any' is learned too.")
    label_sampling: str = option("frequency", SAMPLING_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fractions(self, "least_probability", "label_dropout")
        check_choice(self, "label_sampling", SAMPLINGS)

    def visible_fraction(self, images_seen: float) -> float:
        """Fraction of known labels that are not hidden, after so many images."""
        return 1 - self.label_dropout


@dataclass(frozen=True, kw_only=True)
class ConditionalDCGANOptions(LabelOptions, DCGANOptions):
    """DCGAN conditioned on hair and eye colour, which needs a tag file; images without a label are drawn as "any"."""

    mismatch_weight: float = option(1.0, "Weight of real images with a wrong label, as fakes, in the discriminator's loss.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(self, "mismatch_weight")

"""Training an upscaler on large images and their degraded small copies, and on pairs from another, larger upscaler.

The second is knowledge distillation (Hinton et al. 2015, https://arxiv.org/abs/1503.02531): a small network learns what a
large one draws, here on faces of generators, which no large original exists of.
"""

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import l1_loss

from animegen_core.data import PictureCache, load_pictures
from animegen_core.devices import autocast_dtype, find_device, keep_freed_memory
from animegen_core.errors import AnimeGenError, quote
from animegen_core.helpers.upscaling import UPSCALER_NETWORK
from animegen_core.images import to_model_range
from animegen_core.models.patch_discriminator import PatchDiscriminator
from animegen_core.models.upscaler import Upscaler
from animegen_core.training.ema import EMA
from animegen_core.training.helpers.degradation import degrade, patch_of_pair, random_patch
from animegen_core.training.helpers.runs import run_in
from animegen_core.training.helpers.upscaler_report import held_out_report
from animegen_core.training.losses import hinge_discriminator_loss, hinge_generator_loss
from animegen_core.training.options import PRECISIONS, check_choice, check_not_negative, check_positive, check_types, option
from animegen_core.training.resumable import Resumable

_DISCRIMINATOR = (32, 2)  # channels and halvings: logits of 34 px, because only lines are to be judged
_LR_D = 4e-4
_WARM_UP = 0.03  # fraction of the run in which the learning rate rises


@dataclass(frozen=True, kw_only=True)
class UpscalerOptions:
    """How an upscaler is trained.

    Raises:
        AnimeGenError: a value is out of range.
    """

    RESUMABLE: ClassVar = ("kimg", "max_minutes", "save_minutes", "log_interval")

    kimg: float = option(250.0, "Length of the run in thousands of patches; the learning rate falls to zero over it.")
    max_minutes: float | None = option(None, "Stop this start after so many minutes and save; --resume continues.")
    channels: int = option(64, "Channels of every inner convolution.")
    blocks: int = option(8, "Residual blocks of two convolutions each.")
    scale: int = option(4, "Factor of enlargement.")
    init_from: str | None = option(None, "Begin with this upscaler's weights; blocks that it lacks start as the identity.")
    pair_fraction: float = option(0.5, "Fraction of the patches that are cut from --pairs, if these are given.")
    patch: int = option(96, "Side of the large patches in pixels.")
    batch: int = option(16, "Patches in a batch.")
    lr: float = option(1e-3, "Adam's highest learning rate.")
    edge_weight: float = option(1.0, "Weight of the loss of differences between neighbours; the loss of pixels has weight 1.")
    adversarial_weight: float = option(0.0, "Weight of the loss of a PatchGAN discriminator, which sharpens; 0 is without one.")
    adversarial_start_kimg: float = option(
        2.0, "The discriminator learns alone until so many kimg; then the upscaler learns from it."
    )
    ema_kimg: float = option(3.0, "Half-life of the averaged weights, in thousands of patches.")
    precision: str = option("auto", f"One of {', '.join(PRECISIONS)}; auto is bf16 if the device computes it in hardware.")
    seed: int = option(0, "Seed of weights, patches and degradations.")
    save_minutes: float = option(2.0, "Minutes between saves of the state to resume from.")
    log_interval: int = option(50, "Steps between rows of the log.")

    def __post_init__(self) -> None:
        check_types(self)
        check_positive(self, "kimg", "max_minutes", "patch", "batch", "lr", "save_minutes", "log_interval")
        check_positive(self, "channels", "blocks", "scale")
        check_not_negative(self, "edge_weight", "adversarial_weight", "adversarial_start_kimg", "ema_kimg", "seed")
        if not 0 < self.pair_fraction <= 1:
            raise AnimeGenError(f"pair_fraction is {self.pair_fraction!r}, but must be above 0 and at most 1.")
        if self.patch % self.scale:
            raise AnimeGenError(f"patch is {self.patch!r}, but must be a multiple of the scale, {self.scale}.")
        check_choice(self, "precision", PRECISIONS)


Pair = tuple[np.ndarray, np.ndarray]  # uint8 (H, W, 3) and (scale H, scale W, 3)
Pairs = dict[str, Pair]  # by name


class UpscalerTrainer(Resumable):
    """The training step of an upscaler, with its network, average, optimizer and counters.

    Attributes:
        progress: counters that are saved with the state.
    """

    def __init__(self, options: UpscalerOptions, device: str | torch.device | None = None) -> None:
        self.options = options
        self.device = find_device(device)
        self.autocast = autocast_dtype(options.precision, self.device)
        keep_freed_memory()
        torch.manual_seed(options.seed)
        upscaler = Upscaler(options.channels, options.blocks, options.scale)
        if options.init_from is not None:
            _start_from(upscaler, options.init_from)
        self.upscaler = upscaler.to(self.device, memory_format=torch.channels_last)
        self.ema = EMA(self.upscaler, options.ema_kimg, 0.05)
        fused = self.device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.Adam(self.upscaler.parameters(), options.lr, fused=fused)
        self.discriminator = None
        if options.adversarial_weight:
            discriminator = PatchDiscriminator(*_DISCRIMINATOR)
            self.discriminator = discriminator.to(self.device, memory_format=torch.channels_last)
            self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), _LR_D, (0.5, 0.99), fused=fused)
        self.progress: dict[str, float] = {"steps": 0, "images_seen": 0, "seconds": 0.0}

    @property
    def finished(self) -> bool:
        """Whether the run has reached its length."""
        return self.images_seen >= self.options.kimg * 1000

    def step(self, pictures: Sequence[np.ndarray], pairs: Sequence[Pair] = ()) -> dict[str, Tensor]:
        """One update on random patches of random images; the choice depends only on the seed and the step's number.

        Returns:
            Scalars for the log, on the device.
        """
        random = np.random.default_rng((self.options.seed, int(self.progress["steps"])))
        small, large = (part.to(self.device) for part in self._patches(pictures, pairs, random))
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.lr * _schedule(self.images_seen / (self.options.kimg * 1000))
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            enlarged = self.upscaler(small)
        pixels, edges = l1_loss(enlarged, large), edge_loss(enlarged, large)
        loss, stats = pixels + self.options.edge_weight * edges, {"loss_pixels": pixels.detach(), "loss_edges": edges.detach()}
        if self.discriminator is not None:
            stats["loss_d"] = self._judge(enlarged.detach(), large)
            if self.images_seen >= self.options.adversarial_start_kimg * 1000:
                loss = loss + self.options.adversarial_weight * hinge_generator_loss(self._logits(enlarged))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.progress["steps"] += 1
        self.progress["images_seen"] += self.options.batch
        self.ema.update(self.upscaler, self.images_seen, self.options.batch)
        return stats

    def _logits(self, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            return self.discriminator(images.contiguous(memory_format=torch.channels_last)).float()

    def _judge(self, enlarged: Tensor, large: Tensor) -> Tensor:
        """Update the discriminator, whose weights have no gradients elsewhere; returns its loss."""
        self.discriminator.requires_grad_(True)
        loss = hinge_discriminator_loss(self._logits(large), self._logits(enlarged))
        self.optimizer_d.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer_d.step()
        self.discriminator.requires_grad_(False)
        return loss.detach()

    def _patches(
        self, pictures: Sequence[np.ndarray], pairs: Sequence[Pair], random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Small patches (N, 3, P / scale, P / scale) and their large ones (N, 3, P, P), float32 in [-1, 1]."""
        options = self.options
        from_pairs = round(options.pair_fraction * options.batch) if pairs else 0
        chosen = random.integers(len(pictures), size=options.batch - from_pairs)
        large = [random_patch(Image.fromarray(pictures[index]), options.patch, random) for index in chosen]
        small = [degrade(patch, random, options.scale) for patch in large]
        for index in random.integers(len(pairs), size=from_pairs) if pairs else ():
            few, many = patch_of_pair(*pairs[index], options.patch, random)
            small.append(few)
            large.append(many)
        # The memory layouts of the network: channels last for features, not for the enlarged image.
        return to_model_range(_stack(small)), to_model_range(_stack(large).contiguous())

    def modules(self) -> dict[str, torch.nn.Module]:
        """The network and its average, and the discriminator if there is one."""
        modules = {"upscaler": self.upscaler, "ema": self.ema.network}
        return modules if self.discriminator is None else modules | {"discriminator": self.discriminator}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Those of the network, and of the discriminator if there is one."""
        optimizers = {"optimizer": self.optimizer}
        return optimizers if self.discriminator is None else optimizers | {"optimizer_d": self.optimizer_d}


def edge_loss(enlarged: Tensor, large: Tensor) -> Tensor:
    """Mean absolute error of the differences between neighbours, along rows and columns; penalises blurred lines."""
    return l1_loss(enlarged.diff(dim=2), large.diff(dim=2)) + l1_loss(enlarged.diff(dim=3), large.diff(dim=3))


def _start_from(upscaler: Upscaler, source: str) -> None:
    """Copy the weights of a trained upscaler. Its last blocks may be missing: new ones are the identity, as initialised."""
    trained = UPSCALER_NETWORK.load(source)
    found = {**trained.config, "blocks": upscaler.config["blocks"]}
    if found != upscaler.config or trained.config["blocks"] > upscaler.config["blocks"]:
        raise AnimeGenError(
            f"The upscaler '{source}' has {trained.config}, and cannot begin one of {upscaler.config}: channels and scale must "
            "be equal, and its blocks not more."
        )
    upscaler.load_state_dict(trained.state_dict(), strict=False)


def hold_out(names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Indices of the images to train on, and of about a tenth that is held out. They depend only on the file names."""
    parts: tuple[list[int], list[int]] = ([], [])
    for index, name in enumerate(names):
        parts[hashlib.sha256(name.encode()).digest()[0] % 10 == 0].append(index)
    return parts


def train_upscaler(
    cache: PictureCache,
    folder: Path,
    out: Path,
    options: UpscalerOptions,
    facts: dict[str, Any],
    device: str | torch.device | None = None,
    pairs: Pairs | None = None,
) -> dict[str, Any]:
    """Train for the options' length. Ctrl-C, SIGTERM and ``max_minutes`` stop earlier, save, and allow to resume.

    Args:
        cache: the images; some are held out.
        folder: the run folder, for log and state; a state there is resumed.
        out: where the averaged upscaler and its held-out figures are written when training stops.
        facts: further entries of its config, such as data and licence.
        pairs: small images and the same ones enlarged by another upscaler, by name; some are held out.

    Returns:
        The held-out figures (see ``held_out_report``).

    Raises:
        AnimeGenError: there are too few or too small images, or the run diverged.
    """
    used, held_out = hold_out(cache.names)
    _check_pictures(cache, used, held_out, options)
    taught, judged = _split_pairs(pairs or {})
    trainer = UpscalerTrainer(options, device)
    pictures = [cache.pictures[index] for index in used]
    run_in(folder, trainer, itertools.repeat((pictures, taught)), options.kimg * 1000, "patches", "patch")
    report = held_out_report(trainer.ema.network, [cache.pictures[index] for index in held_out], judged)
    counts = {"pictures": len(used), "held_out_pictures": len(held_out), "patches_seen": trainer.images_seen}
    if taught:
        counts["pairs"] = len(taught)
    UPSCALER_NETWORK.save(out, trainer.ema.network, {**facts, **counts, "seed": options.seed, "held_out": report})
    return report


def load_pairs(folder: Path, resolution: int, scale: int) -> Pairs:
    """The images in ``folder/small`` and, enlarged ``scale`` times to ``resolution``, those in ``folder/large``.

    Raises:
        AnimeGenError: a folder is missing, or the names differ.
    """
    small, large = _by_name(folder / "small", resolution // scale), _by_name(folder / "large", resolution)
    if unpaired := sorted(small.keys() ^ large.keys()):
        raise AnimeGenError(
            f"Each image in '{folder}' must be in 'small' and in 'large', but {quote(unpaired[0])} is in one of them only."
        )
    return {name: (small[name], large[name]) for name in small}


def _by_name(folder: Path, side: int) -> dict[str, np.ndarray]:
    """Images by their names without suffix, because large ones may be stored in another format."""
    cache = load_pictures(folder, side)
    return {Path(name).with_suffix("").as_posix(): picture for name, picture in zip(cache.names, cache.pictures)}


def _split_pairs(pairs: Pairs) -> tuple[list[Pair], list[Pair]]:
    """The pairs to train on, and those held out."""
    every = list(pairs.values())
    taught, judged = ([every[index] for index in part] for part in hold_out(list(pairs)))
    if pairs and not taught:
        raise AnimeGenError(f"There are {len(pairs)} pairs, of which all would be held out; add images.")
    return taught, judged


def _schedule(done: float) -> float:
    """Factor of the learning rate at a fraction of the run: linear warm-up, then cosine decay (Loshchilov, Hutter 2017)."""
    return min(done / _WARM_UP, 1.0) * (1 + math.cos(math.pi * min(done, 1.0))) / 2


def _stack(pictures: Sequence[Image.Image]) -> Tensor:
    """uint8 (N, 3, H, W), channels last."""
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2)


def _check_pictures(cache: PictureCache, used: list[int], held_out: list[int], options: UpscalerOptions) -> None:
    if not used or not held_out:
        raise AnimeGenError(
            f"Data path '{cache.path}' has {len(cache.names)} images, of which {len(held_out)} would be held out "
            f"and {len(used)} used for training; add images, so that there is at least one of each."
        )
    side = cache.pictures.shape[1]
    if side < options.patch or side % options.scale:
        raise AnimeGenError(
            f"Images are {side} px, but must be at least {options.patch} px, the patch, "
            f"and a multiple of {options.scale}, the scale."
        )

"""Training an encoder of a style-based checkpoint: on faces that the generator draws, whose w are known, and on real images."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from animegen_core.checkpoint import Checkpoint
from animegen_core.devices import autocast_dtype, find_device, keep_freed_memory
from animegen_core.errors import AnimeGenError
from animegen_core.helpers.reconstruction import FeatureDistance, laplacian_distance
from animegen_core.images import to_images
from animegen_core.inversion import ENCODER, WSpace
from animegen_core.labels import LABEL_DIMS
from animegen_core.models.encoder import StyleEncoder
from animegen_core.training.ema import EMA
from animegen_core.training.helpers.runs import run_in
from animegen_core.training.options import (
    PRECISIONS,
    check_choice,
    check_fractions,
    check_not_negative,
    check_positive,
    check_types,
    option,
)
from animegen_core.training.resumable import STEP, Resumable, Stats, stream

_MEASURED = 128  # faces of the report
_REPORT = 2  # part of the key of ``stream`` for these faces


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """How an encoder is trained.

    Raises:
        AnimeGenError: a value is out of range.
    """

    RESUMABLE: ClassVar = ("kimg", "max_minutes", "save_minutes", "log_interval")

    kimg: float = option(100.0, "Length of the run in thousands of drawn faces.")
    max_minutes: float | None = option(None, "Stop this start after so many minutes and save; --resume continues.")
    channel_base: int = option(4096, "Channels at r px are channel_base / r, at most channel_max.")
    channel_max: int = option(256, "Maximum number of channels.")
    batch: int = option(16, "Drawn faces in a batch, and real images beside them.")
    lr: float = option(1e-3, "Adam's learning rate.")
    lr_decay_kimg: float | None = option(None, "Halve the learning rate every so many kimg; by default it is constant.")
    style_mixing: float = option(0.5, "Fraction of drawn faces with a second w from a random layer on.")
    image_weight: float = option(1.0, "Weight of the distance of redrawn faces in pixels and features; that of w is 1.")
    prior_weight: float = option(0.01, "Weight of the squared distance from the mean face, for real images.")
    ema_kimg: float = option(2.0, "Half-life of the averaged weights, in kimg.")
    precision: str = option("auto", f"One of {', '.join(PRECISIONS)}; auto is bf16 if the device computes it in hardware.")
    seed: int = option(0, "Seed of weights and faces.")
    save_minutes: float = option(2.0, "Minutes between saves of the state to resume from.")
    log_interval: int = option(50, "Steps between rows of the log.")

    def __post_init__(self) -> None:
        check_types(self)
        check_positive(self, "kimg", "max_minutes", "batch", "lr", "lr_decay_kimg", "save_minutes", "log_interval")
        check_positive(self, "channel_base", "channel_max")
        check_not_negative(self, "image_weight", "prior_weight", "ema_kimg", "seed")
        check_fractions(self, "style_mixing")
        check_choice(self, "precision", PRECISIONS)


class EncoderTrainer(Resumable):
    """The training step of an encoder, with its network, average, optimizer and counters.

    Args:
        checkpoint: of a style-based generator.
        options: of the run.
        device: a torch device.

    Raises:
        AnimeGenError: the checkpoint has no styles, or the packages of the features are missing (the extra ``train``).
    """

    def __init__(self, checkpoint: Checkpoint, options: EncoderOptions, device: str | torch.device | None = None) -> None:
        self.options = options
        self.device = find_device(device)
        self.autocast = autocast_dtype(options.precision, self.device)
        keep_freed_memory()
        generator = checkpoint.generator.to(self.device)
        self.labelled = tuple(generator.label_dims) == LABEL_DIMS
        self.space = WSpace(generator, self.labelled)
        self.generator = generator
        self.drawer = generator.for_inference(self.autocast or torch.float32) if _is_fast(generator, self.device) else generator
        self.features = FeatureDistance.of_imagenet(64).to(self.device, memory_format=torch.channels_last)
        torch.manual_seed(options.seed)
        encoder = StyleEncoder(
            generator.resolution, generator.num_layers, generator.w_dim, options.channel_base, options.channel_max
        )
        self.encoder = encoder.to(self.device, memory_format=torch.channels_last)
        self.ema = EMA(self.encoder, options.ema_kimg, 0.05)
        fused = self.device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.Adam(self.encoder.parameters(), options.lr, (0.9, 0.99), fused=fused)
        self.progress: dict[str, float] = {"steps": 0, "images_seen": 0, "seconds": 0.0}

    def step(self, pictures: Sequence[np.ndarray] | None = None) -> Stats:
        """One update on drawn faces and, if there are any, as many real images: uint8 (resolution, resolution, 3).

        All randomness depends only on the seed and the step's number.
        """
        torch.manual_seed(stream(self.options.seed, STEP, int(self.progress["steps"])))
        if self.options.lr_decay_kimg is not None:
            halvings = self.images_seen / 1000 / self.options.lr_decay_kimg
            self.optimizer.param_groups[0]["lr"] = self.options.lr * 0.5**halvings
        wanted, drawn = self.draw(self.options.batch)
        real = None if pictures is None else self._chosen(pictures)
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            stats = self._losses(wanted, drawn, real)
        loss = stats.pop("loss")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.progress["steps"] += 1
        self.progress["images_seen"] += self.options.batch
        self.ema.update(self.encoder, self.images_seen, self.options.batch)
        return {name: value.detach() for name, value in stats.items()}

    def _losses(self, wanted: Tensor, drawn: Tensor, real: Tensor | None) -> Stats:
        """The sum "loss", and its terms."""
        images = drawn if real is None else torch.cat([drawn, real])
        offsets = self.encoder(images)
        stats = {"loss_w": smooth_l1_loss(offsets[: len(wanted)], wanted)}
        loss = stats["loss_w"]
        if self.options.image_weight:
            again = self.drawer.synthesize(self.space.ws(offsets))
            stats["loss_image"] = (laplacian_distance(images, again) + self.features(images, again)).mean()
            loss = loss + self.options.image_weight * stats["loss_image"]
        if real is not None:
            loss = loss + self.options.prior_weight * offsets[len(wanted) :].square().mean()
        return {"loss": loss, **stats}

    @torch.no_grad()
    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Random faces: standardised offsets (count, layers, w_dim) and images (count, 3, H, W) in about [-1, 1]."""
        generator = self.generator
        labels = None
        if self.labelled:
            columns = [torch.randint(0, values, (count,), device=self.device) for values in LABEL_DIMS]
            labels = torch.stack(columns, 1)
        first, second = (
            generator.map(torch.randn(count, generator.latent_dim, device=self.device), labels).unsqueeze(1) for _ in range(2)
        )
        layers = generator.num_layers
        crossover = torch.randint(1, layers, (count, 1, 1), device=self.device)
        mixed = torch.rand(count, 1, 1, device=self.device) < self.options.style_mixing
        fine = mixed & (torch.arange(layers, device=self.device).view(1, -1, 1) >= crossover)
        psi = 0.5 + 0.5 * torch.rand(count, 1, 1, device=self.device)
        offsets = psi * self.space.standard(torch.where(fine, second, first))
        return offsets, self.drawer.synthesize(self.space.ws(offsets))

    def _chosen(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """A random batch of real images (N, 3, H, W) in [-1, 1]."""
        indices = torch.randint(0, len(pictures), (self.options.batch,)).tolist()
        return to_images(np.stack([pictures[index] for index in indices])).to(self.device)

    def modules(self) -> dict[str, nn.Module]:
        """The network and its average."""
        return {"encoder": self.encoder, "ema": self.ema.network}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The one of the network."""
        return {"optimizer": self.optimizer}

    def report(self) -> dict[str, float]:
        """Mean Laplacian distance of new drawn faces from what the averaged encoder makes of them, and from the mean face."""
        torch.manual_seed(stream(self.options.seed, _REPORT))
        own, mean = [], []
        with torch.no_grad():
            for _ in range(_MEASURED // 16):
                _, drawn = self.draw(16)
                offsets = self.ema.network(drawn)
                for found, distances in ((offsets, own), (torch.zeros_like(offsets), mean)):
                    distances.append(laplacian_distance(drawn, self.drawer.synthesize(self.space.ws(found))))
        return {name: round(float(torch.cat(each).mean()), 4) for name, each in (("encoder", own), ("mean_face", mean))}


def train_encoder(
    checkpoint: Checkpoint,
    pictures: Sequence[np.ndarray] | None,
    folder: Path,
    out: Path,
    options: EncoderOptions,
    facts: dict[str, Any],
    device: str | torch.device | None = None,
) -> dict[str, float]:
    """Train for the options' length. Ctrl-C, SIGTERM and ``max_minutes`` stop earlier, save, and allow to resume.

    Args:
        checkpoint: of a style-based generator.
        pictures: real images at its resolution; None trains on drawn faces only.
        folder: the run folder, for log and state; a state there is resumed.
        out: where the averaged encoder is written when training stops, with the hash of the checkpoint's weights.
        facts: further entries of its config, such as data and licence.

    Returns:
        The figures of ``EncoderTrainer.report``.

    Raises:
        AnimeGenError: as in ``EncoderTrainer``; or the run diverged.
    """
    trainer = EncoderTrainer(checkpoint, options, device)
    run_in(folder, trainer, itertools.repeat((pictures,)), options.kimg * 1000, "faces", "face")
    report = trainer.report()
    belongs = {"checkpoint": checkpoint.name, "checkpoint_hash": checkpoint.hash, "faces_seen": trainer.images_seen}
    ENCODER.save(out, trainer.ema.network, {**facts, **belongs, "seed": options.seed, "distance": report})
    return report


def check_styles(checkpoint: Checkpoint) -> None:
    """Raise AnimeGenError if a checkpoint has no styles, so that no encoder can be trained for it."""
    if not hasattr(checkpoint.generator, "w_avg"):
        raise AnimeGenError(f"Checkpoint '{checkpoint.name}' has no styles, so it needs no encoder of w; use a StyleGAN's.")


def _is_fast(generator: nn.Module, device: torch.device) -> bool:
    """Whether the generator's inference form is faster."""
    return device.type == "cpu" and hasattr(generator, "for_inference")

"""The interface between the training loop and a family. Methods with a body are optional hooks."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from animegen_core.training.options import TrainOptions
from animegen_core.training.resumable import Stats

Progress = dict[str, float]  # the trainer's counters: "images_seen", "steps" and others


class Recipe(ABC):
    """Networks and losses of a family. Labels are int64 (N, attributes), -1 for any, or None if the family has none.

    All random numbers come from torch's global generator, which the trainer seeds at every step.

    Attributes:
        state: buffers that are saved and loaded with the weights; made by ``build``.
    """

    family: str
    conditional = False
    options: TrainOptions
    state = nn.Module()

    @abstractmethod
    def build(self) -> tuple[nn.Module, nn.Module | None]:
        """Freshly initialised generator and discriminator; None for a family without one."""

    def to(self, device: torch.device) -> None:
        """Move what the losses need; called once, after ``build``."""
        self.state.to(device)

    def adam(self, network: str) -> tuple[float, tuple[float, float]]:
        """Learning rate and betas of the "generator" or the "discriminator"."""
        lr = self.options.lr_d if network == "discriminator" else None
        return lr or self.options.lr, (self.options.beta1, self.options.beta2)

    def prepare_labels(self, labels: Tensor, progress: Progress) -> Tensor:
        """Labels (N, attributes) that both networks get in this step, some of them hidden."""
        return labels

    @abstractmethod
    def generate(self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device) -> Tensor:
        """Fakes (count, 3, H, W) from latents drawn here."""

    def discriminator_loss(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Stats]:
        """Scalar loss for real and fake images (N, 3, H, W) in [-1, 1], and what to log. A discriminator needs it."""
        raise NotImplementedError

    def generator_loss(self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        """Scalar loss for fakes (N, 3, H, W); ``real`` are the real images of the discriminator's step. A discriminator needs
        it.
        """
        raise NotImplementedError

    def autoencoder_loss(
        self, generator: nn.Module, real: Tensor, labels: Tensor | None, progress: Progress
    ) -> tuple[Tensor, Stats] | None:
        """Scalar loss of a generator that also encodes real images (N, 3, H, W) in [-1, 1], and what to log; else None."""
        return None

    def discriminator_penalty(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None, progress: Progress
    ) -> Tensor | None:
        """A penalty, a scalar, for a separate update without autocast; None if this step has none."""
        return None

    def generator_penalty(
        self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device, progress: Progress
    ) -> Tensor | None:
        """The generator's penalty, for a batch of ``count``. The update is skipped if a gradient is not finite."""
        return None

    def after_step(self, generator: nn.Module, averaged: nn.Module) -> None:  # noqa: B027 - most families need none
        """Copy what is not averaged from the trained to the averaged generator."""


def mean_probabilities(**logits: Tensor) -> Stats:
    """Mean probability of being real for each named tensor of logits."""
    return {name: value.detach().sigmoid().mean() for name, value in logits.items()}

"""What the loop asks of a family. Hooks with a body are for those that need them; a DCGAN does not."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from animegen_core.training.options import TrainOptions
from animegen_core.training.resumable import Stats

Progress = dict[str, float]  # the trainer's counters: "images_seen", "steps" and others


class Recipe(ABC):
    """A family's part in training. Labels are int64 (N, attributes), -1 for any, or None where the family has none.

    All random draws come from torch's global stream, which the trainer seeds at every step.

    Attributes:
        state: buffers that a run remembers beside its weights, saved and loaded with them; made by ``build``.
    """

    family: str
    conditional = False
    options: TrainOptions
    state = nn.Module()

    @abstractmethod
    def build(self) -> tuple[nn.Module, nn.Module]:
        """Freshly initialised generator and discriminator."""

    def adam(self, network: str) -> tuple[float, tuple[float, float]]:
        """Learning rate and betas of the "generator" or the "discriminator"."""
        lr = self.options.lr_d if network == "discriminator" else None
        return lr or self.options.lr, (self.options.beta1, self.options.beta2)

    def prepare_labels(self, labels: Tensor, progress: Progress) -> Tensor:
        """Labels (N, attributes) as this step shows them to both networks."""
        return labels

    @abstractmethod
    def generate(self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device) -> Tensor:
        """Fakes (count, 3, H, W) from latents drawn here."""

    @abstractmethod
    def discriminator_loss(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None
    ) -> tuple[Tensor, Stats]:
        """Scalar loss for real and fake pictures (N, 3, H, W) in [-1, 1], and what to log."""

    @abstractmethod
    def generator_loss(self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        """Scalar loss for fakes (N, 3, H, W), with the real pictures that the discriminator saw beside them."""

    def discriminator_penalty(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor | None, progress: Progress
    ) -> Tensor | None:
        """Scalar for an update of its own after the discriminator's, without autocast; None where this step has none."""
        return None

    def generator_penalty(
        self, generator: nn.Module, count: int, labels: Tensor | None, device: torch.device, progress: Progress
    ) -> Tensor | None:
        """The same for the generator, for a batch of ``count``; a penalty with gradients that are no numbers is skipped."""
        return None

    def after_step(self, generator: nn.Module, averaged: nn.Module) -> None:  # noqa: B027 - most families need none
        """Whatever else the averaged generator takes over from the trained one."""


def scores(**logits: Tensor) -> Stats:
    """Mean probability of being real for each named tensor of logits."""
    return {name: value.detach().sigmoid().mean() for name, value in logits.items()}

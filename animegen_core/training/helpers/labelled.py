"""Training a small network on images and their labels, in epochs, by AdamW and a one-cycle learning rate."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from animegen_core.devices import autocast_dtype, find_device
from animegen_core.training.options import check_fractions, check_not_negative, check_positive, check_types, option
from animegen_core.training.resumable import ORDER, STEP, Resumable, Stats, stream


@dataclass(frozen=True, kw_only=True)
class LabelledOptions:
    """Options of a network trained on labelled images.

    Raises:
        AnimeGenError: a value is out of range.
    """

    RESUMABLE: ClassVar = ("max_minutes", "save_minutes", "log_interval")

    epochs: float = option(12.0, "Passes over the images.")
    max_minutes: float | None = option(None, "Stop this start after so many minutes and save; --resume continues.")
    batch: int = option(128, "Batch size.")
    lr: float = option(2e-3, "Highest learning rate of AdamW in a one-cycle schedule.")
    weight_decay: float = option(0.05, "AdamW's weight decay.")
    seed: int = option(0, "Seed of weights, data order and all random numbers.")
    save_minutes: float = option(2.0, "Minutes between saves of the state to resume from.")
    log_interval: int = option(50, "Steps between rows of the log.")

    def __post_init__(self) -> None:
        check_types(self)
        check_positive(self, "epochs", "max_minutes", "batch", "lr", "save_minutes", "log_interval")
        check_not_negative(self, "weight_decay", "seed")
        for name in ("least_probability", "label_smoothing"):
            if hasattr(self, name):
                check_fractions(self, name)


class LabelledTrainer(Resumable):
    """The training step, with networks, optimizer and counters.

    Args:
        networks: to train, by name; moved to the device and left in train mode.
        pictures: uint8 (N, H, W, 3).
        labels: int64 (N, attributes), -1 where unknown.
        options: of the training.
        device: a torch device.

    Attributes:
        target: images of the whole run.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        pictures: np.ndarray,
        labels: Tensor,
        options: LabelledOptions,
        device: str | torch.device | None = "cpu",
    ) -> None:
        self.device = find_device(device)
        self.networks = {
            name: network.to(self.device, memory_format=torch.channels_last).train() for name, network in networks.items()
        }
        self.pictures, self.labels, self.options = pictures, labels, options
        self.autocast = autocast_dtype("auto", self.device)
        parameters = [p for network in networks.values() for p in network.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, options.lr, weight_decay=options.weight_decay)
        self.per_epoch = max(1, len(pictures) // options.batch)  # batches; an incomplete last batch is dropped
        self.steps = max(1, round(options.epochs * self.per_epoch))
        self.target = self.steps * min(options.batch, len(pictures))
        self.schedule = self._schedule()
        self.progress = {"images_seen": 0, "steps": 0, "seconds": 0.0}

    @abstractmethod
    def losses(self, images: np.ndarray, labels: Tensor) -> Stats:
        """Losses of a batch by name; their sum is minimised."""

    def batches(self) -> Iterator[tuple[Tensor]]:
        """Indices of the batches, starting at ``progress``. An epoch's order depends only on the seed and its number."""
        while True:
            epoch, done = divmod(int(self.progress["steps"]), self.per_epoch)
            source = torch.Generator().manual_seed(stream(self.options.seed, ORDER, epoch))
            order = torch.randperm(len(self.pictures), generator=source)
            for chunk in order.split(self.options.batch)[done : self.per_epoch]:
                yield (chunk,)

    def step(self, chunk: Tensor) -> Stats:
        """One update on the images of these indices."""
        torch.manual_seed(stream(self.options.seed, STEP, int(self.progress["steps"])))
        losses = self.losses(self.pictures[chunk.numpy()], self.labels[chunk].to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        self.optimizer.step()
        self.schedule.step()
        self.progress["steps"] += 1
        self.progress["images_seen"] += len(chunk)
        return {name: loss.detach() for name, loss in losses.items()}

    def load(self, path: Path) -> None:
        """Restore a state, and the position in the cycle."""
        super().load(path)
        self.schedule = self._schedule(int(self.progress["steps"]) - 1)

    def modules(self) -> dict[str, nn.Module]:
        """The networks."""
        return self.networks

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The one optimizer of all networks."""
        return {"optimizer": self.optimizer}

    def _schedule(self, last: int = -1) -> OneCycleLR:
        """The schedule, starting at the step after ``last``."""
        return OneCycleLR(self.optimizer, self.options.lr, total_steps=max(self.steps, 2), last_epoch=last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None)

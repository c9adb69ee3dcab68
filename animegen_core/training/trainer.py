"""The training step of any family, on CPU, CUDA and several processes."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from accelerate.utils import reduce
from torch import Tensor, nn
from torch.utils.data import DataLoader

from animegen_core.data import random_flip, to_model_range
from animegen_core.devices import autocast_dtype, keep_freed_memory
from animegen_core.errors import AnimeGenError
from animegen_core.labels import LABEL_DIMS
from animegen_core.training.ema import EMA
from animegen_core.training.pretrained_helper import BETAS, Helper
from animegen_core.training.processes import join_on_device
from animegen_core.training.recipes import Recipe, Stats
from animegen_core.training.resumable import ORDER, STEP, Resumable, stream
from animegen_core.training.weights import load_weights, parts_of, take_weights


class Trainer(Resumable):
    """The training step, with networks, optimizers and counters.

    Args:
        recipe: the family's networks, losses and options.
        device: a torch device (see ``processes.join_on_device``).

    Attributes:
        progress: counters that are saved with the state.
    """

    def __init__(self, recipe: Recipe, device: str | torch.device | None = None) -> None:
        self.recipe, self.options = recipe, recipe.options
        self.process, self.device = join_on_device(device)
        self.is_main = self.process.is_main_process
        self.autocast = autocast_dtype(self.options.precision, self.device)
        if self.device.type == "cpu":
            keep_freed_memory()

        torch.manual_seed(self.options.seed)  # the same start in every process
        # channels_last is the faster layout for convolutions both on CPU and on CUDA.
        generator, discriminator = recipe.build()
        self.generator = generator.to(self.device, memory_format=torch.channels_last).train()
        self.generator_optimizer = _adam(generator, *recipe.adam("generator"))
        self.discriminator = self.discriminator_optimizer = self.helper = self.helper_optimizer = None
        if discriminator is not None and not self.options.helper_only:
            self.discriminator = discriminator.to(self.device, memory_format=torch.channels_last).train()
            self.discriminator_optimizer = _adam(discriminator, *recipe.adam("discriminator"))
        if self.options.helper is not None:
            helper = Helper(self.options, LABEL_DIMS if recipe.conditional else ())
            self.helper = helper.to(self.device, memory_format=torch.channels_last).train()
            self.helper_optimizer = _adam(self.helper, self.options.helper_lr, BETAS)
        self.recipe.to(self.device)
        self.ema = EMA(generator, self.options.ema_kimg, self.options.ema_rampup)
        self.progress = {"images_seen": 0, "epoch": 0, "batch_in_epoch": 0, "steps": 0, "seconds": 0.0}

    def step(self, real: Tensor, labels: Tensor | None = None) -> Stats:
        """Update discriminator, helper and generator, each a second time if it has a penalty, and then the average.

        Args:
            real: the whole batch (N, 3, H, W), uint8 or float in [-1, 1]; each process uses its part.
            labels: int64 (N, attributes), -1 for any; None for a family without labels.

        Returns:
            Scalars for the log, on the device.
        """
        total, processes, process = len(real), self.process.num_processes, self.process.process_index
        mine = slice(total * process // processes, total * (process + 1) // processes)  # keeps label groups together
        # All randomness of a step depends only on (seed, step, process), so a resumed run has no random state to restore.
        torch.manual_seed(stream(self.options.seed, STEP, self.progress["steps"], self.process.process_index))
        own = to_model_range(real[mine].to(self.device, non_blocking=True)).contiguous(memory_format=torch.channels_last)
        labels = None if labels is None else self.recipe.prepare_labels(labels[mine].to(self.device), self.progress)
        if self.options.flip:
            own = random_flip(own)
        self._decay_learning_rates()

        fake = maps = None
        if self._critics():
            with self._autocast():
                fake = self.recipe.generate(self.generator, len(own), labels, self.device)
        stats = {} if self.discriminator is None else self._train_discriminator(own, fake.detach(), labels)
        if self.helper is not None:
            maps, helper_stats = self._train_helper(own, fake, labels)
            stats |= helper_stats
        stats |= self._train_generator(own, fake, maps, labels)

        self.progress["images_seen"] += total
        self.progress["steps"] += 1
        self.progress["batch_in_epoch"] += 1
        self.ema.update(self.generator, self.images_seen, total)
        self.recipe.after_step(self.generator, self.ema.network)
        if self.process.num_processes > 1:
            for value in self.recipe.state.buffers():  # each process has measured its own part
                value.copy_(reduce(value, "mean"))
        return stats

    def _train_discriminator(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> Stats:
        with self._autocast():
            loss, stats = self.recipe.discriminator_loss(self.discriminator, real, fake, labels)
        self._update(self.discriminator, self.discriminator_optimizer, loss)
        # No autocast: bfloat16 is too coarse for the second derivatives of penalties.
        penalty = self.recipe.discriminator_penalty(self.discriminator, real, fake, labels, self.progress)
        if penalty is not None:
            self._update(self.discriminator, self.discriminator_optimizer, penalty)
        return {"loss_d": loss.detach(), **stats}

    def _train_helper(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> tuple[list[Tensor], Stats]:
        """Update the heads. Returns the feature maps of the fakes, which the generator's update uses again, and scores."""
        with self._autocast():
            if not self.helper.calibrated:
                self.helper.features.calibrate(real)
                if self.process.num_processes > 1:
                    self.helper.features.deviations.copy_(reduce(self.helper.features.deviations, "mean"))
            with torch.no_grad():
                real_maps = self.helper.see(real)
            fake_maps = self.helper.see(fake)
            loss, stats = self.helper.loss(real_maps, fake_maps, labels)
        self._update(self.helper, self.helper_optimizer, loss)
        return fake_maps, stats

    def _train_generator(self, real: Tensor, fake: Tensor | None, maps: list[Tensor] | None, labels: Tensor | None) -> Stats:
        """Update the generator by the losses of the discriminator, of the helper and of an autoencoder."""
        critics = self._critics()
        for critic in critics.values():
            critic.requires_grad_(False)  # the generator's update needs no gradients of its weights
        loss, stats = torch.zeros((), device=self.device), {}
        with self._autocast():
            if self.discriminator is not None:
                loss = loss + self.recipe.generator_loss(self.discriminator, real, fake, labels)
            if self.helper is not None and self.images_seen >= self.options.helper_warmup_kimg * 1000:
                loss = loss + self.helper.generator_loss(maps, labels)
            own = self.recipe.autoencoder_loss(self.generator, real, labels, self.progress)
            if own is not None:
                loss, stats = loss + own[0], own[1]
        if loss.requires_grad:  # with helper_only there is no loss during the warm-up
            self._update(self.generator, self.generator_optimizer, loss)
        for critic in critics.values():
            critic.requires_grad_(True)
        penalty = self.recipe.generator_penalty(self.generator, len(real), labels, self.device, self.progress)
        if penalty is not None:
            self._update(self.generator, self.generator_optimizer, penalty, may_skip=True)
        return stats | {"loss_g": loss.detach()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None)

    def _decay_learning_rates(self) -> None:
        if self.options.lr_decay_kimg is None:
            return
        factor = 0.5 ** (self.images_seen / 1000 / self.options.lr_decay_kimg)
        for optimizer in self.optimizers().values():
            for group in optimizer.param_groups:
                group["lr"] = optimizer.defaults["lr"] * factor

    def _update(self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, may_skip: bool = False) -> None:
        """One step of the optimizer. With ``may_skip`` it is skipped if a gradient is not finite."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        grads = [p.grad for p in network.parameters() if p.grad is not None]
        if self.process.num_processes > 1:
            # Averaged here because DistributedDataParallel supports neither two forwards per backward nor second derivatives.
            flat = reduce(torch.cat([g.flatten() for g in grads]), "mean")
            for grad, mean in zip(grads, flat.split([g.numel() for g in grads])):
                grad.copy_(mean.view_as(grad))
        if may_skip and not all(bool(grad.isfinite().all()) for grad in grads):  # the same in all processes, because averaged
            return
        if self.options.grad_clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.options.grad_clip)
        optimizer.step()

    def any_process(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.process.num_processes == 1:
            return flag
        return bool(reduce(torch.tensor(float(flag), device=self.process.device), "sum"))

    @property
    def fewest(self) -> int:
        """Smallest possible batch: batch norm needs two images in each process."""
        return 2 * self.process.num_processes

    def images_per_epoch(self, loader: DataLoader) -> int:
        """Number of images in one pass over ``loader``.

        Raises:
            AnimeGenError: its batches are too small to train on, or there are none.
        """
        batch = loader.batch_size or self.options.batch
        pictures = len(loader) * batch if loader.drop_last else len(loader.sampler)
        if pictures % batch < self.fewest:
            pictures -= pictures % batch
        if not pictures or batch < self.fewest:
            raise AnimeGenError(
                f"{len(loader.sampler)} images in batches of {batch} are too few for training; "
                f"at least one whole batch of {self.fewest} or more is needed."
            )
        return pictures

    def batches(self, loader: Iterable) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Endless batches of images and labels, starting at ``progress``. An epoch's order depends only on the seed and its
        number. Labels are None for a family without labels.
        """
        while True:
            torch.manual_seed(stream(self.options.seed, ORDER, self.progress["epoch"]))
            if hasattr(getattr(loader, "sampler", None), "set_epoch"):
                loader.sampler.set_epoch(self.progress["epoch"])
            skip = self.progress["batch_in_epoch"]
            for index, batch in enumerate(loader):
                real, *labels = batch if isinstance(batch, (list, tuple)) else (batch,)
                if index >= skip and len(real) >= self.fewest:
                    yield real, labels[0] if labels and self.recipe.conditional else None
            self.progress["epoch"] += 1
            self.progress["batch_in_epoch"] = 0

    def start_from(self, source: str | Path, weights: dict[str, dict[str, Tensor]] | None = None) -> str:
        """Load the weights of a checkpoint or run where name and shape match. Counters stay at zero.

        Args:
            source: as in ``load_weights``.
            weights: the result of ``load_weights``; None loads them here.

        Raises:
            AnimeGenError: there is no such checkpoint or run, it is damaged, or nothing matches.
        """
        weights = dict(load_weights(source) if weights is None else weights)
        frozen = {name for name, parameter in self.generator.named_parameters() if not parameter.requires_grad}
        for name in ("generator", "ema"):  # the recipe's frozen parameters stay unchanged
            weights[name] = {key: tensor for key, tensor in weights[name].items() if key not in frozen}
        networks = self.networks()
        taken = {name: take_weights(networks[name], tensors) for name, tensors in weights.items() if name in networks}
        if not any(taken.values()):
            raise AnimeGenError(f"No tensor of '{source}' has the name and shape of one of this {self.recipe.family}.")
        counts = []
        for name, names in taken.items():
            every = networks[name].state_dict().keys() - frozen
            new = f" (new: {', '.join(parts_of(every - names))})" if every - names else ""
            counts.append(f"{len(names)} of {len(every)} of the {name}{new}")
        return f"Tensors loaded from '{source}': {', '.join(counts)}."

    def networks(self) -> dict[str, nn.Module]:
        """Generator, its average, and the discriminator and the helper where the run has them, by name."""
        return {"generator": self.generator, **self._critics(), "ema": self.ema.network}

    def _critics(self) -> dict[str, nn.Module]:
        """The networks that train the generator: discriminator and helper."""
        critics = {"discriminator": self.discriminator, "helper": self.helper}
        return {name: network for name, network in critics.items() if network is not None}

    def modules(self) -> dict[str, nn.Module]:
        """The networks, and what the recipe remembers."""
        return {**self.networks(), "recipe": self.recipe.state}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Those that the run has, by name."""
        optimizers = {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "helper_optimizer": self.helper_optimizer,
        }
        return {name: optimizer for name, optimizer in optimizers.items() if optimizer is not None}


def _adam(network: nn.Module, lr: float, betas: tuple[float, float]) -> torch.optim.Adam:
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), lr, betas, fused=fused)

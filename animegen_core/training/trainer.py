"""The training loop of all families: one code path for CPU, CUDA and several processes."""

import math
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from animegen_core import images
from animegen_core.checkpoint import save_checkpoint
from animegen_core.data import random_flip, to_model_range
from animegen_core.errors import AnimeGenError
from animegen_core.latents import seeds_to_z
from animegen_core.training.ema import EMA, calibrated
from animegen_core.training.options import TrainOptions
from animegen_core.training.recipes import Recipe, Stats
from animegen_core.training.run_folder import STATE, RunLog
from animegen_core.training.state import load_state, save_state

_SHEET_SEEDS = range(64)
_ORDER, _STEP = 0, 1  # which random stream a seed is for


class Trainer:
    """Networks, optimizers and counters, and what one step does to them.

    Args:
        recipe: the family's networks, losses and options.
        device: a torch device; by default the process's own under ``accelerate launch``, else CUDA if present, else CPU.

    Attributes:
        progress: the counters that a state keeps.
    """

    def __init__(self, recipe: Recipe, device: str | torch.device | None = None) -> None:
        self.recipe, self.options = recipe, recipe.options
        self.process = PartialState()
        self.device = torch.device(device) if device is not None else self.process.device
        self.autocast = autocast_dtype(self.options.precision, self.device)

        torch.manual_seed(self.options.seed)  # the same start in every process
        # channels_last is the faster layout for convolutions both on CPU and on CUDA.
        generator, discriminator = (n.to(self.device, memory_format=torch.channels_last) for n in recipe.build())
        self.generator, self.discriminator = generator.train(), discriminator.train()
        self.generator_optimizer = _adam(generator, self.options)
        self.discriminator_optimizer = _adam(discriminator, self.options)
        self.ema = EMA(generator, self.options.ema_kimg, self.options.ema_rampup)
        self.progress = {"images_seen": 0, "epoch": 0, "batch_in_epoch": 0, "steps": 0, "seconds": 0.0}

    @property
    def images_seen(self) -> int:
        """Real pictures shown to the discriminator so far, over all processes."""
        return int(self.progress["images_seen"])

    def step(self, real: Tensor) -> Stats:
        """One update of the discriminator, one of the generator, one of the average.

        Args:
            real: the whole batch (N, 3, H, W), uint8 or float in [-1, 1]; each process takes its share.

        Returns:
            Scalars for the log, on the device.
        """
        total, share = len(real), real[self.process.process_index :: self.process.num_processes]
        # All randomness of a step is a function of (seed, step, process): a resumed run has no stream to restore.
        torch.manual_seed(_stream(self.options.seed, _STEP, self.progress["steps"], self.process.process_index))
        share = to_model_range(share.to(self.device, non_blocking=True)).contiguous(memory_format=torch.channels_last)
        if self.options.flip:
            share = random_flip(share)

        with self._autocast():
            fake = self.recipe.generate(self.generator, len(share), self.device)
            loss_d, stats = self.recipe.discriminator_loss(self.discriminator, share, fake.detach())
        self._update(self.discriminator, self.discriminator_optimizer, loss_d)

        self.discriminator.requires_grad_(False)  # its weights need no gradients in the generator's turn
        with self._autocast():
            loss_g = self.recipe.generator_loss(self.discriminator, fake)
        self._update(self.generator, self.generator_optimizer, loss_g)
        self.discriminator.requires_grad_(True)

        self.progress["images_seen"] += total
        self.progress["steps"] += 1
        self.progress["batch_in_epoch"] += 1
        self.ema.update(self.generator, self.images_seen, total)
        return {"loss_g": loss_g.detach(), "loss_d": loss_d.detach(), **stats}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None)

    def _update(self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.process.num_processes > 1:
            # Averaged by hand rather than by DistributedDataParallel, which knows neither two forwards per backward nor
            # gradients of gradients.
            grads = [p.grad for p in network.parameters() if p.grad is not None]
            flat = reduce(torch.cat([g.flatten() for g in grads]), "mean")
            for grad, mean in zip(grads, flat.split([g.numel() for g in grads])):
                grad.copy_(mean.view_as(grad))
        optimizer.step()

    def batches(self, loader: Iterable) -> Iterator[Tensor]:
        """Endless batches, going on where ``progress`` stands; an epoch's order depends on the seed and its number only."""
        while True:
            torch.manual_seed(_stream(self.options.seed, _ORDER, self.progress["epoch"]))
            skip = self.progress["batch_in_epoch"]
            for index, batch in enumerate(loader):
                if index >= skip:
                    yield batch[0] if isinstance(batch, (list, tuple)) else batch
            self.progress["epoch"] += 1
            self.progress["batch_in_epoch"] = 0

    def save(self, path: Path) -> None:
        """Write the state to resume from."""
        save_state(path, self._modules(), self._optimizers(), self.progress)

    def load(self, path: Path) -> None:
        """Go on from a state written by ``save``."""
        self.progress = load_state(path, self._modules(), self._optimizers())

    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(p.isfinite().all()) for n in (self.generator, self.discriminator) for p in n.parameters())

    def _modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator, "ema": self.ema.network}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }


def train(
    recipe: Recipe,
    loader: DataLoader,
    folder: str | Path,
    device: str | torch.device | None = None,
    resume: bool = False,
    trained_on: str = "unnamed pictures",
    licence: str = "other",
) -> Path:
    """Train until the options' length is reached, or until Ctrl-C, SIGTERM or ``max_minutes``, which save and can be resumed.

    Args:
        recipe: what to train.
        loader: batches of pictures (N, 3, H, W), uint8 or float in [-1, 1]; of tuples, the first item is taken.
        folder: the run folder.
        resume: go on from the state in ``folder``.
        trained_on, licence: what the checkpoint's config says of the data.

    Returns:
        The folder of the inference checkpoint.

    Raises:
        AnimeGenError: the run diverged (the last good state is kept), or there is nothing to resume.
    """
    folder, options = Path(folder), recipe.options
    trainer = Trainer(recipe, device)
    if resume:
        trainer.load(folder / STATE)
    writer = RunWriter(trainer, folder, trained_on, licence)
    batch_size = loader.batch_size or options.batch
    target = options.target_images(len(loader) * batch_size)
    save_every = options.save_interval * len(loader) * batch_size
    next_snapshot = (trainer.images_seen // save_every + 1) * save_every
    started = last_save = time.monotonic()
    seconds_before = trainer.progress["seconds"]

    with _stop_requests() as stop, writer.progress_bar(target) as bar:
        for real in trainer.batches(loader):
            elapsed = time.monotonic() - started
            out_of_time = options.max_minutes is not None and elapsed >= options.max_minutes * 60
            if trainer.images_seen >= target or _any_process(trainer.process, bool(stop) or out_of_time):
                break
            stats = trainer.step(real)
            trainer.progress["seconds"] = seconds_before + time.monotonic() - started
            bar.update(len(real))
            writer.collect(stats, bar)
            if trainer.images_seen >= next_snapshot and trainer.images_seen < target:
                writer.snapshot()
                next_snapshot += save_every
                last_save = time.monotonic()
            elif time.monotonic() - last_save >= options.save_minutes * 60:
                writer.save_state()
                last_save = time.monotonic()
        writer.snapshot()
    writer.close(finished=trainer.images_seen >= target)
    return writer.checkpoint


class RunWriter:
    """Everything a run writes into its folder; only the main process writes."""

    def __init__(self, trainer: Trainer, folder: Path, trained_on: str, licence: str) -> None:
        self.trainer, self.folder = trainer, folder
        self.trained_on, self.licence = trained_on, licence
        self.is_main = trainer.process.is_main_process
        self.checkpoint = folder / "checkpoint"
        self.log = RunLog(folder, trainer.images_seen) if self.is_main else None
        self._reset()

    def _reset(self) -> None:
        self.sums: Stats = {}
        self.count = 0
        self.since = (time.monotonic(), self.trainer.images_seen)

    def progress_bar(self, target: float) -> tqdm:
        """tqdm over real pictures."""
        total = None if math.isinf(target) else math.ceil(target)
        return tqdm(
            total=total,
            initial=self.trainer.images_seen,
            unit="img",
            unit_scale=True,
            disable=not self.is_main,
            mininterval=1,
        )

    def collect(self, stats: Stats, bar: tqdm) -> None:
        """Add a step's scalars; every ``log_interval`` steps their means become a row of the log."""
        for name, value in stats.items():
            self.sums[name] = self.sums.get(name, 0) + value
        self.count += 1
        if self.trainer.progress["steps"] % self.trainer.options.log_interval == 0:
            self._flush(bar)

    def _flush(self, bar: tqdm | None = None) -> None:
        if not self.count:
            return
        means = {name: float(value) / self.count for name, value in self.sums.items()}
        self._require_finite(means)
        then, images_then = self.since
        row = {
            "images": self.trainer.images_seen,
            "epoch": self.trainer.progress["epoch"],
            "minutes": round(self.trainer.progress["seconds"] / 60, 3),
            "images_per_second": round((self.trainer.images_seen - images_then) / (time.monotonic() - then), 1),
            **{name: round(value, 5) for name, value in means.items()},
        }
        if self.is_main:
            self.log.add(row)
        if bar is not None:
            bar.set_postfix({name: f"{value:.2f}" for name, value in means.items()}, refresh=False)
        self._reset()

    def _require_finite(self, means: dict[str, float]) -> None:
        if all(map(math.isfinite, means.values())) and self.trainer.is_finite():
            return
        state = self.folder / STATE
        kept = f"the last good state is kept in '{state}'" if state.exists() else "no state had been saved yet"
        raise AnimeGenError(
            f"Training diverged at {self.trainer.images_seen:,} pictures: a loss or weight is not a number "
            f"({', '.join(f'{name} {value:.3g}' for name, value in means.items())}); {kept}. "
            f"Try a lower learning rate than {self.trainer.options.lr:g}."
        )

    def save_state(self) -> None:
        """Check that all is finite, then write the state."""
        self._flush()
        if self.is_main:
            self.trainer.save(self.folder / STATE)

    def snapshot(self) -> None:
        """State, checkpoint, sample sheet and loss plot."""
        self.save_state()
        if not self.is_main:
            return
        trainer = self.trainer
        generator = calibrated(trainer.ema.network, trainer.ema.network.latent_dim)
        z = seeds_to_z(_SHEET_SEEDS, generator.latent_dim).to(trainer.device)
        with torch.no_grad():
            sheet = images.make_grid(images.to_pil(generator(z)))
        images.save_png(sheet, self.folder / "samples" / f"{trainer.images_seen:08d}.png")
        self.log.plot()
        save_checkpoint(self.checkpoint, trainer.recipe.family, generator, trainer.images_seen, self.trained_on, self.licence)

    def close(self, finished: bool) -> None:
        """Say where things are."""
        if not self.is_main:
            return
        self.log.close()
        print(f"{self.trainer.images_seen:,} pictures shown; checkpoint in '{self.checkpoint}'.")
        if not finished:
            print(f"Go on with: python train.py {self.trainer.recipe.family} --resume '{self.folder}'")


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """bfloat16, or None for float32; "auto" asks whether the device multiplies bfloat16 in hardware."""
    if precision == "fp32":
        return None
    if precision == "bf16":
        return torch.bfloat16
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        native = torch.cpu.get_capabilities().get("avx512_bf16", False) if hasattr(torch.cpu, "get_capabilities") else False
    else:
        native = False
    return torch.bfloat16 if native else None


def _adam(network: nn.Module, options: TrainOptions) -> torch.optim.Adam:
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), options.lr, (options.beta1, options.beta2), fused=fused)


def _stream(*key: int) -> int:
    """An independent 64-bit seed for each key."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


def _any_process(process: PartialState, flag: bool) -> bool:
    """Whether the flag is set in any process: all must leave the loop at the same step."""
    if process.num_processes == 1:
        return flag
    return bool(reduce(torch.tensor(float(flag), device=process.device), "sum"))


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Collect the first SIGINT or SIGTERM into the yielded list, so that no step is cut in half; a second one acts at once."""
    received: list[int] = []
    previous: dict[int, object] = {}

    def remember(number: int, _frame: object) -> None:
        received.append(number)
        signal.signal(number, previous[number])

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            previous[number] = signal.signal(number, remember)
    except ValueError:  # not in the main thread, where signals cannot be caught
        pass
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

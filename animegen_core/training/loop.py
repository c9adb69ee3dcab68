"""Training a generator of any family in a run folder."""

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from animegen_core.training.recipes import Recipe
from animegen_core.training.run_folder import STATE
from animegen_core.training.run_loop import run
from animegen_core.training.run_writer import RunWriter
from animegen_core.training.trainer import Trainer


def train(
    recipe: Recipe,
    loader: DataLoader,
    folder: str | Path,
    device: str | torch.device | None = None,
    resume: bool = False,
    trained_on: str = "unnamed images",
    licence: str = "other",
    weights: dict[str, dict[str, Tensor]] | None = None,
) -> Path:
    """Train for the options' length. Ctrl-C, SIGTERM and ``max_minutes`` stop earlier, save, and allow to resume.

    Args:
        recipe: what to train.
        loader: batches of images (N, 3, H, W), uint8 or float in [-1, 1], or of tuples of images and labels. Labels are
            int64 (N, attributes), -1 for any; only a conditional family uses them.
        folder: the run folder.
        resume: continue from the state in ``folder``.
        trained_on, licence: what the checkpoint's config says of the data.
        weights: the result of ``load_weights`` for the options' ``init_from``; None loads them here.

    Returns:
        The folder of the inference checkpoint.

    Raises:
        AnimeGenError: the run diverged (the last good state is kept); there is no state to resume or no ``init_from``; or
            the faces cannot be measured.
    """
    folder, options = Path(folder), recipe.options
    trainer = Trainer(recipe, device)
    if resume:
        trainer.load(folder / STATE)
    elif options.init_from is not None:
        taken = trainer.start_from(options.init_from, weights)
        if trainer.process.is_main_process:
            print(taken)
    per_epoch = trainer.images_per_epoch(loader)
    labels = getattr(loader.dataset, "labels", None) if recipe.conditional else None
    writer = RunWriter(trainer, folder, trained_on, licence, labels, loader.dataset, options.save_interval * per_epoch)
    finished = run(trainer, trainer.batches(loader), options.target_images(per_epoch), writer)
    writer.close(finished)
    return writer.checkpoint

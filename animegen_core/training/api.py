"""Training as one function call, under the names that the literature behind this project uses."""

from pathlib import Path

import torch
from torch.utils.data import DataLoader

from animegen_core.errors import AnimeGenError
from animegen_core.training.loop import train
from animegen_core.training.options import DCGANOptions
from animegen_core.training.recipes import DCGANRecipe
from animegen_core.training.run_folder import OPTIONS, save_options


def train_dcgan(
    dataloader: DataLoader,
    num_epochs: float,
    device: str | torch.device | None,
    output_dir: str | Path,
    latent_dim: int = 100,
    lr: float = 0.0002,
    beta1: float = 0.5,
    save_interval: float = 10,
    **options: object,
) -> Path:
    """Train a DCGAN on 64 x 64 pictures.

    Args:
        dataloader: batches (N, 3, 64, 64), uint8 or float in [-1, 1]; ``animegen_core.data.make_loader`` makes one.
        num_epochs: passes over the data.
        device: "cpu", "cuda", or None for the best one present.
        output_dir: the run folder; made if missing.
        latent_dim, lr, beta1: as in ``DCGANOptions``.
        save_interval: epochs between snapshots.
        options: any other field of ``DCGANOptions``.

    Returns:
        The folder of the trained checkpoint, for ``Studio.load``.

    Raises:
        AnimeGenError: an option is out of range, ``output_dir`` holds a run already, or training diverged.
    """
    chosen = DCGANOptions(
        epochs=num_epochs, latent_dim=latent_dim, lr=lr, beta1=beta1, save_interval=save_interval,
        batch=dataloader.batch_size or DCGANOptions.batch, **options,
    )  # fmt: skip
    folder = Path(output_dir)
    if (folder / OPTIONS).exists():
        raise AnimeGenError(f"'{folder}' already holds a run; choose another folder, or resume it with train.py --resume.")
    folder.mkdir(parents=True, exist_ok=True)
    save_options(folder, DCGANRecipe.family, "", chosen)
    return train(DCGANRecipe(chosen), dataloader, folder, device, trained_on=f"{len(dataloader.dataset):,} pictures")

"""Training as one function call, under the names that the literature behind this project uses."""

from pathlib import Path

import torch
from torch.utils.data import DataLoader

from animegen_core.errors import AnimeGenError
from animegen_core.families import FAMILIES
from animegen_core.training.loop import train
from animegen_core.training.run_folder import OPTIONS, save_options

_WHILE_LOADING = ("upscale_small", "label_groups")  # done while images are loaded, before a DataLoader has them


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
    """Train a DCGAN on 64 x 64 images.

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
        AnimeGenError: an option is out of range, or concerns loading, which ``dataloader`` has done already; ``output_dir``
            contains a run; or training diverged.
    """
    return _train(
        "dcgan", dataloader, device, output_dir,
        epochs=num_epochs, latent_dim=latent_dim, lr=lr, beta1=beta1, save_interval=save_interval, **options,
    )  # fmt: skip


def train_stylegan(
    dataloader: DataLoader,
    num_epochs: float,
    device: str | torch.device | None,
    output_dir: str | Path,
    latent_dim: int = 512,
    lr: float = 0.001,
    save_interval: float = 10,
    **options: object,
) -> Path:
    """Train a StyleGAN with AdaIN.

    Args:
        dataloader: batches (N, 3, resolution, resolution), uint8 or float in [-1, 1]; 64 px unless ``resolution`` is given.
        num_epochs: passes over the data.
        device: "cpu", "cuda", or None for the best one present.
        output_dir: the run folder; made if missing.
        latent_dim, lr: as in ``StyleGANOptions``.
        save_interval: epochs between snapshots.
        options: any other field of ``StyleGANOptions``; ``**PRESETS["stylegan-64-light"]`` gives a preset's.

    Returns:
        The folder of the trained checkpoint, for ``Studio.load``.

    Raises:
        AnimeGenError: an option is out of range, or concerns loading, which ``dataloader`` has done already; ``output_dir``
            contains a run; or training diverged.
    """
    chosen = dict(epochs=num_epochs, latent_dim=latent_dim, lr=lr, save_interval=save_interval) | options
    return _train("stylegan", dataloader, device, output_dir, **chosen)


def train_stylegan2(
    dataloader: DataLoader,
    num_epochs: float,
    device: str | torch.device | None,
    output_dir: str | Path,
    latent_dim: int = 256,
    lr: float = 0.0025,
    save_interval: float = 10,
    **options: object,
) -> Path:
    """Train a StyleGAN2: as ``train_stylegan``, with the fields of ``StyleGAN2Options``.

    It is conditional on hair and eyes if ``labels`` names the tag file that ``dataloader`` was made with, whose batches are
    then pairs of images and labels.

    Raises:
        AnimeGenError: as in ``train_stylegan``.
    """
    chosen = dict(epochs=num_epochs, latent_dim=latent_dim, lr=lr, save_interval=save_interval) | options
    return _train("stylegan2", dataloader, device, output_dir, **chosen)


def train_vae(
    dataloader: DataLoader,
    num_epochs: float,
    device: str | torch.device | None,
    output_dir: str | Path,
    latent_dim: int = 128,
    lr: float = 0.001,
    save_interval: float = 10,
    **options: object,
) -> Path:
    """Train a variational autoencoder: as ``train_stylegan2``, with the fields of ``VAEOptions``.

    Raises:
        AnimeGenError: as in ``train_stylegan``; or the features' packages are not installed (the extra ``train``).
    """
    chosen = dict(epochs=num_epochs, latent_dim=latent_dim, lr=lr, save_interval=save_interval) | options
    return _train("vae", dataloader, device, output_dir, **chosen)


def _train(
    family: str,
    dataloader: DataLoader,
    device: str | torch.device | None,
    output_dir: str | Path,
    **given: object,
) -> Path:
    asked = next(filter(given.get, _WHILE_LOADING), None)
    if asked is not None:
        raise AnimeGenError(f"{asked} is True, but only train.py supports it, because it loads the images; leave it out.")
    options = FAMILIES[family].options
    chosen = options(**dict(batch=dataloader.batch_size or options.batch) | given)
    folder = Path(output_dir)
    if (folder / OPTIONS).exists():
        raise AnimeGenError(f"'{folder}' already holds a run; choose another folder, or resume it with train.py --resume.")
    folder.mkdir(parents=True, exist_ok=True)
    save_options(folder, family, "", chosen)
    return train(FAMILIES[family].recipe(chosen), dataloader, folder, device, trained_on=f"{len(dataloader.dataset):,} images")

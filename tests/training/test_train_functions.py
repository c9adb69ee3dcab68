"""Training as a function, on any loader of pictures."""

import inspect

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from animegen_core import AnimeGenError, Character, Studio
from animegen_core.training import train_dcgan


def floats(count, seed=0):
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_the_function_has_the_arguments_that_were_promised():
    parameters = list(inspect.signature(train_dcgan).parameters.values())[:8]
    assert [(p.name, p.default) for p in parameters] == [
        ("dataloader", inspect.Parameter.empty),
        ("num_epochs", inspect.Parameter.empty),
        ("device", inspect.Parameter.empty),
        ("output_dir", inspect.Parameter.empty),
        ("latent_dim", 100),
        ("lr", 0.0002),
        ("beta1", 0.5),
        ("save_interval", 10),
    ]


def with_labels(pictures):
    return TensorDataset(pictures, torch.arange(len(pictures)))


@pytest.mark.parametrize("dataset", [lambda pictures: pictures, TensorDataset, with_labels])
def test_the_function_trains_on_any_loader_of_float_pictures(tmp_path, dataset):
    loader = DataLoader(dataset(floats(8)), 4, shuffle=True)
    checkpoint = train_dcgan(loader, 2, "cpu", tmp_path / "run", latent_dim=16, base_channels=4)
    studio = Studio.load(checkpoint, "cpu")
    assert studio.render(Character(1)).size == (64, 64)
    info = studio.checkpoint.info()
    assert (info["images_seen"], info["trained_on"], info["generator"]["latent_dim"]) == (16, "8 images", 16)


@pytest.mark.parametrize("count, seen", [(8, 16), (10, 20), (9, 16)])  # a last batch of one has no batch statistics
def test_an_epoch_ends_where_the_loader_ends(tmp_path, count, seen):
    train_dcgan(DataLoader(TensorDataset(floats(count)), 4), 2, "cpu", tmp_path / "run", base_channels=4)
    assert Studio.load(tmp_path / "run" / "checkpoint", "cpu").checkpoint.config["images_seen"] == seen


@pytest.mark.parametrize("count, options", [(3, dict(batch_size=4, drop_last=True)), (1, dict(batch_size=4))])
def test_a_loader_without_a_usable_batch_is_refused(tmp_path, count, options):
    with pytest.raises(AnimeGenError, match=f"{count} images in batches of 4 are too few for training"):
        train_dcgan(DataLoader(TensorDataset(floats(count)), **options), 2, "cpu", tmp_path / "run", base_channels=4)


def test_a_folder_that_holds_a_run_is_not_written_over(tmp_path):
    train_dcgan(DataLoader(floats(8), 4), 1, "cpu", tmp_path, base_channels=4)
    before = (tmp_path / "state.safetensors").read_bytes()
    with pytest.raises(AnimeGenError, match="already holds a run"):
        train_dcgan(DataLoader(floats(8), 4), 1, "cpu", tmp_path, base_channels=4)
    assert (tmp_path / "state.safetensors").read_bytes() == before


def test_an_unknown_option_of_the_function_is_named(tmp_path):
    with pytest.raises(TypeError, match="wings"):
        train_dcgan(DataLoader(floats(8), 4), 1, "cpu", tmp_path / "run", wings=2)

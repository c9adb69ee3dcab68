import errno

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from animegen_core.errors import AnimeGenError
from animegen_core.training import state
from animegen_core.training.state import load_state, save_state

PROGRESS = {"images_seen": 640, "epoch": 3, "seconds": 1.25}


class Run:
    """A network and its optimizer, as training has them."""

    def __init__(self, channels: int = 4, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.network = nn.Sequential(nn.Conv2d(3, channels, 3), nn.BatchNorm2d(channels)).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.network.parameters(), 0.01, (0.5, 0.999), fused=True)
        self.files = {"network": self.network}, {"optimizer": self.optimizer}

    def step(self, seed: int) -> "Run":
        images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
        self.optimizer.zero_grad()
        self.network(images).pow(4).mean().backward()
        self.optimizer.step()
        return self

    def tensors(self) -> list[torch.Tensor]:
        moments = [t for values in self.optimizer.state_dict()["state"].values() for t in values.values()]
        return [*self.network.state_dict().values(), *moments]


def same(first: Run, second: Run) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.tensors(), second.tensors(), strict=True))


@pytest.fixture
def saved(tmp_path):
    run = Run().step(1).step(2)
    save_state(tmp_path / "state.safetensors", *run.files, PROGRESS)
    return run, tmp_path / "state.safetensors"


def refused(path, run) -> str:
    """The sentence with which loading is refused."""
    with pytest.raises(AnimeGenError) as error:
        load_state(path, *run.files)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_loaded_run_is_where_the_saved_one_was_and_goes_on_alike(saved):
    run, path = saved
    other = Run(seed=9).step(5)
    assert load_state(path, *other.files) == PROGRESS
    assert same(run, other)
    for seed in (3, 4):
        run.step(seed)
        other.step(seed)
    assert same(run, other)


def test_a_state_from_before_the_first_step_loads_too(tmp_path):
    run, other = Run(), Run(seed=9)
    save_state(tmp_path / "state.safetensors", *run.files, PROGRESS)
    load_state(tmp_path / "state.safetensors", *other.files)
    assert same(run.step(1), other.step(1))


def test_the_layout_in_memory_survives(saved):
    _, path = saved
    other = Run(seed=9)
    load_state(path, *other.files)
    weight = other.network[0].weight
    assert other.optimizer.state[weight]["exp_avg"].stride() == weight.stride()


def test_a_missing_state_is_told(tmp_path):
    assert refused(tmp_path / "state.safetensors", Run()).startswith("There is no state to resume from")


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_state_is_told(saved, keep):
    _, path = saved
    path.write_bytes(path.read_bytes()[:keep])
    assert "does not fit this run" in refused(path, Run())


def test_a_state_of_another_network_is_told(saved):
    assert "does not fit this run" in refused(saved[1], Run(channels=5))


@pytest.mark.parametrize("metadata", [None, {}, {"progress": "{"}, {"format": "pt"}])
def test_a_file_that_is_no_state_is_told(tmp_path, metadata):
    path = tmp_path / "model.safetensors"
    save_file({name: t.contiguous() for name, t in Run().network.state_dict().items()}, path, metadata)
    assert "does not fit this run" in refused(path, Run())


def test_a_failing_save_leaves_the_old_state(saved, monkeypatch):
    run, path = saved
    before = path.read_bytes()

    def disk_full(_tensors, filename, **_options):
        filename.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(filename))

    monkeypatch.setattr(state, "save_file", disk_full)
    with pytest.raises(OSError, match=r"No space left on device: .*state\.safetensors'"):
        save_state(path, *run.step(3).files, PROGRESS)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]

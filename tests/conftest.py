"""Fixtures that several test files share. Everything is made here: no test needs the network, a GPU or outside data."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image, ImageDraw

from animegen_core.checkpoint import save_checkpoint
from animegen_core.families import FAMILIES
from animegen_core.helpers import upscaling
from animegen_core.models.dcgan import Generator
from animegen_core.models.upscaler import Upscaler

settings.register_profile("suite", max_examples=50, derandomize=True, deadline=None)  # the same inputs each time
settings.load_profile("suite")
torch.set_num_threads(1)  # the same sums in the same order as in the processes that tests start

_LONGEST = ("browser", "training", "test_onnx_export.py")  # of what lies in this folder


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that at the end no process of pytest-xdist is left alone with it."""

    def place(item):
        name = item.path.relative_to(Path(__file__).parent).parts[0]
        return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def isolated_cache(tmp_path_factory, monkeypatch) -> Path:
    """Each test decodes into a picture cache of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ANIMEGEN_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def draw():
    """draw(seed, size) -> an RGB picture of coloured blobs."""

    def blobs(seed: int = 0, size: tuple[int, int] = (40, 40)) -> Image.Image:
        random = np.random.RandomState(seed)
        picture = Image.new("RGB", size, tuple(random.randint(0, 256, 3).tolist()))
        brush = ImageDraw.Draw(picture)
        for _ in range(6):
            (x, y), radius = random.randint(0, size), random.randint(1, max(size) // 2 + 2)
            brush.ellipse((x - radius, y - radius, x + radius, y + radius), tuple(random.randint(0, 256, 3).tolist()))
        return picture

    return blobs


@pytest.fixture
def make_disk(tmp_path):
    """make_disk(size) -> the folder of a new file system of that size, such as "12m"; skips where none can be mounted."""
    folder = tmp_path / "disk"
    mounted = []

    def make(size: str) -> Path:
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("a tmpfs cannot be mounted")
        mounted.append(folder)
        return folder

    yield make
    for each in mounted:
        subprocess.run(["umount", "-l", str(each)], check=True)


@pytest.fixture
def pictures(tmp_path, draw) -> Path:
    """A folder of 12 small pictures, 00.png to 11.png."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(12):
        draw(seed, (24 + seed, 30)).save(folder / f"{seed:02d}.png")
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory) -> Path:
    """The folder of an untrained DCGAN with few channels."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    return save_checkpoint(folder, "dcgan", Generator(latent_dim=8, base_channels=4).eval(), 1234, "coloured blobs", "mit")


TINY = {
    "dcgan": dict(latent_dim=8, base_channels=4),
    "conditional-dcgan": dict(latent_dim=8, base_channels=4),
    "stylegan": dict(resolution=32, z_dim=16, w_dim=16, mapping_depth=2, channel_base=128, channel_max=8),
    "stylegan2": dict(
        resolution=32, z_dim=16, w_dim=16, mapping_depth=2, channel_base=256, channel_max=16, label_dims=[12, 11]
    ),
    "vae": dict(resolution=32, latent_dim=8, channel_base=128, channel_max=8, label_dims=[12, 11]),
}


@pytest.fixture(scope="session")
def family_checkpoints(tmp_path_factory) -> dict[str, Path]:
    """Folders of an untrained generator of each family, with noise and a mean of w that show."""
    folder = tmp_path_factory.mktemp("families")
    saved = {}
    for family, options in TINY.items():
        torch.manual_seed(1)
        generator = FAMILIES[family].generator(**options).eval()
        with torch.no_grad():
            for name, value in generator.state_dict().items():
                if name == "w_avg":
                    value.normal_()
                elif name.endswith("noise_strength"):
                    value.fill_(0.2)
        saved[family] = save_checkpoint(folder / f"tiny-{family}", family, generator, 0, "nothing", "mit")
    return saved


@pytest.fixture(scope="module")
def small_upscaler():
    """Faces are enlarged by a network of one channel: with the bundled one, most time of many tests went into that."""
    with pytest.MonkeyPatch.context() as patch:
        enlarge = partial(upscaling.run_upscaler, Upscaler(channels=1, blocks=1).eval())
        patch.setitem(upscaling._loaded, upscaling.BUNDLED / upscaling.UPSCALER, enlarge)
        yield


@pytest.fixture
def quick_snapshots(monkeypatch):
    """Snapshots of runs in this process: without a plot, and batch norm calibrated on 1 batch of 16. Only time is saved.

    Runs in processes of their own (tests/commands.py) make whole ones.
    """
    monkeypatch.setattr("animegen_core.training.run_writer._CALIBRATION_BATCHES", 1)
    monkeypatch.setattr("animegen_core.training.run_folder.RunLog.plot", lambda log: None)


@pytest.fixture
def saved(tmp_path):
    """A generator with batch-norm statistics of its own, and the folder it was saved to."""
    torch.manual_seed(0)
    generator = Generator(latent_dim=8, base_channels=4)
    for _ in range(5):
        generator(torch.randn(16, 8))
    generator.eval()
    return generator, save_checkpoint(tmp_path / "mine", "dcgan", generator, 1234, "coloured blobs", "mit")

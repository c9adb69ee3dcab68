"""Faces are enlarged by the bundled upscaler, or by Lanczos interpolation."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.Image import Resampling
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact

from animegen_core.errors import AnimeGenError
from animegen_core.helpers import upscaling
from animegen_core.helpers.upscaling import UPSCALER_NETWORK, enlarge, load_upscaler, sizes_of, upscaler_available
from animegen_core.models.upscaler import Upscaler


@pytest.fixture
def none_bundled(tmp_path, monkeypatch):
    monkeypatch.setattr(upscaling, "BUNDLED", tmp_path)
    return tmp_path


@pytest.fixture
def bundled(none_bundled):
    """The folder of a bundled upscaler whose details show."""
    torch.manual_seed(0)
    upscaler = Upscaler(channels=4, blocks=1)
    torch.nn.init.normal_(upscaler.tail.weight, std=0.3)
    return UPSCALER_NETWORK.save(none_bundled / "upscaler-x4", upscaler, {"licence": "mit"})


@pytest.fixture
def face(draw):
    return draw(0, (16, 16))


def same(first, second):
    return np.array_equal(np.asarray(first), np.asarray(second))


def test_without_an_upscaler_faces_are_interpolated(none_bundled, face):
    assert not upscaler_available()
    assert same(enlarge(face, 64), face.resize((64, 64), Resampling.LANCZOS))
    with pytest.raises(AnimeGenError, match="'upscaler', but none is bundled; use 'lanczos'"):
        enlarge(face, 64, "upscaler")


def test_with_one_it_is_the_default(bundled, face):
    assert upscaler_available()
    assert same(enlarge(face, 64), enlarge(face, 64, "upscaler"))
    assert not same(enlarge(face, 64), enlarge(face, 64, "lanczos"))
    assert same(enlarge(face, 64, "lanczos"), face.resize((64, 64), Resampling.LANCZOS))


def test_other_sizes_are_made_of_the_fourfold(bundled, face):
    fourfold = enlarge(face, 64)
    assert same(enlarge(face, 32), fourfold.reduce(2))
    assert same(enlarge(face, 128), fourfold.resize((128, 128), Resampling.LANCZOS))
    sixteenfold = enlarge(fourfold, 256)
    assert same(enlarge(face, 256), sixteenfold)
    assert same(enlarge(face, 512), sixteenfold.resize((512, 512), Resampling.LANCZOS))


@pytest.mark.parametrize(("side", "largest"), [(16, 512), (64, 2048), (256, 2048), (512, 4096)])
def test_sizes_reach_2048_pixels_or_eight_times_the_own(side, largest):
    assert max(sizes_of(side)) == largest


@pytest.mark.parametrize("method", [None, "upscaler", "lanczos"])
def test_its_own_size_is_a_copy(bundled, face, method):
    copy = enlarge(face, 16, method)
    assert same(copy, face) and copy is not face


@pytest.mark.parametrize("size", sizes_of(16))
def test_results_are_rgb_of_the_size(bundled, face, size):
    picture = enlarge(face, size)
    assert picture.mode == "RGB" and picture.size == (size, size)


def test_a_face_is_the_same_alone_among_others_and_beside_other_threads(bundled, draw):
    faces = [draw(seed, (16, 16)) for seed in range(8)]
    alone = [enlarge(face, 64) for face in faces]
    assert all(same(enlarge(face, 64), before) for face, before in zip(reversed(faces), reversed(alone)))
    with ThreadPoolExecutor(4) as pool:
        assert all(map(same, pool.map(lambda face: enlarge(face, 64), faces), alone))


def test_threads_that_come_together_load_it_once(bundled, face, monkeypatch):
    loads = []
    load = upscaling.load_upscaler
    monkeypatch.setattr(upscaling, "load_upscaler", lambda folder: loads.append(folder) or load(folder))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: enlarge(face, 64), range(8)))
    assert len(loads) == 1


@pytest.mark.parametrize("size", [0, 8, 17, 48, 1024, -64, True, "64", 64.0])
def test_other_sizes_are_refused_with_the_good_ones(none_bundled, face, size):
    with pytest.raises(AnimeGenError, match="16 px it must be one of: 16, 32, 64, 128, 256, 512") as caught:
        enlarge(face, size)
    assert repr(size) in str(caught.value)


def test_other_methods_and_pictures_are_refused(none_bundled, face):
    with pytest.raises(AnimeGenError, match="'bicubic', but must be one of: upscaler, lanczos"):
        enlarge(face, 32, "bicubic")
    for picture in (face.convert("RGBA"), face.resize((16, 20))):
        with pytest.raises(AnimeGenError, match=rf"{picture.mode} of 16 x {picture.height} pixels, but must be square and RGB"):
            enlarge(picture, 32)


def test_a_saved_upscaler_draws_what_it_drew(bundled, tmp_path):
    upscaler = load_upscaler(bundled)
    torch.manual_seed(0)
    images = torch.rand(1, 3, 8, 8)
    again = load_upscaler(UPSCALER_NETWORK.save(tmp_path / "again", upscaler, {"pictures": 3}))
    assert torch.equal(again(images), upscaler(images))
    assert json.loads((tmp_path / "again" / "config.json").read_text())["pictures"] == 3


def test_what_is_no_upscaler_is_refused(bundled, tiny_checkpoint):
    with pytest.raises(AnimeGenError, match=r"is not an upscaler: its config\.json names the family 'dcgan'"):
        load_upscaler(tiny_checkpoint)
    (bundled / "config.json").write_text(json.dumps({"family": "upscaler", "upscaler": {"width": 3}}))
    with pytest.raises(AnimeGenError, match=r"upscaler-x4/config\.json has the unknown argument 'width'"):
        load_upscaler(bundled)
    (bundled / "config.json").write_text("{")
    with pytest.raises(AnimeGenError, match="is not readable JSON"):
        load_upscaler(bundled)
    with pytest.raises(AnimeGenError, match="is not readable JSON"):
        enlarge(Image.new("RGB", (16, 16)), 64)


@pytest.fixture
def own(none_bundled, monkeypatch):
    """Sets ANIMEGEN_UPSCALER to a file of an ESRGAN or Compact network of the given scale, and returns the network."""

    def save(name, scale=4, **changed):
        torch.manual_seed(0)
        network = Compact(num_feat=8, num_conv=1, upscale=scale)
        state = network.state_dict() | changed
        path = none_bundled / name
        save_file(state, path) if path.suffix == ".safetensors" else torch.save({"params": state}, path)
        monkeypatch.setenv("ANIMEGEN_UPSCALER", str(path))
        return network

    return save


@pytest.mark.parametrize(("name", "scale"), [("mine.pth", 4), ("mine.safetensors", 4), ("twice.pth", 2), ("eight.pth", 8)])
def test_an_upscaler_of_ones_own_enlarges_instead(own, face, name, scale):
    network = own(name, scale)
    assert upscaler_available()
    pixels = torch.from_numpy(np.array(face)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        large = network(pixels)
        if scale == 2:
            large = network((large.clamp(0, 1) * 255).round() / 255)
    expected = Image.fromarray((large[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
    if scale == 8:
        expected = expected.resize((64, 64), Resampling.LANCZOS)
    difference = np.abs(np.asarray(enlarge(face, 64)).astype(int) - np.asarray(expected))
    assert difference.max() <= 2
    assert same(enlarge(face, 32), enlarge(face, 64).reduce(2))


def test_a_folder_of_train_py_is_an_upscaler_of_ones_own(bundled, face, tmp_path, monkeypatch):
    first = enlarge(face, 64)
    torch.manual_seed(1)
    other = Upscaler(channels=4, blocks=1)
    torch.nn.init.normal_(other.tail.weight, std=0.3)
    monkeypatch.setenv("ANIMEGEN_UPSCALER", str(UPSCALER_NETWORK.save(tmp_path / "other", other, {})))
    assert not same(enlarge(face, 64), first)
    monkeypatch.setenv("ANIMEGEN_UPSCALER", " ")
    assert same(enlarge(face, 64), first)


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.pth", None, "There is no file '"),
        ("model.pt", b"", r"'model\.pt' cannot be an upscaler; use a file that ends in one of: \.safetensors, \.pth, \.ckpt"),
        ("cut.safetensors", b"abc", r"'cut\.safetensors' is damaged, or not an upscaler"),
        ("empty.pth", b"", r"'empty\.pth' is damaged"),
        ("other.pth", {"layer.weight": torch.zeros(3)}, r"'other\.pth' is damaged, or not an upscaler of RGB images"),
        ("evil.pth", {"layer": Evil()}, r"'evil\.pth' is damaged"),
    ],
)
def test_a_file_that_is_no_upscaler_is_refused_and_not_run(none_bundled, face, monkeypatch, capfd, name, content, sentence):
    path = none_bundled / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    monkeypatch.setenv("ANIMEGEN_UPSCALER", str(path))
    with pytest.raises(AnimeGenError, match=sentence):
        enlarge(face, 64)
    assert "run" not in capfd.readouterr().out


def test_without_spandrel_the_extra_is_named(own, face, monkeypatch):
    own("mine.pth")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(AnimeGenError, match=r"need the package spandrel; install with: pip install -e '\.\[upscalers\]'"):
        enlarge(face, 64)

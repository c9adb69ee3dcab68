import hashlib
import json
import resource

import pytest
import torch
from safetensors.torch import load_file, save_file

from animegen_core import checkpoint
from animegen_core.checkpoint import bundled_names, load_checkpoint, save_checkpoint
from animegen_core.errors import AnimeGenError
from animegen_core.models.dcgan import Generator

Z = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def saved(tmp_path):
    """A generator with batch-norm statistics of its own, and the folder it was saved to."""
    torch.manual_seed(0)
    generator = Generator(latent_dim=8, base_channels=4)
    for _ in range(5):
        generator(torch.randn(16, 8))
    generator.eval()
    return generator, save_checkpoint(tmp_path / "mine", "dcgan", generator, 1234, "coloured blobs", "mit")


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refused(folder):
    """The sentence with which loading is refused."""
    with pytest.raises(AnimeGenError) as error:
        load_checkpoint(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_checkpoint_draws_what_was_saved(saved):
    generator, folder = saved
    loaded = load_checkpoint(folder).generator
    assert not loaded.training
    with torch.no_grad():
        torch.testing.assert_close(loaded(Z), generator(Z), atol=2e-3, rtol=0)


def test_matrices_are_stored_in_half_precision_and_vectors_in_full(saved):
    generator, folder = saved
    loaded = load_checkpoint(folder).generator.state_dict()
    for name, value in generator.state_dict().items():
        expected = value.half().float() if value.ndim > 1 else value
        assert torch.equal(loaded[name], expected), name


def test_a_checkpoint_is_three_files_and_none_is_a_pickle(saved):
    _, folder = saved
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert load_file(folder / "model.safetensors")


def test_what_is_known_about_a_checkpoint(saved):
    generator, folder = saved
    loaded = load_checkpoint(folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    assert loaded.name == "mine"
    assert json.loads(json.dumps(loaded.info())) == {
        "name": "mine",
        "family": "dcgan",
        "resolution": 64,
        "generator_parameters": sum(p.numel() for p in generator.parameters()),
        "images_seen": 1234,
        "trained_on": "coloured blobs",
        "licence": "mit",
        "generator": {"latent_dim": 8, "base_channels": 4, "extra_layers": 0, "batch_norm": True},
        "hash": digest,
    }


def test_other_weights_have_another_hash(saved, tmp_path):
    _, folder = saved
    other = save_checkpoint(tmp_path / "other", "dcgan", Generator(8, 4), 0, "nothing", "mit")
    assert load_checkpoint(other).hash != load_checkpoint(folder).hash


def test_the_card_is_written_once_and_never_over_a_persons_words(saved):
    generator, folder = saved
    card = (folder / "README.md").read_text()
    assert "coloured blobs" in card and "license: mit" in card and "1,234" in card
    (folder / "README.md").write_text("my own words")
    save_checkpoint(folder, "dcgan", generator, 9999, "more blobs", "mit")
    assert (folder / "README.md").read_text() == "my own words"
    assert load_checkpoint(folder).config["images_seen"] == 9999


def test_a_card_that_nobody_changed_follows_the_training(saved):
    generator, folder = saved
    save_checkpoint(folder, "dcgan", generator, 9999, "coloured blobs", "mit")
    card = (folder / "README.md").read_text()
    assert "9,999" in card and "1,234" not in card


def test_a_bundled_checkpoint_is_found_by_name(saved, monkeypatch):
    _, folder = saved
    monkeypatch.setattr(checkpoint, "BUNDLED", folder.parent)
    assert bundled_names() == ["mine"]
    assert load_checkpoint("mine").path == folder


@pytest.mark.parametrize("name", ["dcgan-65", "", "no/such/folder", "x" * 5000, "nul\0byte"])
def test_an_unknown_name_lists_the_bundled_ones(saved, monkeypatch, name):
    _, folder = saved
    monkeypatch.setattr(checkpoint, "BUNDLED", folder.parent)
    message = refused(name)
    assert message.startswith(f"Unknown checkpoint '{name}'")
    assert "bundled are: mine;" in message


def test_missing_weights_are_told(saved):
    _, folder = saved
    (folder / "model.safetensors").unlink()
    assert "has no model.safetensors" in refused(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[:-10],
        lambda data: b"PK\x03\x04 a pickle, perhaps" * 10,
        lambda data: b"\xff" * 8 + data[8:],
    ],
)
def test_damaged_weights_are_told(saved, damage):
    _, folder = saved
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    assert refused(folder).startswith("mine/model.safetensors does not fit its config.json: ")


def rename_one(tensors):
    tensors["foreign"] = tensors.popitem()[1]


def resize_one(tensors):
    tensors["project.0.weight"] = torch.zeros(3, 3)


@pytest.mark.parametrize("change", [rename_one, resize_one, dict.clear, dict.popitem])
def test_weights_of_another_network_are_told(saved, change):
    _, folder = saved
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    assert refused(folder).startswith("mine/model.safetensors does not fit its config.json: ")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"family": "dcgun"}, "names the unknown family 'dcgun'; known are: "),
        ({"family": 3}, "'family' is missing or not a str"),
        ({"generator": None}, "'generator' is missing or not a dict"),
        ({"images_seen": "many"}, "'images_seen' is missing or not a int"),
        ({"trained_on": ["a"]}, "'trained_on' is missing or not a str"),
        ({"licence": None}, "'licence' is missing or not a str"),
        ({"generator": {"latent_dim": "8"}}, "latent_dim is '8', but must be a whole number"),
        ({"generator": {"latent_dim": -8}}, "latent_dim is -8, but must be a whole number"),
        ({"generator": {"latent_dim": 10**30}}, "but must be a whole number"),
        ({"generator": {"wings": 2}}, "unusable arguments"),
    ],
)
def test_a_config_with_a_bad_value_is_told(saved, changes, message):
    _, folder = saved
    edit_config(folder, **changes)
    sentence = refused(folder)
    assert sentence.startswith("mine/config.json")
    assert message in sentence


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"[]", b"3", b"{}"])
def test_a_config_that_is_no_config_is_told(saved, text):
    _, folder = saved
    (folder / "config.json").write_bytes(text)
    assert refused(folder).startswith("mine/config.json is not ")


def test_an_absurd_size_is_refused_before_memory_is_taken(saved):
    _, folder = saved
    edit_config(folder, generator={"latent_dim": 4096, "base_channels": 4096})  # 50 GB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "at most 200,000,000 are accepted" in refused(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB

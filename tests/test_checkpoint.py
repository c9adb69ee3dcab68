import hashlib
import json
import random
import resource
import shutil
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from animegen_core import checkpoint, weights
from animegen_core.checkpoint import bundled_names, load_checkpoint, save_checkpoint
from animegen_core.errors import AnimeGenError
from animegen_core.models.dcgan import Generator
from animegen_core.weights import check_shard_size

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
    assert "coloured blobs" in card and 'license: "mit"' in card and "1,234" in card
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


@pytest.mark.parametrize("name", ["dcgan-65", "", "no/such/folder", "a b/c", "../x/y", "x" * 5000, "nul\0byte"])
def test_an_unknown_name_lists_the_bundled_ones(saved, monkeypatch, name):
    _, folder = saved
    monkeypatch.setattr(checkpoint, "BUNDLED", folder.parent)
    message = refused(name)
    assert message.startswith(f"Unknown checkpoint {name[:200]!r};")
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
        ({"generator": {"latent_dim": 1e12}}, "latent_dim is 1000000000000.0, but must be a whole number"),
        ({"generator": {"latent_dim": float("nan")}}, "latent_dim is nan, but must be a whole number"),
        ({"generator": {"latent_dim": True}}, "latent_dim is True, but must be a whole number"),
        ({"generator": {"extra_layers": 10**9}}, "extra_layers is 1000000000, but must be a whole number"),
        ({"generator": {"batch_norm": "no"}}, "batch_norm is 'no', but must be true or false"),
        ({"family": "stylegan2", "generator": {"resolution": 2**40}}, "resolution is 1099511627776, but must be"),
        ({"family": "stylegan2", "generator": {"channel_base": 1e12}}, "channel_base is 1000000000000.0, but must be"),
        ({"family": "stylegan2", "generator": {"mapping_depth": 10**4}}, "mapping_depth is 10000, but must be"),
        ({"family": "stylegan2", "generator": {"label_dims": [12, -11]}}, "label_dims is [12, -11], but must be a list"),
        ({"family": "stylegan2", "generator": {"label_dims": [1] * 10**5}}, "but must be a list of 1 to 16 whole numbers"),
        ({"family": "conditional-dcgan", "generator": {"label_dims": []}}, "label_dims is [], but must be a list"),
        ({"images_seen": True}, "'images_seen' is missing or not a int"),
        ({"images_seen": -1}, "'images_seen' of -1"),
        ({"images_seen": 10**4000}, "'images_seen' of "),
        ({"trained_on": "x" * 10**5}, "'trained_on' is endless or has control characters"),
        ({"licence": "\x1b[2J"}, "'licence' is endless or has control characters"),
        ({"trained_on": "\ud800"}, "'trained_on' is endless or has control characters"),
        ({"generator": {"wings": 2}}, "unknown argument 'wings'; known are: latent_dim, base_channels,"),
    ],
)
def test_a_config_with_a_bad_value_is_told(saved, changes, message):
    _, folder = saved
    edit_config(folder, **changes)
    sentence = refused(folder)
    assert sentence.startswith("mine/config.json")
    assert message in sentence


NO_CONFIGS = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[]",
    b"3",
    b"{}",
    b"NaN",
    b"9" * 5000,
    b" " * 10**8,
]


@pytest.mark.parametrize("text", NO_CONFIGS, ids=lambda text: repr(text[:10]))
def test_a_config_that_is_no_config_is_told(saved, text):
    _, folder = saved
    (folder / "config.json").write_bytes(text)
    assert refused(folder).startswith("mine/config.json is not ")


@pytest.mark.parametrize("size", [2**21, 2**30])
def test_an_endless_config_is_refused_before_it_is_read(saved, size):
    _, folder = saved
    path, before = folder / "config.json", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path.write_text(path.read_text() + " " * 2**21)  # good JSON, but for its size
    with path.open("r+b") as stream:
        stream.truncate(size)
    assert refused(folder) == "mine/config.json is not one of AnimeGen's: it is larger than 1,048,576 bytes."
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_an_absurd_size_is_refused_before_memory_is_taken(saved):
    _, folder = saved
    edit_config(folder, generator={"latent_dim": 4096, "base_channels": 4096})  # 50 GB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "at most 200,000,000 are accepted" in refused(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


HOSTILE = [
    None,
    True,
    False,
    -1,
    0,
    1,
    3,
    64,
    2**16,
    2**31,
    2**40,
    2**63,
    10**30,
    0.5,
    1e12,
    float("nan"),
    float("inf"),
    "",
    "64",
]
HOSTILE += ["x" * 99, [], [[]], [1] * 17, [0], [-1, 5], [10**9, 10**9], [4096] * 16, ["a"], [True], [1.0], {}, {"a": 1}, "\n"]
HOSTILE += [json.loads("[" * 300 + "]" * 300)]


def distort_config(config, source):
    """A config with one to three values taken away, replaced or added."""
    config = json.loads(json.dumps(config))
    for _ in range(source.randint(1, 3)):
        where = source.choice([config, config["generator"]]) if isinstance(config.get("generator"), dict) else config
        key = source.choice([*where, "foreign", "label_dims", "resolution"])
        if source.random() < 0.2:
            where.pop(key, None)
        else:
            where[key] = source.choice(HOSTILE)
    return config


def told_or_loaded(folder):
    """Whether loading worked; if not, it must have been told in one sentence."""
    try:
        json.dumps(load_checkpoint(folder).info())
    except AnimeGenError as error:
        assert len(str(error)) < 1000 and str(error).isprintable()
        return False
    return True


@pytest.mark.parametrize("family", ["dcgan", "conditional-dcgan", "stylegan", "stylegan2"])
def test_any_distorted_config_is_told(family_checkpoints, tmp_path, family):
    folder = shutil.copytree(family_checkpoints[family], tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    source, before = random.Random(family), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loaded = 0
    for _ in range(100):
        (folder / "config.json").write_text(json.dumps(distort_config(config, source)))
        loaded += told_or_loaded(folder)
    assert 0 < loaded < 50  # a foreign fact about the checkpoint is nothing bad
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def distort_bytes(data, source):
    """A file with some bytes changed, taken away or added, most often in its header."""
    data = bytearray(data)
    place = source.randrange(source.choice([8, 200, len(data)]))
    kind = source.randrange(4)
    if kind == 0:
        data[place] = source.randrange(256)
    elif kind == 1:
        del data[place : place + source.choice([1, 8, 10**9])]
    elif kind == 2:
        data[place:place] = source.randbytes(source.randint(1, 20))
    else:
        data[place : place + 8] = source.randbytes(8)
    return bytes(data)


def test_any_distorted_weights_are_told(saved):
    _, folder = saved
    path, source = folder / "model.safetensors", random.Random(0)
    good, before = path.read_bytes(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loaded = 0
    for _ in range(300):
        path.write_bytes(distort_bytes(good, source))
        loaded += told_or_loaded(folder)
    assert 0 < loaded < 150  # other numbers are good numbers
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def safetensors(header, body=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    "data",
    [
        safetensors({"project.0.weight": {"dtype": "F32", "shape": [2**20, 2**20], "data_offsets": [0, 2**42]}}),
        safetensors({"project.0.weight": {"dtype": "F32", "shape": [2**63, 2**63], "data_offsets": [0, 0]}}),
        safetensors({"\x1b[2J\n": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
        safetensors({"a": {"dtype": "\x1b[2J\n", "shape": [0], "data_offsets": [0, 0]}}),
        struct.pack("<Q", 2**62) + b"{}",
        b"\0" * 10**6,
    ],
)
def test_hostile_weights_are_told(saved, data):
    _, folder = saved
    (folder / "model.safetensors").write_bytes(data)
    assert not told_or_loaded(folder)


def test_an_endless_header_is_not_parsed(saved):
    _, folder = saved
    tensor = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    (folder / "model.safetensors").write_bytes(safetensors({f"tensor {n}": tensor for n in range(80_000)}))
    assert refused(folder).endswith("its header is too long.")


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda tensor: tensor.fill_(float("nan")), "has values that are not finite"),
        (lambda tensor: tensor.index_fill(0, torch.tensor([0]), float("inf")), "has values that are not finite"),
        (lambda tensor: tensor.double(), "is of type F64, but must be F16 or BF16 or F32"),
        (lambda tensor: tensor.to(torch.int64), "is of type I64, but must be F16 or BF16 or F32"),
        (lambda tensor: tensor[:1], "has the shape [1, 8], but must have [512, 8]"),
    ],
)
def test_weights_of_another_kind_are_told(saved, change, reason):
    _, folder = saved
    tensors, key = load_file(folder / "model.safetensors"), "project.0.weight"
    tensors[key] = change(tensors[key]).contiguous()
    save_file(tensors, folder / "model.safetensors")
    assert refused(folder) == f"mine/model.safetensors does not fit its config.json: '{key}' {reason}."


@pytest.mark.parametrize("text, size", [("15MB", 15_000_000), ("1KB", 1000), (" 1.5 gb ", 1_500_000_000), ("0.25Mb", 250_000)])
def test_sizes_of_shards(text, size):
    assert check_shard_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "15", "MB", "-1MB", "0MB", "1e3MB", "15 M", "infGB", "nanGB", "0.5KB", "15MiB", "²MB", "1" * 999, None]
)
def test_bad_sizes_of_shards_are_told(text, tmp_path):
    with pytest.raises(
        AnimeGenError, match=r"^The shard size is .*, but must be a number and a unit of KB, MB or GB, as in 15MB\.$"
    ):
        check_shard_size(text)
    if text is not None:
        with pytest.raises(AnimeGenError):
            save_checkpoint(tmp_path / "mine", "dcgan", Generator(8, 4), 0, "nothing", "mit", shard_size=text)
        assert not list(tmp_path.rglob("*.safetensors"))


@pytest.fixture
def sharded(saved):
    """A generator, and the folder that it was saved to in shards in the place of one file."""
    generator, folder = saved
    return generator, save_checkpoint(folder, "dcgan", generator, 1234, "coloured blobs", "mit", shard_size="8KB")


def shards(folder):
    return sorted(path.name for path in folder.glob("model-*.safetensors"))


def test_shards_hold_what_one_file_holds(saved, tmp_path):
    generator, folder = saved
    parts = save_checkpoint(tmp_path / "parts", "dcgan", generator, 1234, "coloured blobs", "mit", shard_size="8KB")
    assert len(shards(parts)) > 2
    index = json.loads((parts / "model.safetensors.index.json").read_text())
    whole = load_file(folder / "model.safetensors")
    assert index["weight_map"].keys() == whole.keys()
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in whole.values())
    one, many = load_checkpoint(folder), load_checkpoint(parts)
    for name, value in one.generator.state_dict().items():
        assert torch.equal(many.generator.state_dict()[name], value), name
        assert torch.equal(load_file(parts / index["weight_map"][name])[name], whole[name]), name


def test_no_shard_is_larger_than_asked_for_unless_one_tensor_is(sharded):
    _, folder = sharded
    for name in shards(folder):
        tensors = load_file(folder / name)
        assert sum(tensor.nbytes for tensor in tensors.values()) <= 8000 or len(tensors) == 1


def test_weights_smaller_than_a_shard_are_one_file(saved):
    generator, folder = saved
    save_checkpoint(folder, "dcgan", generator, 0, "nothing", "mit", shard_size="15MB")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_a_snapshot_of_another_layout_leaves_none_of_the_earlier_weights(sharded):
    generator, folder = sharded
    assert not (folder / "model.safetensors").exists()
    (folder / "model-notes.txt").write_text("a person's")
    before = len(shards(folder))
    save_checkpoint(folder, "dcgan", generator, 0, "nothing", "mit", shard_size="20KB")
    assert 1 < len(shards(folder)) < before
    load_checkpoint(folder)
    save_checkpoint(folder, "dcgan", generator, 0, "nothing", "mit")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["README.md", "config.json", "model-notes.txt", "model.safetensors"]
    load_checkpoint(folder)


def test_the_hash_of_shards_changes_with_any_of_them(sharded):
    generator, folder = sharded
    before = load_checkpoint(folder).hash
    with torch.no_grad():
        generator.upsample[-2].weight.add_(1)
    save_checkpoint(folder, "dcgan", generator, 1234, "coloured blobs", "mit", shard_size="8KB")
    assert load_checkpoint(folder).hash != before


def test_a_failed_snapshot_leaves_the_earlier_weights(sharded, monkeypatch):
    generator, folder = sharded
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    written = []

    def full_disk(tensors, path):
        if len(written) == 2:
            raise OSError("no space left")
        written.append(path)
        save_file(tensors, path)

    monkeypatch.setattr(weights, "save_file", full_disk)
    with torch.no_grad():
        generator.project[0].weight.add_(1)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(folder, "dcgan", generator, 1234, "coloured blobs", "mit", shard_size="8KB")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_shards_of_two_snapshots_are_told(sharded):
    generator, folder = sharded
    name = shards(folder)[0]
    old = (folder / name).read_bytes()
    with torch.no_grad():
        for value in generator.parameters():
            value.add_(1)
    save_checkpoint(folder, "dcgan", generator, 1234, "coloured blobs", "mit", shard_size="8KB")
    (folder / name).write_bytes(old)
    assert refused(folder) == f"mine/{name} is not the shard that its model.safetensors.index.json describes."


def test_a_missing_shard_is_told(sharded):
    _, folder = sharded
    (folder / shards(folder)[1]).unlink()
    assert refused(folder).startswith("Checkpoint 'mine' lacks model-00002-of-")


@pytest.mark.parametrize(
    "name", ["../../secret.safetensors", "/etc/passwd", "model-00001-of-00001.bin", "model.safetensors", 3, None]
)
def test_an_index_that_names_other_files_is_told(sharded, name):
    _, folder = sharded
    (folder / "model-00001-of-00001.bin").write_bytes(b"a pickle")
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"] |= {"project.0.weight": name}
    path.write_text(json.dumps(index))
    assert "which is not a name of one of their shards" in refused(folder)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"weight_map": 3}', b'{"weight_map": {}}', b"[" * 10**5, b" " * (2**20 + 1), b"\xff"],
    ids=repr,
)
def test_an_index_that_is_none_is_told(sharded, text):
    _, folder = sharded
    (folder / "model.safetensors.index.json").write_bytes(text)
    assert refused(folder).startswith("mine/model.safetensors.index.json is not ")


def test_an_index_of_another_network_is_told(sharded):
    _, folder = sharded
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps(index | {"weight_map": index["weight_map"] | {"foreign": shards(folder)[0]}}))
    assert refused(folder) == "mine/model.safetensors.index.json does not fit its config.json: 'foreign' is foreign."
    del index["weight_map"]["project.1.bias"]
    path.write_text(json.dumps(index))
    assert refused(folder) == "mine/model.safetensors.index.json does not fit its config.json: 'project.1.bias' is missing."


def test_a_shard_with_a_tensor_that_the_index_puts_elsewhere_is_told(sharded):
    _, folder = sharded
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    del index["metadata"]  # as other programs write it, without checksums
    path.write_text(json.dumps(index))
    load_checkpoint(folder)
    index["weight_map"]["project.0.bias"] = shards(folder)[-1]
    path.write_text(json.dumps(index))
    assert "'project.0.bias' is " in refused(folder)

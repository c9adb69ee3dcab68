"""Weights files: what is written, in one file or in shards, and what is refused."""

import errno
import json
import random
import resource
import struct

import pytest
import torch
from loading import refused, told_or_loaded
from safetensors.torch import load_file, save_file

from animegen_core.checkpoint import load_checkpoint, save_checkpoint, weights
from animegen_core.checkpoint.weights import check_shard_size
from animegen_core.errors import AnimeGenError
from animegen_core.models.dcgan import Generator


def test_matrices_are_stored_in_half_precision_and_vectors_in_full(saved):
    generator, folder = saved
    loaded = load_checkpoint(folder).generator.state_dict()
    for name, value in generator.state_dict().items():
        expected = value.half().float() if value.ndim > 1 else value
        assert torch.equal(loaded[name], expected), name


def test_other_weights_have_another_hash(saved, tmp_path):
    _, folder = saved
    other = save_checkpoint(tmp_path / "other", "dcgan", Generator(8, 4), 0, "nothing", "mit")
    assert load_checkpoint(other).hash != load_checkpoint(folder).hash


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
    assert refused(folder).startswith("mine/model.safetensors does not match its config.json: ")


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
    assert refused(folder).startswith("mine/model.safetensors does not match its config.json: ")


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
    assert refused(folder) == f"mine/model.safetensors does not match its config.json: '{key}' {reason}."


@pytest.mark.parametrize("text, size", [("15MB", 15_000_000), ("1KB", 1000), (" 1.5 gb ", 1_500_000_000), ("0.25Mb", 250_000)])
def test_sizes_of_shards(text, size):
    assert check_shard_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "15", "MB", "-1MB", "0MB", "1e3MB", "15 M", "infGB", "nanGB", "0.5KB", "15MiB", "²MB", "1" * 999, None]
)
def test_bad_sizes_of_shards_are_told(text, tmp_path):
    with pytest.raises(
        AnimeGenError, match=r"^The shard size is .*, but must be a number and a unit of KB, MB or GB, such as 15MB\.$"
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
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        save_file(tensors, path)

    monkeypatch.setattr(weights, "save_file", full_disk)
    with torch.no_grad():
        generator.project[0].weight.add_(1)
    with pytest.raises(OSError, match=r"No space left on device: .*model-0000\d-of-0000\d\.safetensors'"):
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
    assert refused(folder).startswith("Checkpoint 'mine' has no model-00002-of-")


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
    assert "which is not the name of a shard" in refused(folder)


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
    assert refused(folder) == "mine/model.safetensors.index.json does not match its config.json: 'foreign' is unexpected."
    del index["weight_map"]["project.1.bias"]
    path.write_text(json.dumps(index))
    assert refused(folder) == "mine/model.safetensors.index.json does not match its config.json: 'project.1.bias' is missing."


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

"""A network's weights on disk: model.safetensors, or shards of it with an index that says which tensor is in which."""

import hashlib
import json
import re
from collections.abc import Set
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_path

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
MAX_JSON = 2**20  # bytes: no file of ours comes near it, and parsing a hostile one must not fill the memory
_MAX_HEADER = 2**22  # bytes of a safetensors file's own table of contents
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
_SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
_OF_A_RUN = ("checkpoint", "checkpoint-best")  # folders in a run's
_DTYPES = {True: ("F16", "BF16", "F32"), False: ("I64",)}  # of floating and of whole numbers, as safetensors names them


def check_shard_size(text: str) -> int:
    """Bytes that "15MB" or "1.5 GB" stands for; units are powers of ten.

    Raises:
        AnimeGenError: it is no size, or one of less than a thousand bytes.
    """
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([KMG]B)\s*", str(text), re.ASCII | re.IGNORECASE)
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < 1000:
        raise AnimeGenError(f"The shard size is {quote(text)}, but must be a number and a unit of KB, MB or GB, as in 15MB.")
    return size


def is_weights_file(name: str) -> bool:
    """Whether this is the name of a weights file, of a shard or of the index."""
    return name in (WEIGHTS, INDEX) or _SHARD.fullmatch(name) is not None


def save_weights(folder: Path, network: nn.Module, shard_size: str | None = None) -> None:
    """Write the weights: matrices and kernels in half precision, vectors (norms, biases) in full.

    All new files are complete before the first takes its place, and files of an earlier layout go last. A reader prefers
    model.safetensors, so it meets the old weights or the new ones; between shards of the same names it can meet both, which
    the index's checksums tell it.

    Args:
        shard_size: the most bytes of one file, such as "15MB" (a tensor that is larger has a file of its own); None writes
            one file.

    Raises:
        AnimeGenError: the shard size is no size.
    """
    tensors = {
        name: value.detach().cpu().to(torch.float16 if value.is_floating_point() and value.ndim > 1 else value.dtype)
        for name, value in network.state_dict().items()
    }
    files = {WEIGHTS: list(tensors)} if shard_size is None else _split(tensors, check_shard_size(shard_size))
    with ExitStack() as replacements:  # closed from the last to the first: the index takes its place after its shards
        index = replacements.enter_context(atomic_path(folder / INDEX)) if len(files) > 1 else None
        temporary = {name: replacements.enter_context(atomic_path(folder / name)) for name in files}
        for name, keys in files.items():
            save_file({key: tensors[key].contiguous() for key in keys}, temporary[name])
        if index is not None:
            checksums = {name: _sha256(path).hexdigest() for name, path in temporary.items()}
            size = sum(tensor.nbytes for tensor in tensors.values())
            written = {
                "metadata": {"total_size": size, "sha256": checksums},
                "weight_map": {key: name for name, keys in files.items() for key in keys},
            }
            index.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    keep = {*files, INDEX} if len(files) > 1 else set(files)
    for path in folder.iterdir():
        if is_weights_file(path.name) and path.name not in keep:
            path.unlink()


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files in ``folder`` that hold its weights, in the order of their names.

    Raises:
        AnimeGenError: there are none, or the index is damaged or foreign.
    """
    return [folder / name for name in sorted(set(_weight_map(folder).values()))] or [folder / WEIGHTS]


def weights_hash(folder: Path) -> str:
    """First 12 hex digits of the SHA-256 of the weights file, or of the shards one after the other.

    Raises:
        AnimeGenError: as in ``weight_files``.
    """
    return _sha256(*weight_files(folder)).hexdigest()[:12]


def read_weights(folder: Path, network: nn.Module) -> dict[str, Tensor]:
    """Tensors for ``network.load_state_dict``; before memory is taken, their names, shapes and types have been found right.

    Args:
        network: may be on the meta device; only its names, shapes and types are looked at.

    Raises:
        AnimeGenError: weights are missing, damaged, foreign or not finite.
    """
    weight_map, files, wanted = _weight_map(folder), weight_files(folder), network.state_dict()
    if weight_map:
        _check_names(folder / INDEX, wanted.keys(), weight_map.keys())
        _check_sums(folder)
    for path in files:
        _check_header(path, {key: wanted[key] for key in wanted if weight_map.get(key, WEIGHTS) == path.name})
    tensors: dict[str, Tensor] = {}
    for path in files:
        tensors |= load_file(path)
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise _misfit(folder / weight_map.get(key, WEIGHTS), f"{quote(key)} has values that are not finite")
    return tensors


def display_name(folder: Path) -> str:
    """What a checkpoint's folder is called.

    That is its name, or "user/repo" in the Hugging Face Hub's cache. What a run wrote is called after the run:
    ``runs/00003-dcgan-64/checkpoint`` is "00003-dcgan-64", and the best one beside it "00003-dcgan-64-best".
    """
    if folder.name in _OF_A_RUN and folder.parent.name:
        return folder.parent.name + folder.name.removeprefix("checkpoint")
    repo = folder.parent.parent.name
    if folder.parent.name == "snapshots" and repo.startswith("models--"):
        return repo.removeprefix("models--").replace("--", "/")
    return folder.name


def _misfit(path: Path, reason: object) -> AnimeGenError:
    """What is raised of weights that are not the network's that the config describes."""
    return AnimeGenError(f"{display_name(path.parent)}/{path.name} does not fit its config.json: {reason}.")


def read_json(path: Path) -> Any:
    """The contents of a small JSON file.

    Raises:
        AnimeGenError: it is missing, larger than ``MAX_JSON`` bytes, or no JSON.
    """
    where = f"{display_name(path.parent)}/{path.name}"
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_JSON + 1)
        if len(text) <= MAX_JSON:
            return json.loads(text.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnimeGenError(f"{where} is not readable JSON: {error}") from error
    raise AnimeGenError(f"{where} is not one of AnimeGen's: it is larger than {MAX_JSON:,} bytes.")


def _split(tensors: dict[str, Tensor], size: int) -> dict[str, list[str]]:
    """Names of the tensors of each file."""
    from huggingface_hub import split_torch_state_dict_into_shards  # for which training need not wait otherwise

    return split_torch_state_dict_into_shards(tensors, max_shard_size=size).filename_to_tensors


def _weight_map(folder: Path) -> dict[str, str]:
    """The shard of each tensor; empty if one file holds them all."""
    if (folder / WEIGHTS).is_file():
        return {}
    if not (folder / INDEX).is_file():
        raise AnimeGenError(f"Checkpoint '{display_name(folder)}' has no {WEIGHTS}.")
    index = read_json(folder / INDEX)
    where = f"{display_name(folder)}/{INDEX}"
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise AnimeGenError(f"{where} is not an index of weights: 'weight_map' is missing or not a dict.")
    names = sorted({name if isinstance(name, str) else "" for name in weight_map.values()})
    for name, number in zip(names, range(1, len(names) + 1)):
        if name != f"model-{number:05d}-of-{len(names):05d}.safetensors":
            raise AnimeGenError(
                f"{where} names {quote(name)} among {len(names)} files, which is not a name of one of their shards."
            )
        if not (folder / name).is_file():
            raise AnimeGenError(f"Checkpoint '{display_name(folder)}' lacks {name}, which its {INDEX} names.")
    return weight_map


def _check_sums(folder: Path) -> None:
    """See that all shards are of one snapshot, where the index says so: a killed run can leave shards of two."""
    metadata = read_json(folder / INDEX).get("metadata")
    checksums = metadata.get("sha256") if isinstance(metadata, dict) else None
    for path in weight_files(folder):
        if isinstance(checksums, dict) and checksums.get(path.name) != _sha256(path).hexdigest():
            raise AnimeGenError(f"{display_name(folder)}/{path.name} is not the shard that its {INDEX} describes.")


def _check_names(path: Path, wanted: Set[str], found: Set[str]) -> None:
    for key in sorted(wanted ^ found):
        raise _misfit(path, f"{quote(key)} is {'missing' if key in wanted else 'foreign'}")


def _check_header(path: Path, wanted: dict[str, Tensor]) -> None:
    """See that a file holds tensors of the wanted names, shapes and types, and no others, without reading them."""
    try:
        with path.open("rb") as stream:
            if int.from_bytes(stream.read(8), "little") > _MAX_HEADER:
                raise _misfit(path, "its header is too long")
        with safe_open(path, "pt") as file:
            found = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
            _check_names(path, wanted.keys(), found.keys())
            for key, tensor in wanted.items():
                shape, dtypes = list(tensor.shape), _DTYPES[tensor.is_floating_point()]
                if found[key].get_shape() != shape:
                    raise _misfit(path, f"{quote(key)} has the shape {quote(found[key].get_shape())}, but must have {shape}")
                if found[key].get_dtype() not in dtypes:
                    raise _misfit(path, f"{quote(key)} is of type {found[key].get_dtype()}, but must be {' or '.join(dtypes)}")
    except (OSError, SafetensorError) as error:
        raise _misfit(path, "".join(c if c.isprintable() else " " for c in str(error))[:200]) from error


def _sha256(*paths: Path) -> "hashlib._Hash":
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    return digest

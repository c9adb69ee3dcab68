"""Weights on disk: model.safetensors, or shards with an index of their tensors."""

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
MAX_JSON = 2**20  # bytes; our files are much smaller, and parsing a malicious one must not fill the memory
_MAX_HEADER = 2**22  # bytes of the header of a safetensors file
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
_SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
_OF_A_RUN = ("checkpoint", "checkpoint-best")  # folders inside a run folder
_DTYPES = {True: ("F16", "BF16", "F32"), False: ("I64",)}  # safetensors' types of floating and whole numbers


def check_shard_size(text: str) -> int:
    """Number of bytes of "15MB" or "1.5 GB"; units are powers of ten.

    Raises:
        AnimeGenError: the text is not a size, or less than a thousand bytes.
    """
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([KMG]B)\s*", str(text), re.ASCII | re.IGNORECASE)
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < 1000:
        raise AnimeGenError(f"The shard size is {quote(text)}, but must be a number and a unit of KB, MB or GB, such as 15MB.")
    return size


def is_weights_file(name: str) -> bool:
    """Whether this is the name of a weights file, a shard or the index."""
    return name in (WEIGHTS, INDEX) or _SHARD.fullmatch(name) is not None


def save_weights(folder: Path, network: nn.Module, shard_size: str | None = None) -> None:
    """Write the weights: matrices and kernels in half precision, vectors (norms, biases) in full.

    All new files are complete before the first is renamed, and files of an earlier layout are deleted last. Readers prefer
    model.safetensors, so they see the old or the new weights. Between shards of equal names they could see both; the index's
    checksums detect that.

    Args:
        shard_size: maximum size of a file, such as "15MB" (a larger tensor has its own file); None writes one file.

    Raises:
        AnimeGenError: the shard size is invalid.
    """
    tensors = {
        name: value.detach().cpu().to(torch.float16 if value.is_floating_point() and value.ndim > 1 else value.dtype)
        for name, value in network.state_dict().items()
    }
    files = {WEIGHTS: list(tensors)} if shard_size is None else _split(tensors, check_shard_size(shard_size))
    with ExitStack() as replacements:  # closed in reverse order, so that the index is renamed after its shards
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
    """The safetensors files of the weights in ``folder``, sorted by name.

    Raises:
        AnimeGenError: there are none, or the index is damaged.
    """
    return [folder / name for name in sorted(set(_weight_map(folder).values()))] or [folder / WEIGHTS]


def weights_hash(folder: Path) -> str:
    """First 12 hex digits of the SHA-256 of the weights file, or of the concatenated shards.

    Raises:
        AnimeGenError: as in ``weight_files``.
    """
    return _sha256(*weight_files(folder)).hexdigest()[:12]


def read_weights(folder: Path, network: nn.Module) -> dict[str, Tensor]:
    """Tensors for ``network.load_state_dict``. Names, shapes and types are checked before memory is allocated.

    Args:
        network: may be on the meta device; only names, shapes and types are used.

    Raises:
        AnimeGenError: weights are missing, damaged, unexpected or not finite.
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
    """The display name of a checkpoint's folder.

    The name of the folder, or "user/repo" in the Hugging Face Hub's cache. The checkpoint of a run has the run's name:
    ``runs/00003-dcgan-64/checkpoint`` is "00003-dcgan-64", and the best one "00003-dcgan-64-best".
    """
    if folder.name in _OF_A_RUN and folder.parent.name:
        return folder.parent.name + folder.name.removeprefix("checkpoint")
    repo = folder.parent.parent.name
    if folder.parent.name == "snapshots" and repo.startswith("models--"):
        return repo.removeprefix("models--").replace("--", "/")
    return folder.name


def _misfit(path: Path, reason: object) -> AnimeGenError:
    """The error for weights that do not match the network of the config."""
    return AnimeGenError(f"{display_name(path.parent)}/{path.name} does not match its config.json: {reason}.")


def read_json(path: Path) -> Any:
    """The contents of a small JSON file.

    Raises:
        AnimeGenError: it is missing, larger than ``MAX_JSON`` bytes, or not JSON.
    """
    where = f"{display_name(path.parent)}/{path.name}"
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_JSON + 1)
        if len(text) <= MAX_JSON:
            return json.loads(text.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnimeGenError(f"{where} is not readable JSON: {error}") from error
    raise AnimeGenError(f"{where} is not a file of AnimeGen: it is larger than {MAX_JSON:,} bytes.")


def _split(tensors: dict[str, Tensor], size: int) -> dict[str, list[str]]:
    """Names of the tensors of each file."""
    from huggingface_hub import split_torch_state_dict_into_shards  # slow to import, and only needed here

    return split_torch_state_dict_into_shards(tensors, max_shard_size=size).filename_to_tensors


def _weight_map(folder: Path) -> dict[str, str]:
    """The shard of each tensor; empty if there is only one file."""
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
            raise AnimeGenError(f"{where} names {quote(name)} among {len(names)} files, which is not the name of a shard.")
        if not (folder / name).is_file():
            raise AnimeGenError(f"Checkpoint '{display_name(folder)}' has no {name}, which its {INDEX} lists.")
    return weight_map


def _check_sums(folder: Path) -> None:
    """Check by the index's checksums that all shards belong to one snapshot: a killed run can leave shards of two."""
    metadata = read_json(folder / INDEX).get("metadata")
    checksums = metadata.get("sha256") if isinstance(metadata, dict) else None
    for path in weight_files(folder):
        if isinstance(checksums, dict) and checksums.get(path.name) != _sha256(path).hexdigest():
            raise AnimeGenError(f"{display_name(folder)}/{path.name} is not the shard that its {INDEX} describes.")


def _check_names(path: Path, wanted: Set[str], found: Set[str]) -> None:
    for key in sorted(wanted ^ found):
        raise _misfit(path, f"{quote(key)} is {'missing' if key in wanted else 'unexpected'}")


def _check_header(path: Path, wanted: dict[str, Tensor]) -> None:
    """Check that a file has exactly the tensors of the wanted names, shapes and types, without reading them."""
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

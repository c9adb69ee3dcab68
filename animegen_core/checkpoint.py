"""Checkpoints on disk: a folder with config.json, model.safetensors and a model card. No pickle anywhere."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_path, atomic_write_text
from animegen_core.models import GENERATORS, count_parameters

BUNDLED = Path(__file__).resolve().parent.parent / "checkpoints"
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
_MAX_PARAMETERS = 200_000_000  # a config that asks for more is damaged or hostile


@dataclass
class Checkpoint:
    """A generator with what is known about it.

    Attributes:
        name: the checkpoint's name, its folder's.
        generator: on the CPU in float32, in eval mode.
        config: the contents of config.json.
        hash: first 12 hex digits of the SHA-256 of the weights file, which pictures carry.
    """

    name: str
    generator: nn.Module
    config: dict[str, Any]
    hash: str
    path: Path = field(repr=False)

    def info(self) -> dict[str, Any]:
        """What ``python -m animegen_core info`` prints: all JSON-able."""
        return {
            "name": self.name,
            "family": self.config["family"],
            "resolution": self.generator.resolution,
            "generator_parameters": count_parameters(self.generator),
            "images_seen": self.config["images_seen"],
            "trained_on": self.config["trained_on"],
            "licence": self.config["licence"],
            "generator": self.config["generator"],
            "hash": self.hash,
        }


def bundled_names() -> list[str]:
    """Names of the generators that come with the program."""
    return list(bundled_configs())


def bundled_configs() -> dict[str, dict[str, Any]]:
    """Contents of config.json of each generator that comes with the program, by name; damaged ones are left out."""
    configs = {}
    for path in sorted(BUNDLED.glob(f"*/{CONFIG}")):
        with suppress(AnimeGenError):  # of something else, such as a classifier
            configs[path.parent.name] = _read_config(path.parent)
    return configs


def save_checkpoint(
    folder: str | Path, family: str, generator: nn.Module, images_seen: int, trained_on: str, licence: str
) -> Path:
    """Write a generator as an inference checkpoint: weights in half precision, vectors (norms, biases) in full.

    Each file is replaced atomically, the config last.
    """
    folder = Path(folder)
    config = {
        "family": family,
        "resolution": generator.resolution,
        "generator": generator.config,
        "images_seen": images_seen,
        "trained_on": trained_on,
        "licence": licence,
    }
    save_weights(folder, generator)
    if _card_is_ours(folder, count_parameters(generator)):
        atomic_write_text(folder / CARD, _card(folder.name, config, count_parameters(generator)))
    atomic_write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")
    return folder


def load_checkpoint(name: str | Path) -> Checkpoint:
    """Load a bundled checkpoint by name, or any checkpoint by its folder.

    Raises:
        AnimeGenError: no such checkpoint, or its config or weights are damaged or foreign.
    """
    folder = find_checkpoint(name)
    config = _read_config(folder)
    generator = load_network(folder, GENERATORS[config["family"]], config["generator"])
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:12]
    return Checkpoint(folder.name, generator, config, digest, folder)


def save_weights(folder: Path, network: nn.Module) -> None:
    """Write model.safetensors atomically: matrices and kernels in half precision, vectors (norms, biases) in full."""
    tensors = {
        name: value.detach().cpu().to(torch.float16 if value.is_floating_point() and value.ndim > 1 else value.dtype)
        for name, value in network.state_dict().items()
    }
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file({name: value.contiguous() for name, value in tensors.items()}, temporary)


def load_network(folder: Path, network_class: type[nn.Module], arguments: dict[str, Any]) -> nn.Module:
    """Build a network and fill it, strictly, from the weights in ``folder``: on the CPU, in float32, in eval mode.

    Raises:
        AnimeGenError: the arguments do not suit the class or ask for an absurd size; weights are missing, damaged or foreign.
    """
    try:
        with torch.device("meta"):  # learn the size before any memory is taken
            skeleton = network_class(**arguments)
    except (TypeError, ValueError) as error:
        raise AnimeGenError(f"{folder.name}/{CONFIG} has unusable arguments: {error}") from error
    if count_parameters(skeleton) > _MAX_PARAMETERS:
        raise AnimeGenError(
            f"{folder.name}/{CONFIG} asks for {count_parameters(skeleton):,} parameters; "
            f"at most {_MAX_PARAMETERS:,} are accepted."
        )
    try:
        network = skeleton.to_empty(device="cpu")
        network.load_state_dict(load_file(folder / WEIGHTS))  # strict: a missing or foreign weight is an error
    except FileNotFoundError:
        raise AnimeGenError(f"Checkpoint '{folder.name}' has no {WEIGHTS}.") from None
    except (SafetensorError, RuntimeError) as error:
        raise AnimeGenError(f"{folder.name}/{WEIGHTS} does not fit its {CONFIG}: {_last_line(error)}") from error
    return network.eval().requires_grad_(False)


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a bundled checkpoint's name, or the folder itself.

    Raises:
        AnimeGenError: there is none.
    """
    for folder in (BUNDLED / name, Path(name)):
        with suppress(OSError):  # a name too long for a file
            if (folder / CONFIG).is_file():
                return folder.resolve()
    known = ", ".join(bundled_names()) or "none"
    raise AnimeGenError(f"Unknown checkpoint '{name}'; bundled are: {known}; or give a folder that holds a {CONFIG}.")


def _read_config(folder: Path) -> dict[str, Any]:
    where = f"{folder.name}/{CONFIG}"
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnimeGenError(f"{where} is not readable JSON: {error}") from error
    wanted = {"family": str, "generator": dict, "images_seen": int, "trained_on": str, "licence": str}
    for key, kind in wanted.items():
        if not isinstance(config, dict) or not isinstance(config.get(key), kind):
            raise AnimeGenError(f"{where} is not an AnimeGen config: '{key}' is missing or not a {kind.__name__}.")
    if config["family"] not in GENERATORS:
        raise AnimeGenError(f"{where} names the unknown family '{config['family']}'; known are: {', '.join(GENERATORS)}.")
    return config


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip()


def _card_is_ours(folder: Path, parameters: int) -> bool:
    """Whether there is no card yet, or one that is still as the config beside it made it: a person's words stay."""
    if not (folder / CARD).exists():
        return True
    try:
        return (folder / CARD).read_text(encoding="utf-8") == _card(folder.name, _read_config(folder), parameters)
    except (AnimeGenError, KeyError, UnicodeDecodeError):
        return False


def _card(name: str, config: dict[str, Any], parameters: int) -> str:
    return f"""---
license: {config["licence"]}
tags: [animegen, gan, anime]
---
# {name}

A {config["family"]} generator of AnimeGen: faces of {config["resolution"]} px, {parameters:,} parameters.

- Trained on: {config["trained_on"]}
- Real pictures shown to the discriminator: {config["images_seen"]:,}
- Weights: exponential moving average, half precision, safetensors
"""

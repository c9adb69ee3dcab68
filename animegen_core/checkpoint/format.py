"""The format of a checkpoint: a folder with config.json, model.safetensors and a model card. No pickle."""

import hashlib
import inspect
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from animegen_core.character import MAX_PSI
from animegen_core.checkpoint.card import complete_front_matter, model_card
from animegen_core.checkpoint.names import BUNDLED, CARD, CONFIG, HubName
from animegen_core.checkpoint.weights import display_name, read_json, read_weights, save_weights, weights_hash
from animegen_core.errors import AnimeGenError, quote
from animegen_core.families import FAMILIES
from animegen_core.files import atomic_write_text
from animegen_core.labels import check_frequencies
from animegen_core.models import count_parameters

# Limits: a config with larger values is damaged or malicious.
_MAX_PARAMETERS = 200_000_000
_MAX_NUMBER, _MAX_LENGTH, _MAX_ELEMENT = 2**16, 16, 4096  # of a number; of a list and its elements
_MAX_RESOLUTION = 1024  # px
_MAX_TEXT = 10_000  # characters
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and surrogates


@dataclass
class Checkpoint:
    """A generator and the facts about it.

    Attributes:
        name: ``weights.display_name`` of its folder, or "user/repo" or "user/repo@revision" as given.
        generator: on the CPU in float32, in eval mode.
        config: the contents of config.json.
        hash: 12 hex digits that change with the weights and with ``label_frequencies``, which images carry.
    """

    name: str
    generator: nn.Module
    config: dict[str, Any]
    hash: str
    path: Path = field(repr=False)

    def info(self) -> dict[str, Any]:
        """The JSON-able facts that ``python -m animegen_core info`` prints."""
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
    """Names of the bundled generators."""
    return list(bundled_configs())


def bundled_configs() -> dict[str, dict[str, Any]]:
    """Contents of config.json of each bundled generator, by name; damaged ones are left out."""
    configs = {}
    for path in sorted(BUNDLED.glob(f"*/{CONFIG}")):
        with suppress(AnimeGenError):  # other networks, such as a classifier
            configs[path.parent.name] = _read_config(path.parent)
    return configs


def save_checkpoint(
    folder: str | Path,
    family: str,
    generator: nn.Module,
    images_seen: int,
    trained_on: str,
    licence: str,
    shard_size: str | None = None,
    training_minutes: float | None = None,
    label_frequencies: dict[str, dict[str, float]] | None = None,
) -> Path:
    """Write a generator as an inference checkpoint: weights in half precision, vectors (norms, biases) in full.

    Each file is replaced atomically, the config last.

    Args:
        shard_size: maximum size of a weights file, such as "15MB"; None writes one file (see ``weights.save_weights``).
        training_minutes: duration of training; None omits it.
        label_frequencies: of each colour in training, with which colours are drawn that a character leaves open (see
            ``labels.check_frequencies``); None for a generator without labels.

    Raises:
        AnimeGenError: the shard size is invalid.
    """
    folder = Path(folder)
    config = {
        "family": family,
        "resolution": generator.resolution,
        "generator": generator.config,
        "images_seen": images_seen,
        "trained_on": trained_on,
        "licence": licence,
        **({} if training_minutes is None else {"training_minutes": round(training_minutes, 1)}),
        **({} if label_frequencies is None else {"label_frequencies": label_frequencies}),
    }
    save_weights(folder, generator, shard_size)
    if _card_is_ours(folder, count_parameters(generator)):
        title = display_name(folder.resolve())
        atomic_write_text(folder / CARD, model_card(title, config, count_parameters(generator)))
    atomic_write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")
    return folder


def load_checkpoint(name: str | Path | HubName, local_folders: bool = True) -> Checkpoint:
    """Load a checkpoint: a bundled name, "user/repo" or "user/repo@revision" of the Hugging Face Hub, or a folder.

    A local copy of a Hub checkpoint is used without asking the Hub; ``hub.pull`` updates it.

    Args:
        local_folders: use False for names from strangers. Then the name can be neither a folder of this computer nor a model
            that needs this computer's token.

    Raises:
        AnimeGenError: there is no such checkpoint, its config or weights are damaged or of another program, or the Hub
            refuses.
    """
    shown, folder = _locate(name, local_folders)
    config = _read_config(folder)
    generator = load_network(folder, FAMILIES[config["family"]].generator, config["generator"])
    return Checkpoint(shown, generator, config, _hash(folder, config), folder)


def _hash(folder: Path, config: dict[str, Any]) -> str:
    """12 hex digits of all that determines the face of a seed: weights and, if present, label frequencies."""
    weights, frequencies = weights_hash(folder), config.get("label_frequencies")
    if frequencies is None:
        return weights
    return hashlib.sha256(f"{weights} {json.dumps(frequencies, sort_keys=True)}".encode()).hexdigest()[:12]


def load_network(folder: Path, network_class: type[nn.Module], arguments: dict[str, Any]) -> nn.Module:
    """Build a network and load the weights in ``folder`` strictly: on the CPU, in float32, in eval mode.

    Raises:
        AnimeGenError: the arguments do not match the class or are too large; weights are missing, damaged or unexpected.
    """
    where = f"{display_name(folder)}/{CONFIG}"
    _check_arguments(where, network_class, arguments)
    try:
        with torch.device("meta"), _NothingDrawn():  # determine the size before memory is allocated
            skeleton = network_class(**arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise AnimeGenError(f"{where} has unusable arguments: {error}") from error
    if count_parameters(skeleton) > _MAX_PARAMETERS:
        raise AnimeGenError(
            f"{where} has {count_parameters(skeleton):,} parameters, more than the maximum of {_MAX_PARAMETERS:,}."
        )
    resolution = getattr(skeleton, "resolution", 0)  # an upscaler has none
    if resolution > _MAX_RESOLUTION:
        raise AnimeGenError(f"{where} has a resolution of {resolution} px, more than the maximum of {_MAX_RESOLUTION}.")
    tensors, wanted = read_weights(folder, skeleton), skeleton.state_dict()
    # Converted from half precision, and copied, because safetensors maps the file into memory.
    tensors = {name: tensor.to(wanted[name].dtype, copy=True) for name, tensor in tensors.items()}
    skeleton.load_state_dict(tensors, assign=True)  # strict: a missing or unexpected weight is an error
    return skeleton.eval().requires_grad_(False)


class _NothingDrawn(TorchFunctionMode):
    """A context in which weights are not initialised from normal distributions, which the meta device does not need.

    Initialisation there would import PyTorch's compiler, which took a second of every start.
    """

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        if function is nn.init.normal_:
            return kwargs["tensor"]
        return (torch.empty if function is torch.randn else function)(*args, **kwargs)


def find_checkpoint(name: str | Path | HubName, local_folders: bool = True) -> Path:
    """The folder of a checkpoint: a bundled name, a Hub checkpoint's local copy, or a folder.

    A local folder has priority over a Hub checkpoint of the same name. A ``Path`` or a single word is never searched on the
    Hub.

    Raises:
        AnimeGenError: there is no such checkpoint.
    """
    return _locate(name, local_folders)[1]


def card_for(checkpoint: Checkpoint, repo: str) -> str:
    """The card to publish as ``repo``: the existing one with complete front matter, or one made from the config."""
    parameters = count_parameters(checkpoint.generator)
    if _card_is_ours(checkpoint.path, parameters):
        return model_card(repo, checkpoint.config | {"resolution": checkpoint.generator.resolution}, parameters)
    return complete_front_matter((checkpoint.path / CARD).read_text(encoding="utf-8", errors="replace"), checkpoint.config)


def _locate(name: str | Path | HubName, local_folders: bool) -> tuple[str, Path]:
    """The name that finds a checkpoint again, and its folder."""
    text = str(name)
    hub_name = name if isinstance(name, HubName) else None
    if hub_name is None:
        with suppress(OSError):  # the name is too long for a file
            if re.fullmatch(r"\w[\w.-]*", text) and (BUNDLED / text / CONFIG).is_file():
                return text, (BUNDLED / text).resolve()
            if local_folders and (Path(name) / CONFIG).is_file():
                return display_name(Path(name).resolve()), Path(name).resolve()
        if isinstance(name, str) and "/" in name:
            hub_name = HubName.parse(name)
        if hub_name is not None and local_folders and Path(name).exists():  # a folder without a checkpoint
            hub_name = None
    if hub_name is not None:
        from animegen_core.checkpoint import hub  # slow to import, and not needed for a local checkpoint

        return text, hub.find(hub_name, public=not local_folders)
    known = ", ".join(bundled_names()) or "none"
    others = f"{f'a folder with a {CONFIG}, or ' if local_folders else ''}user/repo[@revision] on the Hugging Face Hub"
    raise AnimeGenError(f"Unknown checkpoint {text[:200]!r}; bundled are: {known}; or give {others}.")


def _read_config(folder: Path) -> dict[str, Any]:
    where = f"{display_name(folder)}/{CONFIG}"
    config = read_json(folder / CONFIG)
    wanted = {"family": str, "generator": dict, "images_seen": int, "trained_on": str, "licence": str}
    for key, kind in wanted.items():
        value = config.get(key) if isinstance(config, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise AnimeGenError(f"{where} is not an AnimeGen config: '{key}' is missing or not a {kind.__name__}.")
        if kind is str and (len(value) > _MAX_TEXT or _CONTROL.search(value)):
            raise AnimeGenError(f"{where} is not an AnimeGen config: '{key}' is too long or has control characters.")
    if config["family"] not in FAMILIES:
        raise AnimeGenError(f"{where} has the unknown family {quote(config['family'])}; known are: {', '.join(FAMILIES)}.")
    if not 0 <= config["images_seen"] < 2**63:
        raise AnimeGenError(f"{where} has an 'images_seen' of {quote(config['images_seen'])}, which is not a number of images.")
    minutes = config.get("training_minutes", 0)
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 <= minutes < 2**63:
        raise AnimeGenError(f"{where} has 'training_minutes' of {quote(minutes)}, but must have a number of minutes, or none.")
    psi = config.get("usual_psi", 1)
    if isinstance(psi, bool) or not isinstance(psi, int | float) or not 0 <= psi <= MAX_PSI:
        raise AnimeGenError(f"{where} has a 'usual_psi' of {quote(psi)}, but must have a number from 0 to {MAX_PSI}, or none.")
    if "label_frequencies" in config:
        check_frequencies(where, config["label_frequencies"])
    return config


def _check_arguments(where: str, network_class: type[nn.Module], arguments: dict[str, Any]) -> None:
    """Check the type and size of each argument; constructors check further."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(network_class).parameters.items()}
    for name, value in arguments.items():
        default = defaults.get(name)
        if default is None:
            raise AnimeGenError(f"{where} has the unknown argument {quote(name)}; known are: {', '.join(defaults)}.")
        if isinstance(default, bool):
            good, wanted = isinstance(value, bool), "true or false"
        elif isinstance(default, int):
            good, wanted = _is_whole(value, _MAX_NUMBER), f"a whole number from 0 to {_MAX_NUMBER}"
        else:  # an empty list, no labels, is only valid as default
            good = isinstance(value, list) and len(value) <= _MAX_LENGTH and all(_is_whole(v, _MAX_ELEMENT, 1) for v in value)
            good = good and bool(value or not default)
            wanted = f"a list of 1 to {_MAX_LENGTH} whole numbers from 1 to {_MAX_ELEMENT}"
        if not good:
            raise AnimeGenError(f"{where} has unusable arguments: {name} is {quote(value)}, but must be {wanted}.")


def _is_whole(value: object, most: int, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _card_is_ours(folder: Path, parameters: int) -> bool:
    """Whether there is no card yet, or an unchanged one made from the config; edited cards are kept."""
    if not (folder / CARD).exists():
        return True
    try:
        card, config = (folder / CARD).read_text(encoding="utf-8"), _read_config(folder)
        titles = {display_name(folder.resolve()), folder.name}  # runs once used the title "checkpoint"
        return card in [model_card(title, config, parameters) for title in titles]
    except (AnimeGenError, KeyError, UnicodeDecodeError):
        return False

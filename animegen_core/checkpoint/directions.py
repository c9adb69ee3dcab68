"""Directions in w that belong to a checkpoint's weights: named sliders, and shifts that recolour hair and eyes.

They are kept beside the weights in directions.safetensors, and ``python -m animegen_core directions`` makes them.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from animegen_core.character import MOST_SLIDERS, SLIDER_NAME
from animegen_core.checkpoint.names import DIRECTIONS
from animegen_core.checkpoint.weights import display_name
from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_path
from animegen_core.labels import ATTRIBUTES

MOST_BYTES = 2**25  # a larger file is no file of ours
_SLIDER, _RECOLOUR = "slider ", "recolour "  # what a tensor's name begins with
_CHECKPOINT, _FACTS = "checkpoint_hash", "facts"  # in the metadata


@dataclass(frozen=True)
class Directions:
    """Directions of one checkpoint.

    Attributes:
        checkpoint_hash: of the checkpoint for which they were made.
        sliders: by name, float32 (layers, w_dim): added to w at strength 1.
        recolouring: by attribute, float32 (colours, layers, w_dim): the difference of two rows, added to w, turns one colour
            into the other. Attributes may be missing.
        facts: of each slider, by name: what was measured (see ``animegen_core.steering``).
        hash: 12 hex digits that change with the file; empty before it is saved.
    """

    checkpoint_hash: str
    sliders: dict[str, Tensor]
    recolouring: dict[str, Tensor] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    hash: str = ""


def save_directions(folder: str | Path, directions: Directions) -> Path:
    """Write directions beside the weights of a checkpoint's folder, in half precision, atomically. Returns the file."""
    path = Path(folder) / DIRECTIONS
    tensors = {_SLIDER + name: tensor for name, tensor in directions.sliders.items()}
    tensors |= {_RECOLOUR + name: tensor for name, tensor in directions.recolouring.items()}
    metadata = {_CHECKPOINT: directions.checkpoint_hash, _FACTS: json.dumps(directions.facts)}
    with atomic_path(path) as temporary:
        save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, temporary, metadata)
    return path


def read_directions(folder: Path, layers: int, w_dim: int) -> Directions | None:
    """The directions beside a generator's weights, or None if there are none.

    Args:
        layers, w_dim: of the generator.

    Raises:
        AnimeGenError: the file is damaged, or for a generator of another shape.
    """
    path = folder / DIRECTIONS
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _unfit(path, f"it is larger than {MOST_BYTES:,} bytes")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: _checked(path, file, name, layers, w_dim) for name in file.keys()}  # noqa: SIM118 - no dict
        facts = json.loads(metadata.get(_FACTS, "null"))
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        if isinstance(error, AnimeGenError):
            raise
        raise _unfit(path, "".join(c if c.isprintable() else " " for c in str(error))[:200]) from error
    sliders = {name.removeprefix(_SLIDER): tensor for name, tensor in tensors.items() if name.startswith(_SLIDER)}
    if not isinstance(facts, dict) or not all(isinstance(facts.get(name), dict) for name in sliders):
        raise _unfit(path, "it does not say what was measured of each slider")
    if len(sliders) > MOST_SLIDERS or len(metadata.get(_CHECKPOINT, "")) > 64:
        raise _unfit(path, f"it has {len(sliders)} sliders, or names a checkpoint that cannot be one")
    ordered = {name: sliders[name] for name in facts if name in sliders}
    recolouring = {name.removeprefix(_RECOLOUR): tensor for name, tensor in tensors.items() if name.startswith(_RECOLOUR)}
    return Directions(metadata.get(_CHECKPOINT, ""), ordered, recolouring, facts, digest)


def slider_names(folder: Path) -> list[str]:
    """Names of the sliders in a checkpoint's folder, without reading them; empty if there are none or the file is damaged."""
    try:
        with safe_open(folder / DIRECTIONS, "pt") as file:
            names = [name.removeprefix(_SLIDER) for name in file.keys() if name.startswith(_SLIDER)]  # noqa: SIM118 - no dict
    except (OSError, SafetensorError):
        return []
    return [name for name in names if SLIDER_NAME.fullmatch(name)][:MOST_SLIDERS]


def _checked(path: Path, file: Any, name: str, layers: int, w_dim: int) -> Tensor:
    """A tensor of the file in float32, if its name, shape and values are those of a direction."""
    shapes = {_RECOLOUR + attribute: [len(colours), layers, w_dim] for attribute, colours in ATTRIBUTES.items()}
    wanted = shapes.get(name)
    if wanted is None and name.startswith(_SLIDER) and SLIDER_NAME.fullmatch(name.removeprefix(_SLIDER)):
        wanted = [layers, w_dim]
    if wanted is None:
        raise _unfit(path, f"{quote(name)} is not the name of a direction")
    found = file.get_slice(name)
    if found.get_shape() != wanted or found.get_dtype() not in ("F16", "F32"):
        raise _unfit(path, f"{quote(name)} is {found.get_dtype()} of {quote(found.get_shape())}, not F16 of {wanted}")
    tensor = file.get_tensor(name).float()
    if not tensor.isfinite().all():
        raise _unfit(path, f"{quote(name)} has values that are not finite")
    return tensor


def _unfit(path: Path, reason: str) -> AnimeGenError:
    name = display_name(path.parent)
    command = f"python -m animegen_core directions {name}"
    return AnimeGenError(f"{name}/{path.name} cannot be used: {reason}; make it again: {command}")

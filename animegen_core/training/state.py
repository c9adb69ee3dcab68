"""The state from which a run resumes: one safetensors file, written atomically, no pickle."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_path


def save_state(
    path: str | Path, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer], progress: dict[str, float]
) -> None:
    """Write weights, optimizer moments and counters.

    Args:
        path: the file.
        modules, optimizers: what to save, each under a name without a dot.
        progress: JSON-able counters.
    """
    tensors = {f"{owner}.{key}": t for owner, module in modules.items() for key, t in module.state_dict().items()}
    for owner, optimizer in optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"{owner}.{index}.{key}": t for key, t in values.items()}
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"progress": json.dumps(progress)})


def load_state(path: str | Path, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer]) -> dict[str, float]:
    """Load ``modules`` and ``optimizers`` from a file written by ``save_state`` and return the counters.

    Raises:
        AnimeGenError: the file is missing or damaged, or names or shapes differ.
    """
    try:
        with safe_open(path, "pt") as file:
            progress = json.loads((file.metadata() or {})["progress"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        for owner, module in modules.items():
            module.load_state_dict(owned_by(owner, tensors))
        for owner, optimizer in optimizers.items():
            _load_optimizer(optimizer, owned_by(owner, tensors))
    except FileNotFoundError:
        raise AnimeGenError(f"There is no state to resume from at '{path}'.") from None
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise AnimeGenError(f"State '{path}' does not fit this run: {str(error).splitlines()[0]}") from error
    return progress


def owned_by(owner: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one module or optimizer in a state file, without the owner's prefix."""
    return {name.removeprefix(f"{owner}."): t for name, t in tensors.items() if name.startswith(f"{owner}.")}


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        parameter = parameters[int(index)]
        if key == "step":
            restored = value.to(parameter.device) if optimizer.defaults["fused"] else value
        else:
            # Fused kernels need the same strides as the parameter.
            restored = torch.empty_like(parameter).copy_(value)
        optimizer.state[parameter][key] = restored

"""Beginning with weights that were trained before: to fine-tune them, or to grow a network that draws larger pictures."""

import re
from collections.abc import Iterable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from animegen_core.checkpoint import load_checkpoint
from animegen_core.errors import AnimeGenError
from animegen_core.models.stylegan2 import ToRGB
from animegen_core.training.run_folder import STATE
from animegen_core.training.state import owned_by


def load_weights(source: str | Path) -> dict[str, dict[str, Tensor]]:
    """Tensors for "generator" and "ema", and from a run also for "discriminator".

    Args:
        source: a run folder or its state; else a bundled checkpoint's name or a checkpoint's folder, whose generator is an
            average already and serves as both.

    Raises:
        AnimeGenError: there is nothing of that name, or it is damaged.
    """
    path = Path(source)
    if path.suffix != ".safetensors":
        path = path / STATE
    if not path.is_file():
        generator = load_checkpoint(source).generator.state_dict()
        return {"generator": generator, "ema": generator}
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise AnimeGenError(f"State '{path}' is damaged: {error}") from error
    return {owner: owned_by(owner, tensors) for owner in ("generator", "ema", "discriminator")}


def take_weights(network: nn.Module, tensors: dict[str, Tensor]) -> set[str]:
    """Copy into ``network`` what it has under the same name and in the same shape, and return the names.

    If it has grown, the outputs to RGB that are larger than all it took start at zero: since those of all sizes are summed, it
    draws at first what the small network drew, upsampled, without the noise of untrained layers.
    """
    own = network.state_dict()
    fitting = {name: t for name, t in tensors.items() if name in own and t.shape == own[name].shape}
    network.load_state_dict(own | fitting)
    outputs = [(f"{name}.weight" in fitting, module) for name, module in network.named_modules() if isinstance(module, ToRGB)]
    if any(taken for taken, _ in outputs):
        while not outputs[-1][0]:  # from the largest on
            nn.init.zeros_(outputs.pop()[1].weight)
    return set(fitting)


def parts_of(names: Iterable[str]) -> list[str]:
    """The parts of a network that hold these tensors, the blocks of each size apart: "mapping", "synthesis.blocks.128"."""
    return sorted({re.match(r"(?:.*\bblocks\.\d+|[^.]+)", name)[0] for name in names})

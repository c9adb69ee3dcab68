"""Beginning with weights that were trained before: to fine-tune them, or to grow a network that draws larger pictures."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from animegen_core.checkpoint import load_checkpoint
from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_path
from animegen_core.models.layers import SLOPE, EqualizedConv2d
from animegen_core.models.stylegan import StyleBasedGenerator, StyleGANDiscriminator
from animegen_core.models.stylegan2 import ToRGB
from animegen_core.training.run_folder import STATE
from animegen_core.training.state import owned_by
from animegen_core.training.widening import widened

TRAINING = "training.safetensors"  # beside a checkpoint's model.safetensors
_PLAYERS = ("generator", "discriminator", "helper")


def load_weights(source: str | Path) -> dict[str, dict[str, Tensor]]:
    """Tensors for "generator" and "ema", and from a run, or a checkpoint that has them, also for "discriminator" and "helper".

    Args:
        source: a run folder, its state or training weights; else a bundled checkpoint's name or a checkpoint's folder, whose
            generator is an average already and serves as both unless it has training weights beside it.

    Raises:
        AnimeGenError: there is nothing of that name, or it is damaged.
    """
    path = Path(source)
    if path.suffix != ".safetensors":
        path = path / STATE
    if path.is_file():
        weights = _owned(path, *_PLAYERS, "ema")
        return {"generator": {}, "ema": weights.get("generator", {}), **weights}  # training weights have no average
    checkpoint = load_checkpoint(source)
    average = checkpoint.generator.state_dict()
    path = checkpoint.path / TRAINING
    return {"generator": average, **(_owned(path, *_PLAYERS) if path.is_file() else {}), "ema": average}


def save_training_weights(folder: Path, players: dict[str, nn.Module]) -> None:
    """Write what training needs beside a checkpoint: generator, discriminator and helper; matrices and kernels are halved."""
    owners = [owner for owner in _PLAYERS if owner in players]
    tensors = {f"{owner}.{key}": t.detach().cpu() for owner in owners for key, t in players[owner].state_dict().items()}
    halved = {name: t.half() if t.is_floating_point() and t.ndim > 1 else t for name, t in tensors.items()}
    with atomic_path(folder / TRAINING) as temporary:
        save_file({name: t.contiguous() for name, t in halved.items()}, temporary)


def _owned(path: Path, *owners: str) -> dict[str, dict[str, Tensor]]:
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise AnimeGenError(f"State '{path}' is damaged: {error}") from error
    return {owner: found for owner in owners if (found := owned_by(owner, tensors))}


def take_weights(network: nn.Module, tensors: dict[str, Tensor]) -> set[str]:
    """Copy into ``network`` what it has under the same name and in the same shape, and return the names.

    If it has grown, the outputs to RGB that are larger than all it took start at zero: since those of all sizes are summed, it
    draws at first what the small network drew, upsampled, without the noise of untrained layers; and a discriminator says at
    first what the small one said of the picture averaged down. If a network has learned to take labels, a DCGAN's inputs of
    labels start at zero: it draws what it drew, until it has learned what they mean. A wider style-based network computes what
    the narrow one did (``widening.widened``).
    """
    if isinstance(network, (StyleBasedGenerator, StyleGANDiscriminator)):
        tensors = widened(network, tensors)
    own, label_inputs = network.state_dict(), sum(getattr(network, "label_dims", ()))
    known = {name: _widened(t, label_inputs, own[name]) for name, t in tensors.items() if name in own}
    fitting = {name: t for name, t in known.items() if t.shape == own[name].shape}
    network.load_state_dict(own | fitting)
    outputs = [(f"{name}.weight" in fitting, module) for name, module in network.named_modules() if isinstance(module, ToRGB)]
    if any(taken for taken, _ in outputs):
        while not outputs[-1][0]:  # from the largest on
            nn.init.zeros_(outputs.pop()[1].weight)
    if isinstance(network, StyleGANDiscriminator):
        _see_averaged(network, tensors)
    return set(fitting)


@torch.no_grad()
def _see_averaged(network: StyleGANDiscriminator, tensors: dict[str, Tensor]) -> None:
    """Let a grown discriminator begin as the small one whose ``tensors`` it took, of pictures averaged down to that size.

    The new layers carry the colours down in pairs of channels of opposite sign, as leaky_relu(x) - leaky_relu(-x) =
    (1 + slope) x, and the last of them does with them what the small network's from_rgb did. All other channels begin at random
    and unheard. Nothing is done where channels are too few, or do not fit.
    """
    size = next((int(found[1]) for name in tensors if (found := re.fullmatch(r"from_rgb\.(\d+)\.weight", name))), 0)
    weight, bias = (tensors.get(f"from_rgb.{size}.{part}") for part in ("weight", "bias"))
    grown = [block for name, block in network.blocks.items() if int(name) > size]  # largest first
    if weight is None or not grown or grown[-1].conv1.weight.shape[0] != len(weight):
        return
    if min(block.conv0.weight.shape[0] for block in grown) < 6:
        return
    first = network.from_rgb[str(network.resolution)]
    pairs = torch.cat([torch.eye(3), -torch.eye(3)])  # colours to pairs
    colours = pairs.T / (1 + SLOPE)  # and back, behind a leaky_relu
    _begin_with(first, pairs)
    for block in grown:
        out, shift = (first.scale * weight.float().flatten(1), bias.float()) if block is grown[-1] else (pairs, torch.zeros(6))
        _begin_with(block.conv0, pairs @ colours)
        _begin_with(block.conv1, math.sqrt(2) * out @ colours, math.sqrt(2) * shift)  # the block scales its sum by sqrt(1/2)
        block.skip.weight[: len(out)] = 0


def _begin_with(conv: EqualizedConv2d, matrix: Tensor, bias: Tensor | float = 0.0) -> None:
    """Let the first channels out be a linear function of the first ones in, at each pixel: (channels out, channels in)."""
    rows, columns = matrix.shape
    centre = conv.weight.shape[-1] // 2
    conv.weight[:rows] = 0
    conv.weight[:rows, :columns, centre, centre] = matrix.to(conv.weight) / conv.scale
    conv.bias[:rows] = bias


def _widened(weight: Tensor, inputs: int, wanted: Tensor) -> Tensor:
    """A matrix or kernel with so many more inputs, of no effect, if just those are what it lacks; else as it is."""
    if weight.ndim < 2 or wanted.ndim < 2 or wanted.shape[1] - weight.shape[1] != inputs:
        return weight
    return torch.cat([weight, weight.new_zeros(len(weight), inputs, *weight.shape[2:])], 1)


def parts_of(names: Iterable[str]) -> list[str]:
    """The parts of a network that hold these tensors, the blocks of each size apart: "mapping", "synthesis.blocks.128"."""
    return sorted({re.match(r"(?:.*\bblocks\.\d+|[^.]+)", name)[0] for name in names})

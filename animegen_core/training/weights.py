"""Initialising a run with trained weights, to fine-tune them or to grow a network to larger images."""

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
    """Tensors of "generator" and "ema" and, if the source has them, of "discriminator" and "helper".

    Args:
        source: a run folder, its state or training weights, a bundled checkpoint's name, or a checkpoint's folder. Without
            training weights a checkpoint's averaged generator is used for both.

    Raises:
        AnimeGenError: the source does not exist or is damaged.
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
    """Write generator, discriminator and helper beside a checkpoint; matrices and kernels in half precision."""
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
    """Copy the tensors whose name and shape match into ``network``, and return their names.

    A larger or changed network starts with the outputs of the old one:

    - In a grown generator the new outputs to RGB start at zero. As those of all sizes are summed, it first draws the small
      network's images, upsampled.
    - A grown discriminator first returns the small one's logits of the images averaged down.
    - In a DCGAN that becomes conditional the weights of the labels start at zero.
    - A wider style-based network first computes the outputs of the narrow one (``widening.widened``).
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
    """Initialise a grown discriminator so that it equals the small one, with ``tensors``, on images averaged down.

    The new layers pass the colours on in pairs of channels of opposite sign, because leaky_relu(x) - leaky_relu(-x) =
    (1 + slope) x. The last new layer applies the small network's from_rgb to them. All other channels are random and have no
    effect at first. Nothing is done if there are too few channels or shapes do not match.
    """
    size = next((int(found[1]) for name in tensors if (found := re.fullmatch(r"from_rgb\.(\d+)\.weight", name))), 0)
    weight, bias = (tensors.get(f"from_rgb.{size}.{part}") for part in ("weight", "bias"))
    grown = [block for name, block in network.blocks.items() if int(name) > size]  # largest first
    if weight is None or not grown or grown[-1].conv1.weight.shape[0] != len(weight):
        return
    if min(block.conv0.weight.shape[0] for block in grown) < 6:
        return
    first = network.from_rgb[str(network.resolution)]
    pairs = torch.cat([torch.eye(3), -torch.eye(3)])  # from colours to pairs
    colours = pairs.T / (1 + SLOPE)  # back to colours, after a leaky_relu
    _begin_with(first, pairs)
    for block in grown:
        out, shift = (first.scale * weight.float().flatten(1), bias.float()) if block is grown[-1] else (pairs, torch.zeros(6))
        _begin_with(block.conv0, pairs @ colours)
        _begin_with(block.conv1, math.sqrt(2) * out @ colours, math.sqrt(2) * shift)  # the block scales its sum by sqrt(1/2)
        block.skip.weight[: len(out)] = 0


def _begin_with(conv: EqualizedConv2d, matrix: Tensor, bias: Tensor | float = 0.0) -> None:
    """Make the first output channels a linear function, (channels out, channels in), of the first input channels at each
    pixel.
    """
    rows, columns = matrix.shape
    centre = conv.weight.shape[-1] // 2
    conv.weight[:rows] = 0
    conv.weight[:rows, :columns, centre, centre] = matrix.to(conv.weight) / conv.scale
    conv.bias[:rows] = bias


def _widened(weight: Tensor, inputs: int, wanted: Tensor) -> Tensor:
    """A matrix or kernel with ``inputs`` more inputs of weight zero, if it then has the wanted shape; else unchanged."""
    if weight.ndim < 2 or wanted.ndim < 2 or wanted.shape[1] - weight.shape[1] != inputs:
        return weight
    return torch.cat([weight, weight.new_zeros(len(weight), inputs, *weight.shape[2:])], 1)


def parts_of(names: Iterable[str]) -> list[str]:
    """The parts of a network to which these tensors belong, such as "mapping" and "synthesis.blocks.128"."""
    return sorted({re.match(r"(?:.*\bblocks\.\d+|[^.]+)", name)[0] for name in names})

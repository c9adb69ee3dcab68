"""Beginning a network with the weights of a narrower one, such that it computes the same at first.

Net2WiderNet (Chen, Goodfellow, Shlens 2016, https://arxiv.org/abs/1511.05641, section 2.3) copies channels and divides the
weights that read them. Weight demodulation does not allow that. It divides by the norm of the weights, and where the sum of two
equal channels doubles, the norm grows by sqrt(2) only. So new channels begin at random here, and the weights that read them at
zero. The gradients of these weights are not zero: the new channels count as soon as they have moved.
"""

import math

import torch
from torch import Tensor, nn

from animegen_core.models.layers import EqualizedConv2d, EqualizedLinear
from animegen_core.models.stylegan import AdaIN
from animegen_core.models.stylegan2 import ToRGB


def widened(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a narrower network, made to fit a wider style-based one.

    Args:
        network: the wider network, freshly initialised.
        tensors: of the narrower one, by name. What differs in another way than in channels stays as it is. So does all if the
            latents differ, or the channels of a discriminator at 4 px, whose mean standard deviation would change.
    """
    own = network.state_dict()
    fixed = {"mapping": own.keys(), "hidden": ("hidden.bias",)}
    for part, names in fixed.items():
        for name in names:
            if name.startswith(part) and name in tensors and tensors[name].shape != own[name].shape:
                return tensors
    modules = dict(network.named_modules())
    return {
        name: _fitted(modules, name, tensor, own[name]) if name in own and _is_narrower(tensor, own[name]) else tensor
        for name, tensor in tensors.items()
    }


def _fitted(modules: dict[str, nn.Module], name: str, tensor: Tensor, wanted: Tensor) -> Tensor:
    owner, _, kind = name.rpartition(".")
    if kind == "const":  # features themselves, read by nobody
        return torch.cat([tensor, wanted[:, tensor.shape[1] :].to(tensor.dtype)], 1)
    if isinstance(modules[owner.rpartition(".")[0]], AdaIN):  # scales of all channels, then shifts of all
        return torch.cat([_placed(part, room) for part, room in zip(tensor.chunk(2), wanted.chunk(2))])
    scaled = kind == "weight" and isinstance(modules[owner], (EqualizedConv2d, EqualizedLinear, ToRGB))
    # A run-time scale of 1 / sqrt(inputs) falls as inputs are added.
    gain = math.sqrt(wanted.shape[1] / tensor.shape[1]) if scaled else 1.0
    return _placed(tensor * gain, wanted)


def _is_narrower(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether there are fewer channels, out or in, and all else is the same."""
    channels = list(zip(tensor.shape[:2], wanted.shape[:2]))
    fewer = all(a <= b for a, b in channels) and any(a < b for a, b in channels)
    return tensor.ndim == wanted.ndim and tensor.shape[2:] == wanted.shape[2:] and fewer


def _placed(tensor: Tensor, wanted: Tensor) -> Tensor:
    """The tensor as the first channels of the wanted shape: what it computed does not read new channels, which stay random."""
    result = wanted.to(tensor.dtype, copy=True)
    if tensor.ndim > 1:
        result[: len(tensor)] = 0
        result[: len(tensor), : tensor.shape[1]] = tensor
    else:
        result[: len(tensor)] = tensor
    return result

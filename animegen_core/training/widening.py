"""Initialises a network with the weights of a narrower one, so that both compute the same.

Net2WiderNet (Chen, Goodfellow, Shlens 2016, https://arxiv.org/abs/1511.05641, section 2.3) copies channels and divides the
weights that read them. With weight demodulation this changes the output: it divides by the norm of the weights, and when the
sum of two equal channels doubles, the norm grows only by sqrt(2). So here new channels are random, and the weights that read
them zero. The gradients of these weights are not zero, so the new channels are trained.
"""

import math

import torch
from torch import Tensor, nn

from animegen_core.models.layers import EqualizedConv2d, EqualizedLinear
from animegen_core.models.stylegan import AdaIN
from animegen_core.models.stylegan2 import ToRGB


def widened(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a narrower network in the shapes of a wider style-based one.

    Args:
        network: the wider network, freshly initialised.
        tensors: of the narrower one, by name. Tensors that differ in more than channels are returned unchanged. All are if
            the latents differ, or the channels of a discriminator at 4 px, whose minibatch standard deviation would change.
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
    if kind == "const":  # these are features, not weights that read channels
        return torch.cat([tensor, wanted[:, tensor.shape[1] :].to(tensor.dtype)], 1)
    if isinstance(modules[owner.rpartition(".")[0]], AdaIN):  # first the scales of all channels, then the shifts
        return torch.cat([_placed(part, room) for part, room in zip(tensor.chunk(2), wanted.chunk(2))])
    scaled = kind == "weight" and isinstance(modules[owner], (EqualizedConv2d, EqualizedLinear, ToRGB))
    # A run-time scale of 1 / sqrt(inputs) falls as inputs are added.
    gain = math.sqrt(wanted.shape[1] / tensor.shape[1]) if scaled else 1.0
    return _placed(tensor * gain, wanted)


def _is_narrower(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether only the numbers of channels, out or in, are smaller."""
    channels = list(zip(tensor.shape[:2], wanted.shape[:2]))
    fewer = all(a <= b for a, b in channels) and any(a < b for a, b in channels)
    return tensor.ndim == wanted.ndim and tensor.shape[2:] == wanted.shape[2:] and fewer


def _placed(tensor: Tensor, wanted: Tensor) -> Tensor:
    """The wanted tensor with its first channels replaced by ``tensor``; old outputs do not read new channels, which stay
    random.
    """
    result = wanted.to(tensor.dtype, copy=True)
    if tensor.ndim > 1:
        result[: len(tensor)] = 0
        result[: len(tensor), : tensor.shape[1]] = tensor
    else:
        result[: len(tensor)] = tensor
    return result

"""The averaged generator: what is sampled and shipped instead of the noisy last iterate."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class EMA:
    """Exponential moving average of a network's weights and float buffers (Karras et al. 2018, section 4.1).

    Args:
        network: the network to follow.
        half_life_kimg: thousands of real pictures after which an old weight counts half.
        rampup: the half-life is at most this share of the pictures seen, so the random start is soon forgotten.

    Attributes:
        network: the averaged copy, in eval mode.
    """

    def __init__(self, network: nn.Module, half_life_kimg: float, rampup: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life = half_life_kimg * 1000
        self.rampup = rampup

    @torch.no_grad()
    def update(self, network: nn.Module, images_seen: int, batch: int) -> None:
        """Move toward ``network`` after a step that showed ``batch`` pictures, the last of them number ``images_seen``."""
        half_life = min(self.half_life, images_seen * self.rampup)
        decay = 0.5 ** (batch / max(half_life, 1e-8))
        averaged, current = self.network.state_dict(), network.state_dict()
        floats = [name for name, value in averaged.items() if value.is_floating_point()]
        torch._foreach_lerp_([averaged[n] for n in floats], [current[n] for n in floats], 1 - decay)
        for name in averaged.keys() - set(floats):
            averaged[name].copy_(current[name])


@torch.no_grad()
def calibrated(network: nn.Module, inputs: Iterable[tuple[Tensor, ...]]) -> nn.Module:
    """A copy of an averaged generator whose batch-norm statistics are those of its own activations.

    Averaged statistics belong to the weights they were gathered with; averaged weights have slightly different ones, and the
    difference shows as washed-out colours.

    Args:
        network: an averaged generator, left as it is.
        inputs: the arguments of each of some forward passes.
    """
    network = copy.deepcopy(network)
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return network
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all passes
    network.train()
    for arguments in inputs:
        network(*arguments)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    return network.eval()

"""The averaged generator, which is sampled and saved instead of the noisy last iterate."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class EMA:
    """Exponential moving average of a network's weights and float buffers (Karras et al. 2018, section 4.1).

    Args:
        network: the network to follow.
        half_life_kimg: thousands of real images after which the weight of an old value halves.
        rampup: the half-life is at most this fraction of the images seen, so that the random start is soon forgotten.

    Attributes:
        network: the averaged copy, in eval mode.
    """

    def __init__(self, network: nn.Module, half_life_kimg: float, rampup: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life = half_life_kimg * 1000
        self.rampup = rampup

    @torch.no_grad()
    def update(self, network: nn.Module, images_seen: int, batch: int) -> None:
        """Move toward ``network`` after a step with ``batch`` images; ``images_seen`` includes them."""
        half_life = min(self.half_life, images_seen * self.rampup)
        decay = 0.5 ** (batch / max(half_life, 1e-8))
        averaged, current = self.network.state_dict(), network.state_dict()
        floats = [name for name, value in averaged.items() if value.is_floating_point()]
        torch._foreach_lerp_([averaged[n] for n in floats], [current[n] for n in floats], 1 - decay)
        for name in averaged.keys() - set(floats):
            averaged[name].copy_(current[name])


@torch.no_grad()
def calibrated(network: nn.Module, inputs: Iterable[tuple[Tensor, ...]]) -> nn.Module:
    """A copy of an averaged generator with batch norm statistics recomputed from its own activations.

    The averaged statistics were collected with other weights. With them, colours look washed out.

    Args:
        network: an averaged generator; it is not changed.
        inputs: the arguments of some forward passes.
    """
    network = copy.deepcopy(network)
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return network
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # an unweighted mean over all passes
    network.train()
    for arguments in inputs:
        network(*arguments)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    return network.eval()

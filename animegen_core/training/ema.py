"""The averaged generator: what is sampled and shipped instead of the noisy last iterate."""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

_CALIBRATION_BATCH = 128
_CALIBRATION_BATCHES = 32


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


def calibrated(network: nn.Module, latent_dim: int, seed: int = 0) -> nn.Module:
    """A copy of an averaged generator whose batch-norm statistics are those of its own activations.

    Averaged statistics belong to the weights they were gathered with; averaged weights have slightly different ones, and
    the difference shows as washed-out colours. Draws from a generator of its own, so training's random stream is untouched.
    """
    network = copy.deepcopy(network)
    device = next(network.parameters()).device
    source = torch.Generator().manual_seed(seed)
    latents = (torch.randn(_CALIBRATION_BATCH, latent_dim, generator=source) for _ in range(_CALIBRATION_BATCHES))
    update_bn(latents, network, device)
    return network

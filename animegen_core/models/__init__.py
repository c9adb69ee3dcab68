"""Networks only: no files, no training, no interface. ``GENERATORS`` maps a family's name to its generator class."""

from torch import nn

from animegen_core.models import dcgan, stylegan, stylegan2

GENERATORS: dict[str, type[nn.Module]] = {
    "dcgan": dcgan.Generator,
    "conditional-dcgan": dcgan.ConditionalGenerator,
    "stylegan": stylegan.StyleGANGenerator,
    "stylegan2": stylegan2.StyleGAN2Generator,
}


def count_parameters(network: nn.Module) -> int:
    """Number of learnable parameters (buffers such as batch-norm statistics do not count)."""
    return sum(parameter.numel() for parameter in network.parameters())

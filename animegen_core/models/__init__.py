"""Networks only: no files, no training, no interface. ``families.FAMILIES`` lists the generators."""

from torch import nn


def count_parameters(network: nn.Module) -> int:
    """Number of learnable parameters (buffers such as batch-norm statistics do not count)."""
    return sum(parameter.numel() for parameter in network.parameters())

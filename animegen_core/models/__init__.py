"""Networks, without files, training and interface. ``families.FAMILIES`` lists the generators."""

from torch import nn


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters, without buffers such as batch norm statistics."""
    return sum(parameter.numel() for parameter in network.parameters())

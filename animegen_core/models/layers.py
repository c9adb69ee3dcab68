"""Primitives used by more than one family of networks."""

from torch import nn


def init_dcgan_weights(module: nn.Module) -> None:
    """Draw weights as the DCGAN paper does (Radford et al. 2016, section 4): N(0, 0.02), batch-norm scale N(1, 0.02).

    Meant for ``network.apply(init_dcgan_weights)``; biases start at zero.
    """
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)

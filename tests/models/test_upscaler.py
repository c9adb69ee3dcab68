"""The upscaler is interpolation at first, and then learns in all of its layers."""

import pytest
import torch
import torch.nn.functional as F

from animegen_core.errors import AnimeGenError
from animegen_core.models import count_parameters
from animegen_core.models.upscaler import Upscaler


def bicubic(images, scale):
    return F.interpolate(images, scale_factor=scale, mode="bicubic", align_corners=False)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_untrained_it_is_interpolation_to_the_last_bit(scale, dtype):
    images = torch.rand(2, 3, 5, 7) * 2 - 1
    enlarged = Upscaler(channels=4, blocks=2, scale=scale).to(dtype)(images)
    assert enlarged.shape == (2, 3, 5 * scale, 7 * scale) and enlarged.dtype == torch.float32
    assert torch.equal(enlarged, bicubic(images, scale))


def test_a_pixel_of_detail_lies_where_the_tail_puts_it():
    upscaler = Upscaler(channels=4, blocks=1, scale=2)
    with torch.no_grad():
        upscaler.tail.bias[4 * 1 + 2 * 1 + 0] = 1.0  # green, lower row, left column
    images = torch.zeros(1, 3, 3, 3)
    detail = torch.zeros(1, 3, 6, 6)
    detail[:, 1, 1::2, 0::2] = 1.0
    assert torch.equal(upscaler(images), detail)


def test_every_layer_learns():
    torch.manual_seed(0)
    upscaler = Upscaler(channels=8, blocks=2)
    before = {name: value.clone() for name, value in upscaler.state_dict().items()}
    optimizer = torch.optim.SGD(upscaler.parameters(), 0.1)
    images, target = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32)
    for _ in range(4):  # what lies before a layer of zeros begins one step later
        optimizer.zero_grad()
        (upscaler(images) - target).abs().sum().backward()
        optimizer.step()
    unchanged = [name for name, value in upscaler.state_dict().items() if torch.equal(value, before[name])]
    assert not unchanged


def test_it_is_compact_and_its_config_makes_it_again():
    upscaler = Upscaler()
    assert count_parameters(upscaler) < 1_000_000
    again = Upscaler(**upscaler.config)
    assert [p.shape for p in again.parameters()] == [p.shape for p in upscaler.parameters()]


@pytest.mark.parametrize("arguments", [dict(channels=0), dict(blocks=2.5), dict(blocks=65), dict(scale=1), dict(scale=True)])
def test_bad_arguments_are_named(arguments):
    (name,) = arguments
    with pytest.raises(AnimeGenError, match=f"{name} is .* must be a whole number from"):
        Upscaler(**arguments)

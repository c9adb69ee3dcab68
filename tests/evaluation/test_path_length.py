import math

import pytest
import torch
from torch import nn

from animegen_core.checkpoint import load_checkpoint
from animegen_core.evaluation.path_length import path_length


class _Latent(nn.Module):
    """Draws its latent itself, times a factor."""

    latent_dim = 192

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, z):
        return (self.factor * z).view(-1, 3, 8, 8)


def test_the_length_of_a_straight_generator_is_that_of_its_way():
    # Random latents are a right angle apart and sqrt(D) long, so the way along the sphere has the speed pi / 2 sqrt(D).
    expected = (math.pi / 2) ** 2 * 192
    length = path_length(_Latent(1.0), nn.Flatten(), pairs=200)
    assert length.value == pytest.approx(expected, rel=0.05)
    assert length.low < length.value < length.high
    assert path_length(_Latent(3.0), nn.Flatten(), pairs=200).value == pytest.approx(9 * length.value, rel=0.01)
    assert path_length(_Latent(0.0), nn.Flatten(), pairs=200).value == 0


@pytest.mark.parametrize("family", ["stylegan", "stylegan2"])
def test_style_based_generators_move_in_w(family_checkpoints, family):
    generator = load_checkpoint(family_checkpoints[family]).generator
    drawn = []
    draw, generator.synthesize = generator.synthesize, lambda ws: drawn.append(ws) or draw(ws)
    length = path_length(generator, nn.Flatten(), pairs=20)
    here, there = drawn
    assert torch.equal(here, here[:, :1].expand_as(here))  # the same w for all layers
    assert length.value == path_length(generator, nn.Flatten(), pairs=20).value > 0
    assert (there - here).norm(dim=2).max() < 0.1 * here.norm(dim=2).min()

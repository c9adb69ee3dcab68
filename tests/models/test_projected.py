"""A discriminator on frozen, randomly mixed features."""

import math

import pytest
import torch

from animegen_core.errors import AnimeGenError
from animegen_core.models.projected import ProjectedDiscriminator, ProjectedFeatures

SHAPES = ((8, 16), (16, 4))


@pytest.fixture(scope="module")
def images():
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def features(images):
    features = ProjectedFeatures("efficientnet-lite0")
    features.calibrate(images)
    return features


def test_after_calibration_every_map_has_a_standard_deviation_of_one(features, images):
    maps = features(images)
    assert [tuple(x.shape[1:]) for x in maps] == [(width, side, side) for width, side in features.shapes]
    assert all(abs(float(x.std()) - 1) < 1e-3 for x in maps)


def test_the_mixing_is_the_same_in_every_run_and_only_deviations_are_saved(features, images):
    torch.manual_seed(123)
    again = ProjectedFeatures("efficientnet-lite0")
    again.load_state_dict(features.state_dict())
    assert list(features.state_dict()) == ["deviations"]
    assert all(torch.equal(a, b) for a, b in zip(features(images), again(images)))


def test_small_maps_reach_the_largest_mixed_one(features, images, monkeypatch):
    maps = features(images)
    monkeypatch.setattr(features, "across_scales_2", torch.zeros_like(features.across_scales_2))
    cut = features(images)
    assert torch.equal(maps[3], cut[3]) and not any(torch.equal(maps[level], cut[level]) for level in (0, 1, 2))


def test_a_size_without_features_is_refused():
    with pytest.raises(AnimeGenError, match=r"is 100, but must be one of 128, 256, 512"):
        ProjectedFeatures("efficientnet-lite0", 100)


def test_each_head_gives_sixteen_logits_of_every_image():
    maps = [torch.randn(3, channels, side, side) for channels, side in SHAPES]
    assert ProjectedDiscriminator(SHAPES)(maps).shape == (3, 2 * 16)


def test_labels_are_projected_onto_the_features_of_each_place():
    torch.manual_seed(0)
    network = ProjectedDiscriminator(((16, 4),), label_dims=(12, 11)).eval()  # evaluation: no power iteration
    maps, labels = [torch.randn(3, 16, 4, 4)], torch.tensor([[2, -1], [-1, -1], [2, 5]])
    plain = network(maps)
    assert torch.equal(network(maps, labels), plain)  # the vectors start at zero

    (head,) = network.heads
    hair, eyes = (torch.randn(16) for _ in range(2))
    head.embedding.tables[0].weight.data[1 + 2], head.embedding.tables[1].weight.data[1 + 5] = hair, eyes
    features = head.layers(maps[0]).flatten(2)  # (3, 16, 16)
    vectors = torch.stack([hair, torch.zeros(16), hair + eyes])
    expected = plain + torch.einsum("nc,ncp->np", vectors, features) / math.sqrt(16)
    torch.testing.assert_close(network(maps, labels), expected)


def test_weights_are_spectrally_normalised():
    torch.manual_seed(0)
    network = ProjectedDiscriminator(SHAPES).train()
    for _ in range(30):  # power iteration converges
        network([torch.randn(2, channels, side, side) for channels, side in SHAPES])
    for head in network.heads:
        for layer in head.layers:
            assert abs(float(torch.linalg.matrix_norm(layer.conv.weight.flatten(1), 2)) - 1) < 0.05

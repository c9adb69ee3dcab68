"""How far a reconstruction is from its image."""

import pytest
import torch

from animegen_core.helpers.reconstruction import FeatureDistance, laplacian_distance


@pytest.fixture(scope="module", params=["ImageNet", "faces"])
def features(request):
    return FeatureDistance.of_imagenet(64) if request.param == "ImageNet" else FeatureDistance.of_faces()


@pytest.fixture
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_an_image_is_not_far_from_itself(features, images):
    assert laplacian_distance(images, images).tolist() == [0, 0]
    assert features(images, images).abs().max() < 1e-5


def test_a_constant_difference_counts_once_and_a_chequerboard_in_the_finest_level_only():
    black, grey = torch.zeros(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.5)
    assert laplacian_distance(black, grey).item() == pytest.approx(0.5)
    chequers = ((torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1).expand(1, 3, 32, 32)
    assert laplacian_distance(black, chequers).item() == pytest.approx(1)


def test_each_image_has_its_own_distance(features, images):
    changed = torch.stack([images[0], -images[1]])
    for distances in (laplacian_distance(images, changed), features(images, changed)):
        assert distances.shape == (2,) and distances[0] < 1e-5 and distances[1] > 0.1


def test_features_mind_blur_more_than_pixels_do(features):
    torch.manual_seed(0)
    stripes = (torch.arange(64) // 4 % 2 * 2.0 - 1).expand(1, 3, 64, 64)
    blurred, brighter = torch.nn.functional.avg_pool2d(stripes, 5, 1, 2, count_include_pad=False), (stripes + 0.5).clamp(-1, 1)
    assert features(stripes, blurred) > features(stripes, brighter)


def test_only_the_reconstruction_has_a_gradient(features, images):
    real, fake = images.clone().requires_grad_(), (-images).requires_grad_()
    (features(real, fake).sum() + laplacian_distance(real.detach(), fake).sum()).backward()
    assert real.grad is None and fake.grad.abs().sum() > 0

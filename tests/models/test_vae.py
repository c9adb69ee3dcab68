import math

import pytest
import torch

from animegen_core.errors import AnimeGenError
from animegen_core.models.vae import VAE, sample

SMALL = dict(resolution=32, latent_dim=8, channel_base=256, channel_max=16)


def network(**changes):
    torch.manual_seed(0)
    return VAE(**SMALL | changes)


@pytest.mark.parametrize("resolution", [16, 64, 128])
def test_images_are_encoded_and_decoded_at_their_size(resolution):
    vae = network(resolution=resolution)
    images = torch.rand(2, 3, resolution, resolution) * 2 - 1
    mean, log_variance = vae.encode(images)
    assert mean.shape == log_variance.shape == (2, 8)
    decoded = vae(sample(mean, log_variance))
    assert decoded.shape == images.shape and decoded.abs().max() <= 1
    (decoded.sum() + mean.sum()).backward()
    assert all(parameter.grad is not None for parameter in vae.parameters())


def test_an_image_is_drawn_alone_as_in_its_batch():
    vae, z = network().train(), torch.randn(4, 8)
    assert torch.allclose(vae(z)[:1], vae(z[:1]), atol=1e-6)


def test_a_sample_has_the_mean_and_the_variance_of_the_posterior():
    torch.manual_seed(0)
    z = sample(torch.full((200_000, 1), 3.0), torch.full((200_000, 1), math.log(0.25)))
    assert z.mean() == pytest.approx(3, abs=0.01) and z.std() == pytest.approx(0.5, abs=0.01)


def test_psi_has_an_effect_beside_group_norm():
    vae, z = network(), torch.randn(8, 8)
    whole, half, mean = (vae(psi * z) for psi in (1, 0.5, 0))
    assert (whole - half).abs().mean() > 0.2 * (whole - mean).abs().mean()
    assert torch.equal(mean[0], mean[1]) and mean[0].std() > 0


def test_z_carries_the_image_before_training():
    mean, log_variance = network().encode(torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1)
    assert mean.std(0).mean() > 2 * (log_variance / 2).exp().mean()


def test_labels_reach_the_decoder_and_the_encoder_and_none_means_any():
    vae, z, images = network(label_dims=(3, 2)), torch.randn(1, 8), torch.rand(1, 3, 32, 32)
    labels = [torch.tensor([pair]) for pair in ((0, 1), (2, 1), (-1, -1))]
    faces = [vae(z, each) for each in labels]
    codes = [vae.encode(images, each)[0] for each in labels]
    for first, second, unknown in (faces, codes):
        assert not torch.equal(first, second) and not torch.equal(first, unknown)
    assert torch.equal(faces[2], vae(z)) and torch.equal(codes[2], vae.encode(images)[0])
    halves = vae(z, torch.tensor([[0.5, 0, 0.5, 0, 1]]))  # between two colours
    assert not torch.equal(halves, faces[0]) and not torch.equal(halves, faces[1])


def test_wild_images_give_finite_variances():
    vae = network()
    vae.posterior.weight.data *= 1e6
    assert vae.encode(torch.full((1, 3, 32, 32), 1e3))[1].exp().isfinite().all()


@pytest.mark.parametrize("change", [dict(resolution=48), dict(latent_dim=0), dict(channel_base=4)])
def test_bad_sizes_are_refused(change):
    with pytest.raises(AnimeGenError):
        network(**change)

"""A wider network begins as the narrow one whose weights it took."""

import pytest
import torch

from animegen_core.errors import AnimeGenError
from animegen_core.models import stylegan, stylegan2
from animegen_core.training import StyleGAN2Options, StyleGANOptions, Trainer
from animegen_core.training.recipes import StyleGAN2Recipe, StyleGANRecipe
from animegen_core.training.weights import take_weights

LATENT = dict(z_dim=8, w_dim=8, mapping_depth=2)
NARROW, WIDE = dict(channel_base=128, channel_max=32), dict(channel_base=320, channel_max=32)


def shaken(network):
    """With no weight at the special value that it starts with."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


def generator(family, resolution, channels):
    if family == "stylegan":
        return stylegan.StyleGANGenerator(resolution, **LATENT, **channels, layers_per_block=2)
    return stylegan2.StyleGAN2Generator(resolution, **LATENT, **channels, label_dims=(12, 11))


@pytest.mark.parametrize("wide", [WIDE, dict(channel_base=320, channel_max=48)], ids=["base", "base and most"])
@pytest.mark.parametrize("family", ["stylegan", "stylegan2"])
def test_a_wider_generator_draws_the_same_images(family, wide):
    torch.manual_seed(0)
    narrow, network = shaken(generator(family, 32, NARROW)), generator(family, 32, wide).eval()
    assert take_weights(network, narrow.state_dict()) == network.state_dict().keys()
    z = torch.randn(4, 8)
    images = narrow(z).detach()
    torch.testing.assert_close(network(z), images, rtol=0, atol=1e-3 * float(images.std()))


def test_a_generator_may_grow_and_become_wider_at_once():
    torch.manual_seed(0)
    narrow, network = shaken(generator("stylegan2", 16, NARROW)), generator("stylegan2", 64, WIDE).eval()
    take_weights(network, narrow.state_dict())
    z = torch.randn(4, 8)
    small = narrow(z).detach()
    for _ in range(2):
        small = torch.nn.functional.interpolate(small, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(network(z), small, rtol=0, atol=1e-3 * float(small.std()))


@pytest.mark.parametrize("family", ["stylegan", "stylegan2"])
def test_a_wider_discriminator_says_the_same(family):
    torch.manual_seed(0)
    labels = torch.randint(0, 11, (4, 2))
    known = (labels,) if family == "stylegan2" else ()
    kind = stylegan.StyleGANDiscriminator if family == "stylegan" else stylegan2.StyleGAN2Discriminator
    dims = dict(label_dims=(12, 11)) if known else {}
    narrow, network = shaken(kind(32, **NARROW, **dims)), kind(32, **WIDE, **dims)
    assert take_weights(network, narrow.state_dict()) == network.state_dict().keys()
    images = torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(network(images, *known), narrow(images, *known), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("recipe", "options"), [(StyleGANRecipe, StyleGANOptions), (StyleGAN2Recipe, StyleGAN2Options)])
def test_every_new_channel_is_heard_after_two_steps_and_learns(recipe, options, tmp_path):
    sizes = dict(resolution=16, latent_dim=8, mapping_depth=2, batch=4, precision="fp32", path_length_weight=0)
    narrow = Trainer(recipe(options(**sizes, channel_base=64, channel_max=8)), "cpu")
    narrow.save(tmp_path / "state.safetensors")
    trainer = Trainer(recipe(options(**sizes, channel_base=128, channel_max=16)), "cpu")
    trainer.start_from(tmp_path / "state.safetensors")
    before = {name: p.detach().clone() for name, p in trainer.generator.named_parameters()}
    real = torch.randn(4, 3, 16, 16)
    for _ in range(3):
        trainer.step(real)
    for name, after in trainer.generator.named_parameters():
        if name.endswith("weight") and after.ndim == 4:
            assert torch.ne(after, before[name]).flatten(2).any(2).all(), name  # every pair of channels


def test_other_latents_are_not_widened():
    torch.manual_seed(0)
    narrow = generator("stylegan2", 16, NARROW)
    network = stylegan2.StyleGAN2Generator(16, 16, 16, 2, **WIDE, label_dims=(12, 11))
    assert "synthesis.blocks.16.convs.0.weight" not in take_weights(network, narrow.state_dict())


def test_the_discriminator_may_have_other_channels(tmp_path):
    options = StyleGAN2Options(resolution=16, channel_base=256, channel_base_d=64, channel_max=16)
    trainer = Trainer(StyleGAN2Recipe(options), "cpu")
    assert trainer.generator.config["channel_base"] == 256 and trainer.discriminator.config["channel_base"] == 64
    with pytest.raises(AnimeGenError, match="channel_base is 8"):
        StyleGAN2Options(resolution=16, channel_base_d=8)

import pytest
import torch
from torch import nn

from animegen_core.errors import AnimeGenError
from animegen_core.families import FAMILIES
from animegen_core.models import count_parameters
from animegen_core.models.dcgan import ConditionalGenerator, Discriminator, Generator, one_hot

VARIANTS = [dict(), dict(extra_layers=2), dict(batch_norm=False), dict(extra_layers=2, batch_norm=False)]


def norms(network):
    return [module for module in network.modules() if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))]


def test_the_reference_networks_have_the_published_sizes():
    assert count_parameters(Generator()) == 3_600_256
    assert count_parameters(Discriminator()) == 2_765_568


@pytest.mark.parametrize("latent_dim", [50, 200, 512])
def test_another_latent_size_changes_only_the_projection(latent_dim):
    generator = Generator(latent_dim)
    assert count_parameters(generator) == 3_600_256 + (latent_dim - 100) * 8192
    assert generator.eval()(torch.randn(2, latent_dim)).shape == (2, 3, 64, 64)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_draws_pictures_in_range_and_judges_them(variant):
    torch.manual_seed(0)
    generator, discriminator = Generator(16, 4, **variant), Discriminator(4, **variant)
    images = generator(10 * torch.randn(5, 16))
    assert images.shape == (5, 3, 64, 64)
    assert images.abs().max() <= 1
    assert images.std() > 0
    logits = discriminator(images)
    assert logits.shape == (5,)
    logits.sum().backward()
    assert all(p.grad is not None for network in (generator, discriminator) for p in network.parameters())


def test_a_batch_of_one_has_one_logit():
    assert Discriminator(4).eval()(torch.zeros(1, 3, 64, 64)).shape == (1,)


def test_two_more_layers_are_two_more_convolutions():
    def convolutions(network):
        return sum(isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) for module in network.modules())

    for network in (Generator, Discriminator):
        assert convolutions(network(base_channels=4, extra_layers=2)) == convolutions(network(base_channels=4)) + 2


def test_no_batch_norm_means_none():
    assert norms(Generator(base_channels=4)) and norms(Discriminator(base_channels=4))
    assert not norms(Generator(base_channels=4, batch_norm=False)) + norms(Discriminator(base_channels=4, batch_norm=False))


@pytest.mark.parametrize("network", [Generator(extra_layers=1), Discriminator(extra_layers=1)])
def test_weights_start_as_in_the_paper(network):
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert abs(module.weight.mean().item()) < 0.002
    scales = torch.cat([norm.weight for norm in norms(network)])
    assert scales.mean().item() == pytest.approx(1, abs=0.01)
    assert scales.std().item() == pytest.approx(0.02, rel=0.2)
    assert all((value == 0).all() for name, value in network.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("variant", [dict(latent_dim=16, base_channels=4, extra_layers=1, batch_norm=False), dict()])
def test_the_recorded_arguments_build_the_same_network_again(variant):
    generator = Generator(**variant)
    again = FAMILIES["dcgan"].generator(**generator.config)
    assert again.config == generator.config
    again.load_state_dict(generator.state_dict())


@pytest.mark.parametrize("value", [0, -1, 4097, 1.5, "100", None, True])
@pytest.mark.parametrize(
    "network, name", [(Generator, "latent_dim"), (Generator, "base_channels"), (Discriminator, "base_channels")]
)
def test_a_size_out_of_range_is_refused_by_name(network, name, value):
    with pytest.raises(AnimeGenError, match=f"{name} is {value!r}, but must be a whole number from 1 to 4096"):
        network(**{name: value})


def test_a_negative_number_of_extra_layers_is_refused():
    for network in (Generator, Discriminator):
        with pytest.raises(AnimeGenError, match="extra_layers is -1"):
            network(extra_layers=-1)


def test_soft_labels_lie_between_two_colours():
    torch.manual_seed(0)
    generator, z = ConditionalGenerator(latent_dim=8, base_channels=4).eval(), torch.randn(2, 8)
    red, blue = (torch.tensor([[index, -1]] * 2) for index in (10, 3))
    soft = [one_hot(labels, generator.label_dims, 2, z.device) for labels in (red, blue)]
    assert torch.equal(generator(z, soft[0]), generator(z, red))
    half = generator(z, (soft[0] + soft[1]) / 2)
    assert (half - generator(z, red)).abs().max() > 0 and (half - generator(z, blue)).abs().max() > 0
    with pytest.raises(AnimeGenError, match="Labels have shape"):
        generator(z, soft[0][:, :-1])

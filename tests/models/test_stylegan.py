import pytest
import torch

from animegen_core.errors import AnimeGenError
from animegen_core.models import count_parameters
from animegen_core.models.stylegan import AdaIN, MappingNetwork, StyleGANDiscriminator, StyleGANGenerator

TINY = dict(resolution=16, z_dim=8, w_dim=6, mapping_depth=2, channel_base=64, channel_max=8)
TINY_JUDGE = dict(resolution=16, channel_base=64, channel_max=8)


def tiny(seed=0, **changes):
    torch.manual_seed(seed)
    return StyleGANGenerator(**{**TINY, **changes})


def with_noise(generator):
    """Noise strengths start at zero; give them a value."""
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.5)
    return generator


def test_the_reference_networks_have_the_sizes_of_the_design():
    generator = StyleGANGenerator()
    assert generator.latent_dim == generator.w_dim == 512
    assert len(generator.mapping.layers) == 8
    assert generator.synthesis.const.shape == (1, 512, 4, 4)
    widths = [block[-1].conv.weight.shape[0] for block in generator.synthesis.blocks.values()]
    assert widths == [512, 512, 256, 128, 64]
    assert generator.synthesis.to_rgb.weight.shape == (3, 64, 1, 1)
    assert generator.noise_shapes() == [(1, 1, r, r) for r in (4, 8, 16, 32, 64)]
    assert count_parameters(generator) == 9_889_731
    assert count_parameters(StyleGANDiscriminator()) == 14_037_569


@pytest.mark.parametrize(
    "changes, num_layers, crossovers",
    [
        ({}, 3, (2, 3)),
        (dict(layers_per_block=2), 6, (4, 6)),
        (dict(resolution=64), 5, (2, 4)),
        (dict(resolution=128, channel_base=128, layers_per_block=2), 12, (4, 8)),
    ],
)
def test_every_variant_draws_pictures(changes, num_layers, crossovers):
    generator = tiny(**changes).eval()
    assert generator.num_layers == num_layers and generator.crossovers == crossovers
    assert generator.label_dims == ()
    z = torch.randn(3, 8)
    w = generator.map(z)
    images = generator(z)
    assert w.shape == (3, 6) and images.shape == (3, 3, generator.resolution, generator.resolution)
    assert images.isfinite().all() and 0.01 < images.std() < 10
    # Within rounding, as a repeated w lies in memory otherwise than an expanded one.
    torch.testing.assert_close(images, generator.synthesize(w[:, None].repeat(1, num_layers, 1)), atol=1e-3, rtol=0)
    assert torch.equal(images, generator(z))
    # Layers of one channel, as the last variant has, raise rounding to 6e-5 at most of 40 draws.
    torch.testing.assert_close(images[1:2], generator(z[1:2]), atol=1e-4, rtol=0)


def test_the_recorded_arguments_build_the_same_network_again():
    generator = tiny()
    again = StyleGANGenerator(**generator.config)
    again.load_state_dict(generator.state_dict())
    z = torch.randn(2, 8)
    assert torch.equal(generator.eval()(z), again.eval()(z))
    judge = StyleGANDiscriminator(**TINY_JUDGE)
    StyleGANDiscriminator(**judge.config).load_state_dict(judge.state_dict())


def test_the_mapping_normalises_z_and_stays_in_full_precision():
    mapping, z = MappingNetwork(8, 6, 3), torch.randn(4, 8)
    torch.testing.assert_close(mapping(z), mapping(5 * z))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mapping(z), mapping(z.clone())) and mapping(z).dtype == torch.float32


def test_adain_gives_each_channel_the_mean_and_deviation_of_its_style():
    torch.manual_seed(0)
    adain, x, w = AdaIN(5, 6), 3 + 2 * torch.randn(4, 5, 8, 8), torch.randn(4, 6)
    y = adain(x, w)
    scale, shift = adain.affine(w).chunk(2, dim=1)
    torch.testing.assert_close(y.mean((2, 3)), shift)
    torch.testing.assert_close(y.std((2, 3), correction=0), (1 + scale).abs())


def test_each_layer_listens_to_its_own_w():
    generator = tiny(layers_per_block=2).eval()
    w, other = generator.map(torch.randn(2, 8))
    ws = w.expand(1, 6, -1)
    images = generator.synthesize(ws)
    for layer in range(6):
        changed = ws.clone()
        changed[:, layer] = other
        assert not torch.allclose(images, generator.synthesize(changed))


def test_noise_is_drawn_in_training_and_left_out_in_evaluation():
    generator = with_noise(tiny())
    ws = torch.randn(2, 3, 6)
    assert not torch.equal(generator.synthesize(ws), generator.synthesize(ws))
    generator.eval()
    none = [torch.zeros(shape) for shape in generator.noise_shapes()]
    torch.testing.assert_close(generator.synthesize(ws), generator.synthesize(ws, none))


def test_given_noise_belongs_to_its_picture():
    generator = with_noise(tiny())  # in train mode too
    ws = torch.randn(2, 3, 6)
    noise = [torch.randn(2, *shape[1:]) for shape in generator.noise_shapes()]
    images = generator.synthesize(ws, noise)
    torch.testing.assert_close(images[1:], generator.synthesize(ws[1:], [n[1:] for n in noise]))
    assert not torch.allclose(images, generator.synthesize(ws, [n.flip(0) for n in noise]))
    shared = generator.synthesize(ws, [n[:1] for n in noise])
    torch.testing.assert_close(shared[:1], images[:1])


def test_the_mean_of_w_is_followed():
    generator = tiny()
    assert torch.equal(generator.w_avg, torch.zeros(6)) and "w_avg" in generator.state_dict()
    w = torch.randn(10, 6, requires_grad=True)
    generator.update_w_avg(w, decay=0.9)
    torch.testing.assert_close(generator.w_avg, 0.1 * w.mean(0).detach())
    assert not generator.w_avg.requires_grad


@pytest.mark.parametrize("layers_per_block", [1, 2])
def test_gradients_reach_every_parameter(layers_per_block):
    generator = tiny(layers_per_block=layers_per_block)
    discriminator = StyleGANDiscriminator(**TINY_JUDGE)
    discriminator(generator(torch.randn(4, 8))).square().sum().backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_gradients_of_gradients_for_path_length_and_r1():
    generator, discriminator = tiny(), StyleGANDiscriminator(**TINY_JUDGE)
    ws = torch.randn(2, 3, 6, requires_grad=True)
    images = generator.synthesize(ws)
    (slope,) = torch.autograd.grad((images * torch.randn_like(images)).sum(), ws, create_graph=True)
    slope.square().sum().sqrt().backward()
    real = torch.randn(4, 3, 16, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    slope.square().sum().backward()
    for network, first in ((generator.synthesis, generator.synthesis.blocks["4"][0].conv), (discriminator, discriminator.conv)):
        assert first.weight.grad.any()
        assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_discriminator_gives_one_logit_a_picture(count):
    torch.manual_seed(0)
    discriminator = StyleGANDiscriminator(**TINY_JUDGE)
    images = torch.randn(count, 3, 16, 16)
    assert discriminator(images).shape == (count,)
    assert discriminator.features(images).shape == (count, discriminator.feature_dim)
    with torch.autocast("cpu", torch.bfloat16):
        logits = discriminator(images)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, discriminator(images), atol=0.1, rtol=0.1)


def test_the_discriminator_sees_that_pictures_are_all_alike():
    torch.manual_seed(0)
    discriminator = StyleGANDiscriminator(**TINY_JUDGE)
    image = torch.randn(1, 3, 16, 16)
    alone = discriminator(torch.cat([image, torch.randn(3, 3, 16, 16)]))[0]
    assert not torch.allclose(discriminator(image.expand(4, -1, -1, -1))[0], alone)


def test_bfloat16_stays_close():
    generator, z = tiny().eval(), torch.randn(2, 8)
    with torch.autocast("cpu", torch.bfloat16):
        images = generator(z)
    assert images.dtype == torch.float32
    assert (images - generator(z)).abs().mean() < 0.05 * images.std()


@pytest.mark.parametrize(
    "name, value",
    [("z_dim", 0), ("w_dim", -1), ("mapping_depth", 0), ("channel_base", 8), ("channel_max", 0), ("layers_per_block", 5)],
)
def test_a_size_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(AnimeGenError, match=f"{name} is {value}, but must be a whole number from"):
        StyleGANGenerator(**{**TINY, name: value})


def test_what_does_not_fit_the_generator_is_refused():
    generator = tiny()
    with pytest.raises(AnimeGenError, match=r"ws have shape \(1, 4, 6\), but must be \(N, 3, 6\)"):
        generator.synthesize(torch.zeros(1, 4, 6))
    shapes = generator.noise_shapes()
    with pytest.raises(AnimeGenError, match="Noise was given for 2 layers, but must be for 3"):
        generator.synthesize(torch.zeros(1, 3, 6), [torch.zeros(shape) for shape in shapes[:2]])
    with pytest.raises(AnimeGenError, match=r"Noise has shape \(1, 1, 16, 16\), but must be \(1, 1, 4, 4\)"):
        generator.synthesize(torch.zeros(1, 3, 6), [torch.zeros(shape) for shape in shapes[::-1]])
    with pytest.raises(AnimeGenError, match="unconditional"):
        generator(torch.zeros(1, 8), torch.zeros(1, 2, dtype=torch.int64))
    with pytest.raises(AnimeGenError, match="group_size is 0"):
        StyleGANDiscriminator(group_size=0)

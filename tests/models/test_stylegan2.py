import math

import pytest
import torch
import torch.nn.functional as F

from animegen_core.errors import AnimeGenError
from animegen_core.models.layers import upsample
from animegen_core.models.stylegan2 import ModulatedConv, StyleGAN2Discriminator, StyleGAN2Generator, ToRGB

TINY = dict(resolution=16, z_dim=8, w_dim=6, mapping_depth=2, channel_base=64, channel_max=8, label_dims=(12, 11))
TINY_JUDGE = dict(resolution=16, channel_base=64, channel_max=8, label_dims=(12, 11))
LABELS = torch.tensor([[0, 10], [11, -1], [-1, 3], [5, 5]])


def tiny(seed=0, **changes):
    torch.manual_seed(seed)
    return StyleGAN2Generator(**{**TINY, **changes})


def judge(seed=0, **changes):
    torch.manual_seed(seed)
    return StyleGAN2Discriminator(**{**TINY_JUDGE, **changes})


def textbook_conv(layer, x, w, noise):
    """Equations 1 and 3 as printed: each picture gets weights of its own, all convolved at once as groups."""
    count, channels = len(x), x.shape[1]
    weight = layer.weight * layer.affine(w).view(count, 1, channels, 1, 1)  # (N, O, I, 3, 3)
    weight = weight / (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    x = upsample(x) if layer.up else x
    x = F.conv2d(x.flatten(0, 1).unsqueeze(0), weight.flatten(0, 1), padding=1, groups=count).unflatten(1, (count, -1))[0]
    return F.leaky_relu(math.sqrt(2) * x + layer.bias.view(-1, 1, 1) + layer.noise_strength * noise, 0.2)


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_unfused_convolution_is_the_textbook_one(up, layout):
    torch.manual_seed(0)
    layer = ModulatedConv(7, 5, 6, up).to(memory_format=layout)
    torch.nn.init.normal_(layer.bias)
    torch.nn.init.constant_(layer.noise_strength, 0.7)
    x, w = torch.randn(3, 7, 8, 8).contiguous(memory_format=layout), torch.randn(3, 6)
    noise = torch.randn(3, 1, 16, 16) if up else torch.randn(1, 1, 8, 8)
    torch.testing.assert_close(layer(x, w, noise), textbook_conv(layer, x, w, noise))


def test_its_gradients_are_the_textbook_ones():
    torch.manual_seed(0)
    layer = ModulatedConv(4, 4, 6, False)
    x, w, noise = torch.randn(2, 4, 8, 8), torch.randn(2, 6), torch.randn(2, 1, 8, 8)
    parameters = list(layer.parameters())
    ours = torch.autograd.grad(layer(x, w, noise).square().sum(), parameters)
    theirs = torch.autograd.grad(textbook_conv(layer, x, w, noise).square().sum(), parameters)
    for own, their in zip(ours, theirs):
        torch.testing.assert_close(own, their, rtol=1e-3, atol=1e-4)


def test_demodulation_keeps_the_variance_whatever_the_style():
    torch.manual_seed(0)
    layer, x = ModulatedConv(64, 64, 6, False), torch.randn(4, 64, 16, 16)
    for loudness in (1, 100):
        y = layer(x, loudness * torch.randn(4, 6), None)[:, :, 1:-1, 1:-1]
        assert y.square().mean().item() == pytest.approx(1.04, rel=0.2)


def test_the_output_to_rgb_is_modulated_and_not_demodulated():
    torch.manual_seed(0)
    layer, x, w = ToRGB(7, 6), torch.randn(3, 7, 8, 8), torch.randn(3, 6)
    weight = layer.weight * layer.affine(w)[:, None] / math.sqrt(7)  # (N, 3, C)
    torch.testing.assert_close(layer(x, w), torch.einsum("nchw,nrc->nrhw", x, weight) + layer.bias.view(3, 1, 1))


@pytest.mark.parametrize("resolution, num_layers, crossovers", [(16, 6, (4, 6)), (64, 10, (4, 8)), (128, 12, (4, 8))])
@pytest.mark.parametrize("label_dims", [(12, 11), (5,), ()])
def test_every_variant_draws_pictures_and_judges_them(resolution, num_layers, crossovers, label_dims):
    sizes = dict(resolution=resolution, channel_base=256, label_dims=label_dims)
    generator, discriminator = tiny(**sizes).eval(), judge(**sizes)
    assert generator.num_layers == num_layers and generator.crossovers == crossovers
    assert generator.label_dims == discriminator.label_dims == label_dims
    assert len(generator.noise_shapes()) == num_layers - 1
    assert generator.noise_shapes()[0] == (1, 1, 4, 4) and generator.noise_shapes()[-1] == (1, 1, resolution, resolution)
    z, labels = torch.randn(3, 8), torch.tensor([[i % n for n in label_dims] for i in range(3)]) if label_dims else None
    images = generator(z, labels)
    assert images.shape == (3, 3, resolution, resolution) and images.dtype == torch.float32
    assert images.isfinite().all() and 0.1 < images.std() < 10
    assert torch.equal(images, generator(z, labels))
    torch.testing.assert_close(images[1:2], generator(z[1:2], None if labels is None else labels[1:2]), atol=1e-5, rtol=1e-4)
    assert discriminator(images, labels).shape == (3,)


def test_the_recorded_arguments_build_the_same_network_again():
    generator = tiny()
    again = StyleGAN2Generator(**generator.config)
    assert again.config == generator.config and again.config["label_dims"] == [12, 11]
    again.load_state_dict(generator.state_dict())
    z = torch.randn(4, 8)
    assert torch.equal(generator.eval()(z, LABELS), again.eval()(z, LABELS))
    StyleGAN2Discriminator(**judge().config).load_state_dict(judge().state_dict())


def test_a_larger_network_finds_the_blocks_of_a_smaller_one():
    for small, large in ((tiny(), tiny(resolution=32)), (judge(), judge(resolution=32))):
        weights, larger = small.state_dict(), large.state_dict()
        missing = {name for name in weights if name not in larger or weights[name].shape != larger[name].shape}
        assert {name.split(".")[0] for name in missing} <= {"from_rgb"}


def test_labels_change_the_picture_and_any_is_the_zero_vector():
    generator = tiny().eval()
    z = torch.randn(1, 8).expand(4, -1)
    images = generator(z, LABELS)
    assert torch.pdist(images.flatten(1)).min() > 1e-3
    nothing = torch.full((4, 2), -1)
    assert torch.equal(generator(z), generator(z, nothing))
    with torch.no_grad():
        for table in generator.mapping.embedding.tables:
            table.weight.zero_()
    torch.testing.assert_close(generator(z, LABELS), generator(z))


def test_a_label_never_drowns_the_latent():
    network, z = tiny(label_dims=(3, 2)).eval().requires_grad_(False), torch.randn(64, 8)
    asked = torch.tensor([[1, 0]] * 64)
    spreads = []
    for length in (10, 1000):  # times that of z
        for table in network.mapping.embedding.tables:
            torch.nn.init.constant_(table.weight[1:], length)
        spreads.append(network.map(z, asked).std(0).norm())
    assert spreads[0] == pytest.approx(spreads[1].item(), rel=1e-3) and spreads[0] > 0.1 * network.map(z).std(0).norm()


def test_the_discriminator_projects_the_label_on_its_features():
    discriminator, images = judge(), torch.randn(4, 3, 16, 16)
    plain = discriminator(images)
    assert torch.equal(discriminator(images, LABELS), plain)  # labels start without a say
    for table in discriminator.embedding.tables:
        torch.nn.init.normal_(table.weight[1:])
    vectors, features = discriminator.embedding(LABELS), discriminator.features(images)
    wanted = plain + (vectors * features).sum(1) / math.sqrt(discriminator.feature_dim)
    torch.testing.assert_close(discriminator(images, LABELS), wanted)
    assert torch.equal(discriminator(images, torch.full((4, 2), -1)), plain)


def test_the_discriminator_tells_labels_by_the_same_vectors():
    network = judge(label_dims=(3, 2)).eval()
    for table in network.embedding.tables:
        torch.nn.init.normal_(table.weight[1:])
    network.twin.load_state_dict(network.embedding.state_dict())
    images, labels = torch.randn(3, 3, 16, 16), torch.tensor([[2, 1], [0, -1], [-1, -1]])
    logits, log_probability, by_the_twins = network(images, labels, classify_labels=True)
    assert torch.equal(logits, network(images, labels))
    assert torch.equal(log_probability, by_the_twins)
    alone = [network(images, torch.tensor([[hair, -1]] * 3)) for hair in range(3)]  # the same picture under every label
    hair = torch.stack(alone, 1).log_softmax(1)
    alone = [network(images, torch.tensor([[-1, eyes]] * 3)) for eyes in range(2)]
    eyes = torch.stack(alone, 1).log_softmax(1)
    torch.testing.assert_close(log_probability, torch.stack([hair[0, 2] + eyes[0, 1], hair[1, 0], torch.tensor(0.0)]))


def test_each_layer_listens_to_its_own_w():
    generator = tiny().eval()
    w, other = generator.map(torch.randn(2, 8))
    ws = w.expand(1, 6, -1)
    images = generator.synthesize(ws)
    for layer in range(6):
        changed = ws.clone()
        changed[:, layer] = other
        assert not torch.allclose(images, generator.synthesize(changed))


def test_given_noise_belongs_to_its_picture():
    generator, ws = tiny(), torch.randn(2, 6, 6)
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(parameter, 0.5)
    assert not torch.equal(generator.synthesize(ws), generator.synthesize(ws))  # drawn anew in train mode
    noise = [torch.randn(2, *shape[1:]) for shape in generator.noise_shapes()]
    images = generator.synthesize(ws, noise)
    torch.testing.assert_close(images[1:], generator.synthesize(ws[1:], [n[1:] for n in noise]))
    generator.eval()
    torch.testing.assert_close(generator.synthesize(ws), generator.synthesize(ws, [torch.zeros(n.shape) for n in noise]))


def test_gradients_reach_every_parameter():
    generator, discriminator = tiny(), judge()
    labels = torch.stack([torch.arange(12), torch.arange(12) % 11], dim=1)
    told = discriminator(generator(torch.randn(12, 8), labels), labels, classify_labels=True)
    sum(each.square().sum() for each in told).backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


@pytest.mark.parametrize("autocast", [False, True])
def test_gradients_of_gradients_for_path_length_and_r1(autocast):
    generator, discriminator = tiny(), judge()
    w = generator.map(torch.randn(2, 8), LABELS[:2])
    real = torch.randn(4, 3, 16, 16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        images = generator.synthesize(w[:, None].expand(-1, 6, -1))
        (path_slope,) = torch.autograd.grad((images * torch.randn_like(images)).sum(), w, create_graph=True)
        (real_slope,) = torch.autograd.grad(discriminator(real, LABELS).sum(), real, create_graph=True)
        (path_slope.norm(dim=1).sub(1).square().sum() + real_slope.square().sum()).backward()
    for weight in (
        generator.mapping.layers[0].weight,
        generator.synthesis.blocks["4"].convs[0].weight,
        discriminator.conv.weight,
    ):
        assert weight.grad.isfinite().all() and weight.grad.any()


def test_the_frozen_copy_draws_the_same_faces():
    generator = tiny(resolution=64, channel_base=1024, channel_max=64).train()
    z = torch.randn(4, 8)
    exact = generator.for_inference(torch.float32)
    quick = generator.for_inference()
    assert generator.training and not quick.training and not any(p.requires_grad for p in quick.parameters())
    wanted = generator.eval()(z, LABELS)
    torch.testing.assert_close(exact(z, LABELS), wanted, atol=1e-4, rtol=1e-4)
    assert quick(z, LABELS).dtype == torch.float32
    assert (quick(z, LABELS) - wanted).abs().mean() < 0.02 * wanted.std()
    assert quick.synthesis.blocks["64"].convs[1].weight.dtype == torch.bfloat16
    assert quick.state_dict().keys() == generator.state_dict().keys()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bfloat16_stays_close_and_styles_stay_exact(layout):
    generator, z = tiny(resolution=64, channel_base=1024).eval().to(memory_format=layout), torch.randn(4, 8)
    with torch.autocast("cpu", torch.bfloat16):
        images, w = generator(z, LABELS), generator.map(z, LABELS)
    assert torch.equal(w, generator.map(z, LABELS)) and images.dtype == torch.float32
    wanted = generator(z, LABELS)
    assert (images - wanted).abs().mean() < 0.05 * wanted.std()


def test_labels_that_do_not_fit_are_refused():
    images, z = torch.zeros(1, 3, 16, 16), torch.zeros(1, 8)
    for network, x in ((tiny(), z), (judge(), images)):
        with pytest.raises(AnimeGenError, match="Label 12 in column 0 is not an index from 0 to 11"):
            network(x, torch.tensor([[12, 0]]))
        with pytest.raises(AnimeGenError, match=r"Labels have shape \(1, 3\)"):
            network(x, torch.tensor([[1, 1, 1]]))
    for network, x in ((tiny(label_dims=()), z), (judge(label_dims=()), images)):
        with pytest.raises(AnimeGenError, match="unconditional"):
            network(x, torch.tensor([[1, 1]]))


@pytest.mark.parametrize("network", [StyleGAN2Generator, StyleGAN2Discriminator])
def test_sizes_out_of_range_are_refused(network):
    with pytest.raises(AnimeGenError, match="resolution is 100, but must be one of 16, 32, 64"):
        network(resolution=100)
    with pytest.raises(AnimeGenError, match="A number of label values is 0, but must be a whole number from 1 to 4096"):
        network(resolution=16, channel_base=16, label_dims=(12, 0))

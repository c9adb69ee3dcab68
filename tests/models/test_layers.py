import math

import pytest
import torch
import torch.nn.functional as F

from animegen_core.errors import AnimeGenError, check_whole
from animegen_core.models.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    LabelEmbedding,
    MinibatchStdDev,
    PixelNorm,
    channel_plan,
    downsample,
    full_precision,
    leaky_relu,
    upsample,
)


def test_equalized_layers_keep_the_variance_whatever_their_width():
    torch.manual_seed(0)
    for width in (16, 1024):
        assert EqualizedLinear(width, 512, gain=1)(torch.randn(512, width)).std().item() == pytest.approx(1, rel=0.1)
        x = leaky_relu(EqualizedLinear(width, 512)(torch.randn(512, width)))
        assert x.square().mean().item() == pytest.approx(1.04, rel=0.1)  # 1 + 0.2^2: the leak is extra
    inner = EqualizedConv2d(64, 64, 3, gain=1)(torch.randn(8, 64, 16, 16))[:, :, 1:-1, 1:-1]
    assert inner.std().item() == pytest.approx(1, rel=0.1)


def test_equalized_layers_are_plain_ones_with_scaled_weights():
    torch.manual_seed(0)
    linear, x = EqualizedLinear(6, 4, gain=1, lr_multiplier=0.01, bias_init=3), torch.randn(5, 6)
    wanted = F.linear(x, linear.weight / math.sqrt(6) * 0.01, torch.full((4,), 3.0))
    torch.testing.assert_close(linear(x), wanted)
    assert linear.weight.std().item() == pytest.approx(100, rel=0.5)
    conv, x = EqualizedConv2d(6, 4, 3), torch.randn(2, 6, 5, 5)
    torch.testing.assert_close(conv(x), F.conv2d(x, conv.weight * math.sqrt(2 / 54), padding=1))
    assert EqualizedConv2d(6, 4, 1, bias=False).bias is None


def test_the_learning_rate_multiplier_slows_a_layer_down():
    slow, fast = EqualizedLinear(4, 4, lr_multiplier=0.01), EqualizedLinear(4, 4)
    x, moved = torch.ones(1, 4), []
    for layer in (slow, fast):
        before = layer(x).detach()
        layer(x).sum().backward()
        torch.optim.Adam(layer.parameters(), 0.001).step()
        moved.append((layer(x) - before).abs().mean().item())
    assert moved[0] == pytest.approx(0.01 * moved[1], rel=0.01)


def test_pixel_norm():
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    torch.testing.assert_close(PixelNorm()(x), torch.tensor([[3, 4], [0, 0]]) / math.sqrt(12.5))
    assert PixelNorm()(torch.randn(2, 5, 3, 3, dtype=torch.bfloat16)).dtype == torch.float32


def test_minibatch_deviation_of_known_values():
    x = torch.zeros(8, 2, 2, 2)
    x[:2, 0] = 2  # in the first group of four, channel 0 is 2, 2, 0, 0: deviation 1; channel 1 is constant: 0
    y = MinibatchStdDev(4)(x)
    assert y.shape == (8, 3, 2, 2) and torch.equal(y[:, :2], x)
    torch.testing.assert_close(y[:4, 2], torch.full((4, 2, 2), 0.5), atol=1e-4, rtol=0)
    torch.testing.assert_close(y[4:, 2], torch.zeros(4, 2, 2), atol=2e-4, rtol=0)


@pytest.mark.parametrize("count, group", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 4), (9, 9), (10, 5)])
def test_a_batch_that_cannot_be_divided_takes_larger_groups(count, group):
    torch.manual_seed(0)
    x = torch.randn(count, 3, 4, 4)
    wanted = [part.std(0, correction=0).mean() for part in x.split(group)]
    added = MinibatchStdDev(4)(x)[:, 3]
    torch.testing.assert_close(added[::group, 0, 0], torch.stack(wanted), atol=2e-4, rtol=0)
    assert (added == added[:, :1, :1]).all()


def test_minibatch_deviation_of_equal_pictures_has_finite_gradients():
    x = torch.ones(4, 2, 4, 4, requires_grad=True)
    MinibatchStdDev()(x).sum().backward()
    assert x.grad.isfinite().all()


def test_resampling():
    ramp = torch.arange(8.0).expand(1, 2, 8, 8).contiguous(memory_format=torch.channels_last)
    assert upsample(ramp).shape == (1, 2, 16, 16) and downsample(ramp).shape == (1, 2, 4, 4)
    torch.testing.assert_close(upsample(ramp)[0, 0, 5, 1:-1], torch.arange(0.25, 7, 0.5))  # straight lines stay straight
    assert downsample(ramp)[0, 0, 0].tolist() == [0.5, 2.5, 4.5, 6.5]
    assert upsample(ramp).is_contiguous(memory_format=torch.channels_last)
    x = torch.randn(1, 2, 4, 4)
    s = torch.randn(1, 2, 1, 1)
    torch.testing.assert_close(upsample(x * s), upsample(x) * s)  # which the modulated convolution relies on


def test_an_embedding_is_the_sum_of_its_attributes_and_zero_for_any():
    embedding = LabelEmbedding((12, 11), 5)
    hair, eyes = (table.weight for table in embedding.tables)
    vectors = embedding(torch.tensor([[3, 10], [-1, 0], [11, -1], [-1, -1]]))
    torch.testing.assert_close(vectors, torch.stack([hair[4] + eyes[11], eyes[1], hair[12], torch.zeros(5)]))
    vectors.square().sum().backward()
    assert (hair.grad[0] == 0).all() and (eyes.grad[0] == 0).all()  # so it stays zero


@pytest.mark.parametrize(
    "labels, words",
    [
        (torch.zeros(2, 3, dtype=torch.int64), r"shape \(2, 3\) .* must be \(N, 2\), int64"),
        (torch.zeros(2, dtype=torch.int64), r"shape \(2,\)"),
        (torch.zeros(2, 2), "type torch.float32"),
        (torch.tensor([[12, 0]]), "Label 12 in column 0 is not an index from 0 to 11, nor -1 for any"),
        (torch.tensor([[0, 0], [0, -2]]), "Label -2 in column 1 is not an index from 0 to 10"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, words):
    with pytest.raises(AnimeGenError, match=words):
        LabelEmbedding((12, 11), 4)(labels)


def test_the_channels_of_each_resolution():
    assert channel_plan(64, 4096, 512) == {4: 512, 8: 512, 16: 256, 32: 128, 64: 64}
    assert channel_plan(16, 16, 256) == {4: 4, 8: 2, 16: 1}


@pytest.mark.parametrize("resolution", [8, 48, 2048, 64.5, "64", None, True])
def test_a_resolution_that_is_no_power_of_two_is_refused(resolution):
    with pytest.raises(AnimeGenError, match=f"resolution is {resolution!r}, but must be one of 16, 32, 64, 128"):
        channel_plan(resolution, 4096, 256)


def test_channels_out_of_range_are_refused():
    with pytest.raises(AnimeGenError, match="channel_base is 32, but must be a whole number from 64"):
        channel_plan(64, 32, 256)
    with pytest.raises(AnimeGenError, match="channel_max is 0"):
        channel_plan(64, 4096, 0)
    with pytest.raises(AnimeGenError, match="depth is True"):
        check_whole("depth", True, 1, 8)


def test_full_precision_ends_autocast():
    x = torch.randn(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16
        with full_precision(x):
            assert (x @ x).dtype == torch.float32

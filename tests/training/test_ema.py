import pytest
import torch
from torch import nn

from animegen_core.models.dcgan import Generator
from animegen_core.training.ema import EMA, calibrated


def filled(value: float) -> nn.Module:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    for tensor in network.state_dict().values():
        tensor.fill_(value)
    return network


def averages(ema) -> set[float]:
    """The distinct values in the averaged weights and float buffers."""
    floats = [t.flatten() for t in ema.network.state_dict().values() if t.is_floating_point()]
    return {round(value, 5) for value in torch.cat(floats).tolist()}


@pytest.mark.parametrize("batch", [1, 50, 250])
def test_an_old_weight_counts_half_after_the_half_life_whatever_the_batch(batch):
    ema = EMA(filled(0), half_life_kimg=0.5, rampup=1e9)
    for seen in range(batch, 501, batch):
        ema.update(filled(1), seen, batch)
    assert averages(ema) == {0.5}


def test_the_half_life_is_at_most_the_rampups_share_of_what_was_seen():
    ema = EMA(filled(0), half_life_kimg=1000, rampup=0.5)
    ema.update(filled(1), images_seen=200, batch=100)  # half-life 100: one half-life passes
    assert averages(ema) == {0.5}
    ema.update(filled(1), images_seen=400, batch=400)  # half-life 200: two more
    assert averages(ema) == {0.875}


def test_no_rampup_share_means_the_latest_weights():
    ema = EMA(filled(0), half_life_kimg=10, rampup=0)
    ema.update(filled(3), 100, 100)
    assert averages(ema) == {3}


def test_counters_of_batch_norm_are_copied():
    ema = EMA(filled(0), 1, 0.05)
    ema.update(filled(7), 100, 100)
    assert ema.network[1].num_batches_tracked == 7


def test_the_average_is_a_copy_that_learns_nothing_itself():
    network = filled(2)
    ema = EMA(network, 1, 0.05)
    network[0].weight.data.fill_(5)
    assert averages(ema) == {2}
    assert not ema.network.training
    assert not any(parameter.requires_grad for parameter in ema.network.parameters())


@pytest.fixture(scope="module")
def averaged():
    """A generator whose batch-norm statistics are far from its activations'."""
    torch.manual_seed(0)
    network = Generator(latent_dim=8, base_channels=4).eval()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.fill_(3)
            module.running_var.fill_(9)
    return network


def latents():
    source = torch.Generator().manual_seed(0)
    return [(torch.randn(128, 8, generator=source),) for _ in range(16)]


def activations_after_first_norm(network):
    with torch.no_grad():
        return network.project[:2](torch.randn(4096, 8, generator=torch.Generator().manual_seed(5)))


def test_calibrated_statistics_are_those_of_the_networks_own_activations(averaged):
    normed = activations_after_first_norm(calibrated(averaged, latents()))
    scale, shift = averaged.project[1].weight, averaged.project[1].bias
    torch.testing.assert_close(normed.mean(0), shift, atol=0.1, rtol=0)
    torch.testing.assert_close(normed.std(0), scale, atol=0.1, rtol=0)
    assert activations_after_first_norm(averaged).mean() < -0.5  # so there was something to calibrate


def test_calibration_leaves_the_average_alone(averaged):
    before = {name: value.clone() for name, value in averaged.state_dict().items()}
    copy = calibrated(averaged, latents())
    assert all(torch.equal(value, before[name]) for name, value in averaged.state_dict().items())
    assert not copy.training
    assert all(torch.equal(a, b) for a, b in zip(copy.parameters(), averaged.parameters()))


def test_a_network_without_batch_norm_needs_no_calibration():
    network = Generator(latent_dim=8, base_channels=4, batch_norm=False)
    copy = calibrated(network, latents())
    assert all(torch.equal(a, b) for a, b in zip(copy.parameters(), network.parameters()))

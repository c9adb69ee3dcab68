import math

import pytest

from animegen_core.errors import AnimeGenError
from animegen_core.training.options import ConditionalDCGANOptions, DCGANOptions


def test_the_defaults_are_those_of_the_reports():
    options = DCGANOptions()
    assert (options.batch, options.lr, options.beta1, options.beta2) == (128, 2e-4, 0.5, 0.999)
    assert (options.latent_dim, options.extra_layers, options.batch_norm) == (100, 0, True)
    assert (options.real_label_low, options.real_label_high) == (0.9, 0.9)


@pytest.mark.parametrize(
    "length, images",
    [
        (dict(), 100 * 500),
        (dict(epochs=3), 1500),
        (dict(epochs=0.5), 250),
        (dict(kimg=2), 2000),
        (dict(kimg=0.084 + 0.004), 88),  # not 88.00000000000001, which would be one batch more
        (dict(max_minutes=1), math.inf),
        (dict(max_minutes=1, epochs=2), 1000),
        (dict(max_minutes=1, kimg=1), 1000),
    ],
)
def test_how_many_pictures_a_run_shows(length, images):
    assert DCGANOptions(**length).target_images(500) == images


def test_epochs_and_kimg_exclude_each_other():
    with pytest.raises(AnimeGenError, match=r"epochs \(3\) or kimg \(2.5\), not both"):
        DCGANOptions(epochs=3, kimg=2.5)


@pytest.mark.parametrize(
    "name, value",
    [
        ("epochs", 0),
        ("kimg", -1),
        ("max_minutes", 0),
        ("batch", 0),
        ("batch", 1),
        ("batch", -4),
        ("lr", 0),
        ("lr", math.nan),
        ("beta1", 1),
        ("beta1", -0.1),
        ("beta2", 1.5),
        ("ema_kimg", -1),
        ("ema_rampup", -1),
        ("seed", -1),
        ("save_interval", 0),
        ("save_minutes", 0),
        ("log_interval", 0),
        ("precision", "fp8"),
        ("resolution", 128),
        ("resolution", 0),
        ("feature_matching", -1),
        ("feature_matching", math.nan),
    ],
)
def test_a_value_out_of_range_is_named_and_quoted(name, value):
    with pytest.raises(AnimeGenError) as error:
        DCGANOptions(**{name: value})
    assert name in str(error.value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("low, high", [(0.9, 1), (0.8, 0.8), (1, 1)])
def test_labels_of_real_pictures_may_be_a_range(low, high):
    DCGANOptions(real_label_low=low, real_label_high=high)


@pytest.mark.parametrize("low, high", [(1, 0.9), (0.5, 0.9), (0.9, 1.1), (-1, 1)])
def test_labels_that_make_no_sense_are_refused(low, high):
    with pytest.raises(AnimeGenError, match="but must satisfy"):
        DCGANOptions(real_label_low=low, real_label_high=high)


@pytest.mark.parametrize("size", ["15", "MB", "15 bytes", "-3MB", "0KB", "1e9GB", ""])
def test_a_shard_size_that_is_none_is_refused(size):
    with pytest.raises(AnimeGenError, match="such as 15MB") as error:
        DCGANOptions(export_shards=size)
    assert repr(size) in str(error.value)


def test_an_unknown_way_to_sample_labels_lists_the_known_ones():
    with pytest.raises(AnimeGenError, match=r"label_sampling 'fair'; choose one of: frequency, sqrt"):
        ConditionalDCGANOptions(label_sampling="fair")

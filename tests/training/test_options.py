import math
from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animegen_core.errors import AnimeGenError, quote
from animegen_core.families import FAMILIES
from animegen_core.training.helpers.encoder import EncoderOptions
from animegen_core.training.helpers.labelled import LabelledOptions
from animegen_core.training.helpers.upscaler import UpscalerOptions
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


TOO_LOW = st.floats(max_value=-1e-9) | st.integers(max_value=-1) | st.sampled_from([math.nan, -(10**400)])
NO_NUMBER = st.booleans() | st.none() | st.text() | st.lists(st.integers())
HELPERS = [EncoderOptions, UpscalerOptions, LabelledOptions]
WRONG = {  # what no option of this type may be
    int: TOO_LOW | NO_NUMBER | st.floats(),
    float: TOO_LOW | NO_NUMBER,
    bool: st.none() | st.text() | st.integers(),
    str: st.integers() | st.booleans() | st.lists(st.text()),
}


@pytest.mark.parametrize("kind", [*(family.options for family in FAMILIES.values()), *HELPERS], ids=lambda kind: kind.__name__)
@settings(max_examples=60)
@given(st.data())
def test_a_value_that_no_option_can_have_is_named_and_quoted(kind, data):
    option = data.draw(st.sampled_from(fields(kind)))
    types = get_args(option.type) or (option.type,)
    value = data.draw(WRONG[types[0]].filter(lambda value: value is not None or len(types) == 1))
    with pytest.raises(AnimeGenError, match=r"^[^\n]{20,300}$") as error:
        kind(**{option.name: value})
    assert option.name in str(error.value) and quote(value) in str(error.value)


# The upper ends, and names.
TOO_MUCH = {
    "dcgan": dict(batch=1, beta1=1, beta2=1.5, precision="fp8", resolution=128, save_interval=0, lr=0, log_interval=0),
    "stylegan2": dict(
        resolution=48, channel_base=32, latent_dim=0, style_mixing=1.5, loss="wasserstein", label_sampling="fair", lr_d=0,
        r1_interval=0, ada_kimg=0, augment="colour", label_dropout=2, grad_clip=0, lr_decay_kimg=0, channel_base_d=0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("family, name, value", [(f, *option) for f, options in TOO_MUCH.items() for option in options.items()])
def test_a_value_out_of_range_is_quoted(family, name, value):
    with pytest.raises(AnimeGenError) as error:
        FAMILIES[family].options(**{name: value})
    assert repr(value) in str(error.value)


LABEL = st.floats(0.51, 1) | st.floats(-1, 2) | st.sampled_from([0.5, 0.9, 1])


@given(LABEL, LABEL)
def test_labels_of_real_pictures_are_one_or_a_range_above_a_half(low, high):
    if 0.5 < low <= high <= 1:
        options = DCGANOptions(real_label_low=low, real_label_high=high)
        assert (options.real_label_low, options.real_label_high) == (low, high)
    else:
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

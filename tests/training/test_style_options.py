import json
import re

import pytest
import torch
from typer.testing import CliRunner

from animegen_core.commands.training import app
from animegen_core.errors import AnimeGenError
from animegen_core.families import FAMILIES
from animegen_core.training.presets import PRESETS, preset, presets_of
from animegen_core.training.recipes import StyleGAN2Recipe, StyleGANRecipe
from animegen_core.training.style_options import StyleGAN2Options, StyleGANOptions


def command(family, *arguments):
    return CliRunner().invoke(app, [family, "--data", "faces", *map(str, arguments)])


def printed(*arguments) -> dict:
    result = command(*arguments, "--dry-run")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_preset_belongs_to_a_family_and_is_valid():
    assert {name for family in FAMILIES.values() for name in family.presets} == set(PRESETS)
    for family in FAMILIES.values():
        for name in family.presets:
            assert family.options(**preset(name, family.name)).resolution == int(re.search(r"-(\d+)", name)[1])


def test_the_reference_stylegan_is_the_default_of_its_family():
    options = StyleGANOptions()
    assert (options.batch, options.lr, options.beta1, options.beta2) == (64, 1e-3, 0, 0.99)
    assert (options.latent_dim, options.mapping_depth, options.path_length_interval) == (512, 8, 16)
    generator, discriminator = StyleGANRecipe(StyleGANOptions(**preset("stylegan-64", "stylegan"))).build()
    assert [block[0].conv.weight.shape[0] for block in generator.synthesis.blocks.values()] == [512, 512, 256, 128, 64]
    assert discriminator.resolution == 64


def test_the_light_stylegan2_has_the_channels_of_the_trial():
    generator, _ = StyleGAN2Recipe(StyleGAN2Options(**preset("stylegan2-64-light", "stylegan2"))).build()
    assert [block.convs[-1].weight.shape[0] for block in generator.synthesis.blocks.values()] == [256, 256, 128, 64, 32]


def test_a_preset_replaces_defaults_and_flags_win_over_it():
    plain, light = printed("stylegan2"), printed("stylegan2", "--preset", "stylegan2-64-light")
    assert {name for name in light if light[name] != plain[name]} <= PRESETS["stylegan2-64-light"].keys()
    assert (light["mapping_depth"], light["channel_base"], light["batch"]) == (4, 2048, 32)
    own = printed("stylegan2", "--preset", "stylegan2-64-light", "--mapping-depth", 2, "--batch", 16)
    assert (own["mapping_depth"], own["channel_base"], own["batch"]) == (2, 2048, 16)


@pytest.mark.parametrize(
    "small, large",
    [("stylegan2-64-light", "stylegan2-128-light"), ("stylegan2-64", "stylegan2-128"), ("stylegan2-128", "stylegan2-256")],
)
def test_a_preset_for_large_pictures_grows_out_of_the_one_before(small, large):
    with torch.device("meta"):
        before, after = (StyleGAN2Recipe(StyleGAN2Options(**PRESETS[name])).build() for name in (small, large))
    for own, grown in zip(before, after):
        shapes = {name: tensor.shape for name, tensor in grown.state_dict().items()}
        misfits = [name for name, tensor in own.state_dict().items() if shapes.get(name) != tensor.shape]
        assert {name.split(".")[0] for name in misfits} <= {"from_rgb"}


def test_an_unknown_preset_lists_the_known_ones_of_the_family():
    result = command("stylegan2", "--preset", "stylegan-64", "--dry-run")
    assert result.exit_code == 2
    assert "'stylegan-64'" in result.stderr and ", ".join(presets_of("stylegan2")) in result.stderr


def test_groups_of_equal_labels_need_whole_groups_in_a_batch():
    with pytest.raises(AnimeGenError, match=r"batch is 30.* multiple of group_size, 4"):
        StyleGAN2Options(label_groups=True, batch=30)
    StyleGAN2Options(label_groups=True, batch=30, group_size=5)
    StyleGAN2Options(batch=30)


def test_a_network_with_a_lazy_penalty_learns_a_little_slower():
    recipe = StyleGAN2Recipe(StyleGAN2Options(lr=0.0017, beta1=0.5, r1_interval=16))
    assert recipe.adam("generator") == (0.0017, (0.5, 0.99))
    lr, betas = recipe.adam("discriminator")
    assert lr == pytest.approx(0.0016) and betas == pytest.approx((0.5 ** (16 / 17), 0.99 ** (16 / 17)))
    assert StyleGAN2Recipe(StyleGAN2Options(r1_gamma=0, r2_gamma=1, lr=0.0017)).adam("discriminator")[0] == pytest.approx(
        0.0016
    )
    recipe = StyleGAN2Recipe(StyleGAN2Options(r1_gamma=0, lr_d=0.001, path_length_weight=2, path_length_interval=4))
    assert recipe.adam("discriminator") == (0.001, (0, 0.99))
    assert recipe.adam("generator")[0] == pytest.approx(0.0025 * 4 / 5)

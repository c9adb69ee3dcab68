"""StyleGAN and StyleGAN2 through the one loop, with networks of a few channels at 16 px."""

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader, TensorDataset
from typer.testing import CliRunner

from animegen_core import AnimeGenError, families
from animegen_core.checkpoint import load_checkpoint, save_checkpoint
from animegen_core.commands.training import _loader, app
from animegen_core.data import load_pictures
from animegen_core.labels import ANY
from animegen_core.models.layers import upsample
from animegen_core.training import StyleGAN2Options, StyleGANOptions, Trainer, train_stylegan, train_stylegan2
from animegen_core.training.health import COLLAPSED, WON
from animegen_core.training.recipes import StyleGAN2Recipe, StyleGANRecipe
from animegen_core.training.weights import TRAINING, save_training_weights

ROOT = Path(__file__).parents[2]
TINY = dict(resolution=16, latent_dim=8, mapping_depth=2, channel_base=64, channel_max=8, batch=4, precision="fp32")
# Everything at once: penalties at every other step from the second on, two styles, labels that come in, augmentation.
EVERYTHING = dict(
    **TINY, labels="tags.csv", label_ramp_kimg=0.02, r1_interval=2, path_length_weight=2.0, path_length_interval=2,
    path_length_start_kimg=0.008, augment="translation,cutout", ada_kimg=0.1, grad_clip=5.0, lr_decay_kimg=0.05,
)  # fmt: skip
FAMILIES = {"stylegan": (StyleGANRecipe, StyleGANOptions), "stylegan2": (StyleGAN2Recipe, StyleGAN2Options)}


def floats(count, side=16):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(count)) * 2 - 1


def labels(count):
    return torch.stack([torch.arange(count) % 12, torch.arange(count) % 11 - 1], 1)


def recipe(family, **options):
    recipe_class, options_class = FAMILIES[family]
    return recipe_class(options_class(**{**TINY, **options}))


def trainer(family="stylegan2", **options):
    return Trainer(recipe(family, **options), "cpu")


def flags(options):
    for name, value in options.items():
        yield from (f"--{name.replace('_', '-')}", str(value))


def trained(family, *arguments):
    result = CliRunner().invoke(app, [family, "--device", "cpu", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("family", FAMILIES)
def test_a_generator_survives_its_checkpoint(tmp_path, family):
    options = dict(labels="tags.csv") if family == "stylegan2" else {}
    generator, _ = recipe(family, **options).build()
    generator.update_w_avg(torch.ones(1, 8))
    save_checkpoint(tmp_path / "mine", family, generator, 0, "nothing", "mit")
    loaded = load_checkpoint(tmp_path / "mine")
    assert type(loaded.generator) is families.FAMILIES[family].generator
    assert loaded.generator.config == generator.config and torch.equal(loaded.generator.w_avg, generator.w_avg)
    inputs = torch.randn(2, 8), *([labels(2)] if family == "stylegan2" else [])
    with torch.no_grad():
        torch.testing.assert_close(loaded.generator(*inputs), generator.eval()(*inputs), atol=2e-2, rtol=0)


def test_warnings_are_printed_once(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("animegen_core.training.health.discriminator_has_won", lambda rows: True)
    measured = iter([1.0, 0.3, 0.2])
    monkeypatch.setattr("animegen_core.training.health.diversity", lambda images: next(measured))
    arguments = [*flags(TINY), "--data", pictures, "--out", tmp_path, "--log-interval", 1, "--save-interval", 1]
    result = trained("stylegan2", *arguments, "--kimg", 0.036)
    assert (result.stdout.count(WON), result.stdout.count(COLLAPSED)) == (1, 1)


def test_a_tag_file_makes_stylegan2_conditional(pictures, tmp_path, tags):
    arguments = [*flags(TINY), "--data", pictures, "--out", tmp_path, "--labels", tags, "--label-ramp-kimg", 0]
    trained("stylegan2", *arguments, "--kimg", 0.024)
    folder = tmp_path / "00000-stylegan2-16"
    generator = load_checkpoint(folder / "checkpoint").generator
    assert generator.label_dims == (12, 11)
    moved = load_file(folder / "state.safetensors")["discriminator.embedding.tables.0.weight"]
    assert moved[1 + 8].abs().sum() > 0 and moved[1 + 0].abs().sum() == 0  # pink was seen, aqua never
    with pytest.raises(AnimeGenError):
        generator(torch.randn(1, 8), torch.tensor([[12, 0]]))


@pytest.mark.parametrize("gammas", [dict(), dict(r2_gamma=1.0), dict(r1_gamma=0.0, r2_gamma=1.0)])
def test_penalties_come_at_their_steps(gammas):
    run, seen = trainer(**EVERYTHING, **gammas), {"discriminator": [], "generator": []}
    update = run._update

    def counted(network, *arguments, **named):
        seen["generator" if network is run.generator else "discriminator"].append(run.progress["steps"])
        return update(network, *arguments, **named)

    run._update = counted
    for _ in range(5):
        run.step(floats(4), labels(4))
    assert seen["discriminator"] == [0, 0, 1, 2, 2, 3, 4, 4]
    assert seen["generator"] == [0, 1, 2, 2, 3, 4, 4]  # from 8 pictures on


def linear_discriminator(weight):
    """A stand-in whose logits are the sum of a picture's values times ``weight``."""
    linear = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(linear.weight, weight)
    linear.forward = lambda images: linear.weight * images.sum((1, 2, 3))
    return linear


def test_r2_looks_at_fakes_and_r1_at_real_pictures():
    own = recipe("stylegan2", r1_gamma=2.0, r2_gamma=4.0, r1_share=1.0, augment="none", r1_interval=1)
    own.build()
    seen = []
    own._logits = lambda discriminator, images, _: (seen.append(images), discriminator(images)[0])[1]
    real, fake = floats(4), floats(5)[:4]
    penalty = own.discriminator_penalty(linear_discriminator(0.5), real, fake, None, {"steps": 1})
    assert [torch.equal(a, b) for a, b in zip(seen, (real, fake))] == [True, True]
    squared = 0.5**2 * 3 * 16 * 16
    assert (own.state.r1.item(), own.state.r2.item()) == pytest.approx((1 * squared, 2 * squared))
    assert penalty.item() == pytest.approx(3 * squared)


def test_both_players_see_the_same_real_pictures_and_fakes():
    run, seen = trainer(loss="relativistic", r2_gamma=1.0, flip=True), []
    for name in ("discriminator_loss", "discriminator_penalty", "generator_loss"):
        method = getattr(run.recipe, name)

        def noted(_, real, fake, *rest, method=method):
            seen.append((real.detach(), fake.detach()))
            return method(_, real, fake, *rest)

        setattr(run.recipe, name, noted)
    run.step(floats(4))
    assert len(seen) == 3 and not torch.equal(*seen[0])
    assert all(torch.equal(a, b) for pair in seen[1:] for a, b in zip(seen[0], pair))


def test_a_relativistic_run_compares_each_fake_with_its_real_picture():
    own = recipe("stylegan2", loss="relativistic", augment="none")
    own.build()
    real, fake = torch.full((2, 3, 2, 2), 1.0), torch.full((2, 3, 2, 2), 0.75)
    look = linear_discriminator(0.5)
    look.forward = lambda images: look.weight[0] * images.sum((1, 2, 3))
    loss, stats = own.discriminator_loss(look, real, fake, None)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-1.5)))
    assert (stats["real_score"].item(), stats["fake_score"].item()) == pytest.approx(
        (1 / (1 + math.exp(-1.5)), 1 / (1 + math.exp(1.5)))
    )
    assert own.generator_loss(look, real, fake, None).item() == pytest.approx(math.log1p(math.exp(1.5)))


def test_telling_labels_is_learned_from_reals_and_from_fakes_and_the_generator_weighs_one_against_the_other():
    weighted, plain = (recipe("stylegan2", labels="tags.csv", augment="none", label_weight=weight) for weight in (0.5, 0.0))
    torch.manual_seed(0)
    _, discriminator = weighted.build()
    plain.build()
    for table in (*discriminator.embedding.tables, *discriminator.twin.tables):
        torch.nn.init.normal_(table.weight[1:])
    real, fake, asked = floats(4), floats(5)[:4], labels(4)
    (_, real_told, _), (_, fake_told, fake_told_by_twin) = (
        [each.mean().item() for each in discriminator(images, asked, classify_labels=True)] for images in (real, fake)
    )
    losses = [each.discriminator_loss(discriminator, real, fake, asked)[0].item() for each in (weighted, plain)]
    assert losses[0] - losses[1] == pytest.approx(-0.5 * (real_told + fake_told_by_twin), abs=1e-5)
    losses = [each.generator_loss(discriminator, real, fake, asked).item() for each in (weighted, plain)]
    assert losses[0] - losses[1] == pytest.approx(-0.5 * (fake_told - fake_told_by_twin), abs=1e-5)


def test_a_penalty_that_is_no_number_is_skipped(monkeypatch):
    run = trainer(r1_gamma=0.0, path_length_weight=2.0, path_length_start_kimg=0.0)
    plain = trainer(r1_gamma=0.0, path_length_weight=2.0, path_length_start_kimg=9.0)
    lengths = "animegen_core.training.losses.path_length_penalty"
    monkeypatch.setattr(lengths, lambda images, ws, mean: (images.sum() * float("nan"), mean))
    for each in (run, plain):
        each.step(floats(4))
    assert all(torch.equal(a, b) for a, b in zip(run.generator.parameters(), plain.generator.parameters()))


@pytest.mark.parametrize("share, mixed", [(0.0, 0), (1.0, 64)])
def test_styles_are_mixed_in_the_share_of_fakes_that_is_asked_for(share, mixed):
    own = recipe("stylegan2", style_mixing=share)
    generator, _ = own.build()
    ws = own._styles(generator, 64, None, torch.device("cpu"))
    changes = (ws[:, 1:] != ws[:, :-1]).any(2).sum(1)  # from one layer to the next
    assert changes.sum() == mixed and changes.max() == min(mixed, 1)
    assert len({int(row.float().argmax()) for row in (ws[:, 1:] != ws[:, :-1]).any(2)}) == (5 if mixed else 1)


def test_labels_come_in_along_the_ramp():
    own, given = recipe("stylegan2", labels="tags.csv", label_ramp_kimg=1.0, label_dropout=0.2), labels(4000).abs()
    torch.manual_seed(0)
    for images, share in ((0, 0.0), (500, 0.4), (1000, 0.8), (9000, 0.8)):
        shown = own.prepare_labels(given, {"images_seen": images})
        kept = shown != -1
        assert kept.float().mean().item() == pytest.approx(share, abs=0.02)
        assert torch.equal(shown[kept], given[kept])


def test_with_label_groups_neighbours_show_the_same_colours(pictures, tags):
    """Every other picture has pink hair; no label is hidden twice, by the loader and by the step."""
    options = StyleGAN2Options(**TINY, group_size=2, labels=str(tags), label_groups=True, label_ramp_kimg=0, label_dropout=0.5)
    loader, own = _loader(load_pictures(pictures, 16), options), StyleGAN2Recipe(options)
    torch.manual_seed(0)
    shown = torch.cat([own.prepare_labels(given, {"images_seen": 0}) for _ in range(50) for _, given in loader])
    pairs = shown.view(-1, 2, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all(1).float().mean() > 0.6  # of twelve pictures many are left over
    assert (shown[:, 1] != ANY).float().mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("option", ["label_groups", "upscale_small"])
def test_a_loader_of_ones_own_has_loaded_its_pictures_already(tmp_path, option):
    with pytest.raises(AnimeGenError, match=f"{option} is True"):
        train_stylegan2(DataLoader(floats(4), 4), 1, "cpu", tmp_path / "run", **{option: True})
    assert not (tmp_path / "run").exists()


def test_augmentation_is_adapted_to_how_sure_the_discriminator_is_of_reals():
    own = recipe("stylegan2", ada_kimg=0.04)
    own.build()
    for _ in range(8):
        own._adapt(torch.ones(4))
    assert own.state.augment_probability.item() == pytest.approx(0.4, abs=0.11)  # rises once the mean is above the target
    for _ in range(30):
        own._adapt(torch.tensor([1.0, -1.0]))
    assert own.state.augment_probability.item() == 0


def test_an_average_begins_as_the_generator_where_training_weights_are_all_there_is(tmp_path):
    first, second = trainer("stylegan", seed=1), trainer("stylegan", seed=2)
    save_training_weights(tmp_path, first.networks())
    second.start_from(tmp_path / TRAINING)
    for begun, trained in zip(second.ema.network.parameters(), first.generator.parameters()):
        torch.testing.assert_close(begun, trained, atol=1e-2, rtol=1e-2)


def test_a_grown_network_takes_what_fits(tmp_path, capsys):
    small = trainer(labels="tags.csv")
    small.step(floats(4), labels(4))
    small.save(tmp_path / "state.safetensors")
    large = trainer(labels="tags.csv", resolution=32)
    said = large.start_from(tmp_path)
    for name in ("generator", "discriminator", "ema"):
        before, after = small.networks()[name].state_dict(), large.networks()[name].state_dict()
        shared = [key for key in before if key in after and not key.startswith("from_rgb")]
        assert shared and all(torch.equal(before[key], after[key]) for key in shared)
        assert f"{len(shared)} of {len(after)} of the {name}" in said
    large.step(floats(4, 32), labels(4))


@pytest.mark.parametrize("network", ["generator", "ema"])
def test_a_grown_generator_draws_at_first_what_the_small_one_drew(tmp_path, network):
    small = trainer(labels="tags.csv")
    for _ in range(3):
        small.step(floats(4), labels(4))
    small.save(tmp_path / "state.safetensors")
    large = trainer(labels="tags.csv", resolution=32)
    said = large.start_from(tmp_path)
    assert "generator (new: synthesis.blocks.32)" in said and "discriminator (new: blocks.32, from_rgb)" in said
    before, after = small.networks()[network].eval(), large.networks()[network].eval()
    z = torch.randn(4, 8)
    with torch.no_grad():
        torch.testing.assert_close(after(z, labels(4)), upsample(before(z, labels(4))))
    after = large.generator.train()
    for _ in range(3):
        large.step(floats(4, 32), labels(4))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in after.synthesis.blocks["32"].to_rgb.parameters())
    assert after.synthesis.blocks["32"].to_rgb.weight.abs().sum() > 0  # so the new layers learn


@pytest.mark.parametrize("resolution", [32, 64])
def test_a_grown_discriminator_says_at_first_what_the_small_one_said(tmp_path, resolution):
    wide = dict(labels="tags.csv", channel_base=6 * 64, channel_max=8)  # 6 channels at 64 px, for colours and their opposites
    small = trainer(**wide)
    for _ in range(3):
        small.step(floats(4), labels(4))
    small.save(tmp_path / "state.safetensors")
    large = trainer(**wide, resolution=resolution)
    large.start_from(tmp_path)
    before, after = small.discriminator, large.discriminator
    pictures = floats(4, resolution)
    averaged = torch.nn.functional.avg_pool2d(pictures, resolution // 16)
    with torch.no_grad():
        torch.testing.assert_close(after(pictures, labels(4)), before(averaged, labels(4)), atol=1e-4, rtol=1e-4)
    large.step(floats(4, resolution), labels(4))
    learning = {name for name, p in after.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert {f"blocks.{resolution}.{layer}.weight" for layer in ("conv0", "conv1", "skip")} <= learning


def test_a_grown_discriminator_of_too_few_channels_begins_at_random(tmp_path):
    narrow = dict(channel_base=5 * 32, channel_max=8)
    trainer(**narrow).save(tmp_path / "state.safetensors")
    large = trainer(**narrow, resolution=32)
    large.start_from(tmp_path)
    assert large.discriminator.blocks["32"].skip.weight.abs().min() > 0


def strengths(network):
    return [value.abs().max().item() for name, value in network.state_dict().items() if name.endswith("noise_strength")]


@pytest.mark.parametrize("family", FAMILIES)
def test_without_layer_noise_a_run_that_had_it_goes_on_without(tmp_path, family):
    noisy = trainer(family)
    noisy.step(floats(4))
    assert max(strengths(noisy.generator)) > 0
    noisy.save(tmp_path / "state.safetensors")
    clean = trainer(family, layer_noise=False)
    assert "new" not in clean.start_from(tmp_path)
    clean.step(floats(4))
    assert len(strengths(clean.generator)) > 1 and max(strengths(clean.generator) + strengths(clean.ema.network)) == 0


def test_outputs_to_rgb_start_as_ever_in_a_network_that_did_not_grow(tmp_path):
    trainer().save(tmp_path / "state.safetensors")
    narrow = trainer(channel_max=4)
    assert "synthesis.blocks.8" in narrow.start_from(tmp_path)  # whose channels do not fit: only a wider one takes them
    assert all(block.to_rgb.weight.abs().sum() > 0 for block in narrow.generator.synthesis.blocks.values())


def test_a_run_begins_with_a_checkpoint(tmp_path):
    loader = DataLoader(TensorDataset(floats(8)), 4)
    options = {name: value for name, value in TINY.items() if name != "batch"}
    first = train_stylegan(loader, 1, "cpu", tmp_path / "first", **options)
    run = trainer("stylegan")
    said = run.start_from(first)
    weights = load_checkpoint(first).generator.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in run.ema.network.state_dict().items())
    assert f"{len(weights)} of {len(weights)} of the generator" in said and "discriminator" not in said
    train_stylegan(loader, 1, "cpu", tmp_path / "second", init_from=str(first), **options)
    assert json.loads((tmp_path / "second" / "options.json").read_text())["init_from"] == str(first)


def test_a_checkpoint_with_training_weights_brings_its_discriminator(tmp_path):
    loader = DataLoader(TensorDataset(floats(8)), 4)
    options = {name: value for name, value in TINY.items() if name != "batch"}
    checkpoint = train_stylegan(loader, 1, "cpu", tmp_path / "first", export_training=True, **options)
    first, run = trainer("stylegan"), trainer("stylegan")
    first.load(tmp_path / "first" / "state.safetensors")
    said = run.start_from(checkpoint)
    assert "of the discriminator" in said and "new" not in said
    for name in ("generator", "discriminator"):
        for (key, value), (_, again) in zip(
            first.networks()[name].state_dict().items(), run.networks()[name].state_dict().items()
        ):
            torch.testing.assert_close(again, value, rtol=1e-3, atol=1e-4, msg=f"{name}.{key}")
    average = load_checkpoint(checkpoint).generator.state_dict()
    assert all(torch.equal(value, average[key]) for key, value in run.ema.network.state_dict().items())


def test_weights_that_are_not_there_or_do_not_fit_are_told(pictures, tmp_path, tiny_checkpoint):
    with pytest.raises(AnimeGenError, match=r"No tensor of .* this stylegan2"):
        trainer().start_from(tiny_checkpoint)
    out = tmp_path / "runs"
    result = CliRunner().invoke(app, ["stylegan2", "--data", str(pictures), "--out", str(out), "--init-from", "nowhere"])
    assert result.exit_code == 2 and "'nowhere'" in result.stderr and not out.exists()


def test_the_function_trains_a_conditional_stylegan2(tmp_path):
    loader = DataLoader(TensorDataset(floats(8), labels(8)), 4)
    options = {name: value for name, value in EVERYTHING.items() if name not in ("batch", "latent_dim")}
    checkpoint = train_stylegan2(loader, 1, "cpu", tmp_path / "run", latent_dim=16, **options)
    config = load_checkpoint(checkpoint).config
    assert (config["images_seen"], config["generator"]["z_dim"], config["generator"]["label_dims"]) == (8, 16, [12, 11])


def test_the_learning_rate_halves():
    run = trainer(lr_decay_kimg=0.008, r1_gamma=0.0)
    for _ in range(3):
        run.step(floats(4))
    rates = [o.param_groups[0]["lr"] for o in (run.generator_optimizer, run.discriminator_optimizer)]
    assert rates == pytest.approx([0.0025 / 2] * 2)

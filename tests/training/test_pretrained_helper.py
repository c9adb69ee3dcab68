"""A pretrained network that helps the discriminator, or takes its place."""

import pytest
import torch
from safetensors.torch import load_file

from animegen_core.errors import AnimeGenError
from animegen_core.training import StyleGAN2Options, Trainer
from animegen_core.training.losses import hinge_discriminator_loss, hinge_generator_loss
from animegen_core.training.pretrained_helper import Helper
from animegen_core.training.recipes import StyleGAN2Recipe

TINY = dict(
    resolution=16, latent_dim=8, mapping_depth=2, channel_base=64, channel_max=8, batch=4, precision="fp32",
    helper="efficientnet-lite0", helper_warmup_kimg=0,
)  # fmt: skip


@pytest.fixture
def real():
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def weights(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def moved(before, network):
    return not all(torch.equal(a, b) for a, b in zip(before, network.parameters()))


def test_hinge_losses_are_those_of_the_equations():
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.25])
    assert hinge_discriminator_loss(real, fake) == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1.25) / 2)
    assert hinge_generator_loss(fake) == pytest.approx(2.75 / 2)


def test_a_step_trains_both_discriminators_and_logs_both_kinds_of_scores(real):
    trainer = Trainer(StyleGAN2Recipe(StyleGAN2Options(**TINY)), "cpu")
    before = {name: weights(network) for name, network in trainer.networks().items()}
    stats = trainer.step(real)
    assert before.keys() == {"generator", "discriminator", "helper", "ema"}
    assert all(moved(before[name], trainer.networks()[name]) for name in before)
    assert {"real_score", "fake_score", "helper_real_score", "helper_fake_score", "loss_d", "loss_helper"} <= stats.keys()


def test_the_generator_learns_from_a_helper_alone_once_its_heads_are_warm(real):
    options = StyleGAN2Options(**TINY | dict(helper_only=True, helper_warmup_kimg=0.004))
    trainer = Trainer(StyleGAN2Recipe(options), "cpu")
    assert trainer.networks().keys() == {"generator", "helper", "ema"}
    generator, helper = weights(trainer.generator), weights(trainer.helper)
    trainer.step(real)  # the first four images warm the heads up
    assert moved(helper, trainer.helper) and not moved(generator, trainer.generator)
    trainer.step(real)
    assert moved(generator, trainer.generator)


def test_the_helper_weight_scales_its_part_of_the_generators_loss(real):
    losses = []
    for weight in (0.0, 1.0, 3.0):
        trainer = Trainer(StyleGAN2Recipe(StyleGAN2Options(**TINY | dict(helper_weight=weight))), "cpu")
        losses.append(float(trainer.step(real)["loss_g"]))
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-3) and losses[1] != losses[0]


def test_features_are_calibrated_once_and_only_heads_and_deviations_are_saved(real):
    trainer = Trainer(StyleGAN2Recipe(StyleGAN2Options(**TINY)), "cpu")
    trainer.step(real)
    deviations = trainer.helper.features.deviations.clone()
    trainer.step(3 * real)
    assert torch.equal(trainer.helper.features.deviations, deviations) and deviations.all()
    assert {name.split(".")[0] for name in trainer.helper.state_dict()} == {"heads", "features"}
    assert [name for name in trainer.helper.state_dict() if name.startswith("features")] == ["features.deviations"]


def test_augmentation_changes_what_the_helper_sees(real):
    plain, shifted = (Helper(StyleGAN2Options(**TINY | dict(helper_augment=names))) for names in ("none", "translation"))
    for helper in (plain, shifted):
        helper.features.calibrate(real)
    assert torch.equal(plain.see(real)[0], plain.see(real)[0])
    assert not torch.equal(shifted.see(real)[0], plain.see(real)[0])


def test_details_finer_than_helper_detail_are_not_judged(real):
    fine = 0.3 * (-1.0) ** torch.arange(real.shape[-1])  # columns in turn brighter and darker: no trace in means of 2 x 2
    bare = TINY | dict(helper_augment="none")
    everything, coarse = (
        Helper(StyleGAN2Options(**bare | dict(helper_detail=detail))) for detail in (None, real.shape[-1] // 2)
    )
    for helper in (everything, coarse):
        helper.features.calibrate(real)
    assert not torch.allclose(everything.see(real + fine)[0], everything.see(real)[0], atol=1e-3)
    torch.testing.assert_close(coarse.see(real + fine), coarse.see(real), rtol=1e-3, atol=1e-4)


def test_the_heads_of_a_conditional_family_know_the_labels(real, tmp_path):
    trainer = Trainer(StyleGAN2Recipe(StyleGAN2Options(**TINY, labels="tags.csv", label_ramp_kimg=0, label_dropout=0)), "cpu")
    vectors = [table.weight.detach().clone() for head in trainer.helper.heads.heads for table in head.embedding.tables]
    for _ in range(2):
        trainer.step(real, torch.tensor([[3, -1]] * 4))
    learned = [table.weight for head in trainer.helper.heads.heads for table in head.embedding.tables]
    for before, after in zip(vectors[::2], learned[::2]):  # hair
        assert after[1 + 3].any() and torch.equal(after[:4], before[:4]) and torch.equal(after[5:], before[5:])
    assert all(torch.equal(a, b) for a, b in zip(vectors[1::2], learned[1::2]))  # eyes were not known


def test_training_goes_on_from_exported_heads(real, tmp_path):
    from animegen_core.training.run_writer import RunWriter

    options = StyleGAN2Options(**TINY, export_training=True)
    trainer = Trainer(StyleGAN2Recipe(options), "cpu")
    trainer.step(real)
    writer = RunWriter(trainer, tmp_path, "blobs", "mit")
    writer.snapshot()
    writer.close(finished=True)
    kept = load_file(tmp_path / "checkpoint" / "training.safetensors")
    assert not [name for name in kept if "network" in name]

    again = Trainer(StyleGAN2Recipe(options), "cpu")
    said = again.start_from(tmp_path / "checkpoint")
    assert "of the helper" in said and "new" not in said
    for name, tensor in trainer.helper.state_dict().items():
        torch.testing.assert_close(again.helper.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (dict(helper="vgg"), r"Unknown helper 'vgg'; choose one of: efficientnet-lite0"),
        (dict(helper="efficientnet-lite1"), r"Unknown helper 'efficientnet-lite1'"),  # it is there to measure with
        (dict(helper_only=True), r"helper_only needs a helper"),
        (dict(helper_size=100), r"Unknown helper_size 100; choose one of: 128, 256, 512"),
        (dict(helper_detail=0), r"helper_detail is 0, but must be above 0"),
        (dict(helper_lr=0.0), r"helper_lr is 0.0, but must be above 0"),
        (dict(helper_weight=-1.0), r"helper_weight is -1.0, but must be at least 0"),
        (dict(helper_augment="blur"), r"Unknown augmentation 'blur'"),
    ],
)
def test_bad_options_are_refused(options, sentence):
    with pytest.raises(AnimeGenError, match=sentence):
        StyleGAN2Options(**options)

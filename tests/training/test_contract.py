"""What holds of every family that ``train.py`` knows: it trains, resumes to the bit, and its faces render. Tiny networks."""

import re

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from animegen_core import Character, Studio
from animegen_core.checkpoint import load_checkpoint
from animegen_core.commands.training import app
from animegen_core.families import FAMILIES
from animegen_core.training.run_folder import read_log

LATENT = 8
SIZES = dict(resolution=16, mapping_depth=2, channel_base=64, channel_max=8, r1_interval=2)
LABELS = dict(labels="tags.csv", label_sampling="sqrt")
OPTIONS = {
    "dcgan": dict(base_channels=4),
    "conditional-dcgan": dict(base_channels=4, **LABELS),
    "stylegan": dict(**SIZES, path_length_start_kimg=0, path_length_interval=2),
    "stylegan2": dict(**SIZES, **LABELS, label_ramp_kimg=0, loss="relativistic", r2_gamma=0.3),
    "vae": dict(resolution=16, channel_base=64, channel_max=8, **LABELS, feature_size=64, kl_warmup_kimg=0.02),
}


@pytest.fixture(autouse=True)
def tag_file(monkeypatch, pictures):
    """A tag file of the pictures in the working directory."""
    monkeypatch.chdir(pictures.parent)
    rows = [f"{path.name},{'pink' if i < 2 else 'black'},blue" for i, path in enumerate(sorted(pictures.iterdir()))]
    (pictures.parent / "tags.csv").write_text("\n".join(["file,hair,eyes", *rows]))


def trained(family, *arguments):
    result = CliRunner().invoke(app, [family, "--device", "cpu", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_family_is_trained_here():
    assert OPTIONS.keys() == FAMILIES.keys()


# Every penalty, from the second step on; mixed styles, labels that come in, augmentation that adapts.
EVERYTHING = dict(
    **SIZES, **LABELS, label_ramp_kimg=0.02, path_length_weight=2.0, path_length_interval=2, path_length_start_kimg=0.008,
    augment="translation,cutout", ada_kimg=0.1, grad_clip=5.0, lr_decay_kimg=0.05,
)  # fmt: skip
PENALTIES = {"r1_interval": "r1", "r2_gamma": "r2", "path_length_weight": "path_length"}  # option -> name in log and state
RELATIVISTIC = dict(loss="relativistic", r2_gamma=0.5, label_weight=0.3)
HELPED = dict(helper="efficientnet-lite0", helper_warmup_kimg=0.01)
VARIANTS = {family: (family, options) for family, options in OPTIONS.items()} | {
    "everything": ("stylegan2", EVERYTHING),
    "everything relativistic": ("stylegan2", EVERYTHING | RELATIVISTIC),
    "helped": ("stylegan2", OPTIONS["stylegan2"] | HELPED),
    "VAE-GAN": ("vae", OPTIONS["vae"] | HELPED),
    "helper alone": ("stylegan", OPTIONS["stylegan"] | HELPED | dict(helper_only=True)),
}


@pytest.mark.parametrize(("family", "options"), VARIANTS.values(), ids=VARIANTS)
def test_a_run_resumes_to_the_bit_and_its_faces_render(pictures, family, options):
    options = dict(**options, latent_dim=LATENT, precision="fp32", batch=4, log_interval=1, save_interval=9)
    flags = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
    start = [part for flag, value in flags.items() for part in ([flag] if value is True else [flag, value])]
    start += ["--data", pictures]
    said = trained(family, *start, "--out", "whole", "--kimg", 0.028)
    trained(family, *start, "--out", "parts", "--kimg", 0.02)  # in the middle of the second epoch
    (whole,), (parts,) = ([*pictures.parent.glob(f"{out}/0*")] for out in ("whole", "parts"))
    trained(family, "--resume", parts, "--kimg", 0.028)

    assert said.startswith("12 images") and ("hair known of 12" in said) == ("labels" in options)
    first, second = (load_file(folder / "state.safetensors") for folder in (whole, parts))
    assert first.keys() == second.keys() and not [name for name in first if not torch.equal(first[name], second[name])]
    rows, others = (read_log(folder / "log.csv") for folder in (whole, parts))
    assert [row["images"] for row in others] == [4, 8, 12, 16, 20, 24, 28]
    assert [path.name for path in sorted((parts / "samples").iterdir())] == ["00000020.png", "00000028.png"]
    same = [name for name in rows[0] if re.search("loss|score|^r1$|^r2$|path_length|^kl$", name)]
    assert [[str(row[name]) for name in same] for row in rows] == [[str(row[name]) for name in same] for row in others]
    assert "ada_kimg" not in options or 0 <= first["recipe.augment_probability"] < 1
    faces = [Studio.load(folder / "checkpoint", "cpu").render(Character(5)) for folder in (whole, parts)]
    assert faces[0].tobytes() == faces[1].tobytes()
    studio = Studio.load(whole / "checkpoint", "cpu")
    if studio.capabilities.styles:
        assert torch.equal(load_checkpoint(whole / "checkpoint").generator.w_avg, first["generator.w_avg"])
    if family == "vae":
        assert {"loss_g", "loss_pixels", "loss_features", "kl"} <= rows[0].keys() and "loss_d" not in rows[0]
    elif "helper_only" not in options:  # with a discriminator of its own
        assert {"loss_g", "loss_d", "real_score", "fake_score"} <= rows[0].keys()
        assert not studio.capabilities.styles or {"r1", "path_length"} <= rows[0].keys()
        assert all(first[f"recipe.{name}"] > 0 for option, name in PENALTIES.items() if option in options)
    assert studio.capabilities.labels == ("label_frequencies" in studio.checkpoint.config) == ("labels" in options)

"""Several processes that train together: on the CPU, joined by gloo."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from commands import PATIENCE, started, together
from safetensors import safe_open

from animegen_core import Character, Studio
from animegen_core.checkpoint import load_checkpoint
from animegen_core.training.run_folder import read_log

ROOT = Path(__file__).parents[2]
SHARED = ("--device", "cpu", "--precision", "fp32", "--batch", 4, "--log-interval", 1)
STYLEGAN2 = (
    "--resolution", 16, "--latent-dim", 8, "--mapping-depth", 2, "--channel-base", 64, "--channel-max", 8, "--r1-interval", 2,
    "--augment", "translation,cutout", "--ada-kimg", 0.1, "--grad-clip", 5, "--lr-decay-kimg", 0.05, "--label-ramp-kimg", 0.02,
    "--path-length-weight", 2, "--path-length-interval", 2, "--path-length-start-kimg", 0.008,
    "--loss", "relativistic", "--r2-gamma", 0.5, "--label-weight", 0.3, "--label-sampling", "sqrt",
    "--label-groups", "--group-size", 2,
)  # fmt: skip

# What each process draws differs, but after a step its networks are those of the others.
SAME_NETWORKS = """
import torch
from accelerate.utils import gather
from animegen_core.training import StyleGAN2Options, Trainer, VAEOptions
from animegen_core.training.recipes import StyleGAN2Recipe, VAERecipe

size = dict(resolution=16, latent_dim=8, channel_base=64, channel_max=8, helper="efficientnet-lite0", helper_warmup_kimg=0)
trainer = Trainer(StyleGAN2Recipe(StyleGAN2Options(**size, batch=4, precision="fp32", r1_interval=1)))
losses = [trainer.step(torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))["loss_g"] for _ in range(2)]
drawn = gather(losses[0][None])
weights = [gather(p.detach().flatten()[None]) for n in trainer.networks().values() for p in n.parameters()]
weights.append(gather(trainer.helper.features.deviations.flatten()[None]))
assert len(drawn) == 2 and drawn[0] != drawn[1], drawn
assert all(len(both) == 2 and torch.equal(*both) for both in weights)

vae = Trainer(VAERecipe(VAEOptions(**size, batch=4, precision="fp32", feature_size=64)))
drawn = gather(vae.step(torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))["kl"][None])
assert len(drawn) == 2 and drawn[0] != drawn[1], drawn
assert all(torch.equal(*gather(p.detach().flatten()[None])) for p in vae.generator.parameters())
"""


def test_two_processes_make_one_run_of_stylegan2(pictures, tags, tmp_path):
    data = ("--data", pictures, "--labels", tags, "--out", tmp_path / "runs", "--kimg", 0.016)
    printed = together(tmp_path, "train.py", "stylegan2", *SHARED, *STYLEGAN2, *data)
    assert printed.count("2 processes divide each batch of 4") == 1
    (folder,) = (tmp_path / "runs").iterdir()
    with safe_open(folder / "state.safetensors", "pt") as file:
        progress = json.loads(file.metadata()["progress"])
        assert file.get_tensor("recipe.path_length") > 0
    assert (progress["images_seen"], progress["steps"], len(read_log(folder / "log.csv"))) == (16, 4, 4)
    assert load_checkpoint(folder / "checkpoint").generator(torch.randn(1, 8)).isfinite().all()


def test_two_processes_make_and_resume_one_run_of_a_dcgan(pictures, tmp_path):
    data = ("--base-channels", 4, "--no-batch-norm", "--data", pictures, "--out", tmp_path / "runs", "--kimg", 0.008)
    printed = together(tmp_path, "train.py", "dcgan", *SHARED, *data)
    assert printed.count("2 processes divide each batch of 4") == 1
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == "00000-dcgan-64"
    together(tmp_path, "train.py", "dcgan", "--device", "cpu", "--resume", folder, "--kimg", 0.012)
    assert [line["images"] for line in read_log(folder / "log.csv")] == [4, 8, 12]
    assert Studio.load(folder / "checkpoint", "cpu").render(Character(1)).size == (64, 64)


def test_ctrl_c_saves_what_the_processes_of_a_launcher_have_learned(pictures, tmp_path):
    """With accelerate, which starts one process, and that one torchrun, which starts two."""
    arguments = ("train.py", "dcgan", *SHARED, "--base-channels", 4, "--data", pictures, "--out", tmp_path / "runs")
    process = subprocess.Popen(
        [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: list((tmp_path / "runs").glob("*/log.csv")), process)
        (folder,) = (tmp_path / "runs").iterdir()
        assert not (folder / "state.safetensors").exists()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the launchers and to those whom they started
        printed = process.communicate(timeout=PATIENCE)[0]  # until the last of them has gone
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert printed.count("2 processes divide each batch of 4") == 1
    with safe_open(folder / "state.safetensors", "pt") as file:
        assert json.loads(file.metadata()["progress"])["images_seen"] > 0


def wait_for(holds, process):
    """Wait until something holds that a process must bring about."""
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert process.poll() is None and time.monotonic() < give_up
        time.sleep(0.1)


def test_processes_see_shares_of_their_own_and_keep_the_same_networks(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SAME_NETWORKS)
    together(tmp_path, script)


def test_an_unknown_number_of_processes_is_asked_for(tmp_path):
    left_by_accelerate = {"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1"}
    with started(tmp_path, "train.py", "dcgan", "--data", "tests", **left_by_accelerate) as process:
        assert process.end() == 2
    assert "'torchrun --nproc_per_node 2" in process.errors and "Traceback" not in process.errors

"""Whole runs: the command line, a kill and a resume, Ctrl-C, divergence, and two runs at once."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import started
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch.utils.data import DataLoader, Dataset, TensorDataset
from typer.testing import CliRunner

from animegen_core import AnimeGenError, Character, Studio
from animegen_core.checkpoint import load_checkpoint
from animegen_core.commands.training import app
from animegen_core.data.cache import load_pictures
from animegen_core.models import count_parameters, dcgan
from animegen_core.training import DCGANOptions, Trainer, train, train_dcgan
from animegen_core.training.options import ConditionalDCGANOptions
from animegen_core.training.recipes import ConditionalDCGANRecipe, DCGANRecipe
from animegen_core.training.run_folder import RunLog, load_options, read_log

ROOT = Path(__file__).parents[2]
BASICS = ("--device", "cpu", "--precision", "fp32", "--batch", 4, "--base-channels", 4)  # networks of few channels
EVERY_STEP = ("--save-minutes", 1e-9)


def command(*arguments):
    """``train.py`` in this process."""
    return CliRunner().invoke(app, ["dcgan", *map(str, arguments)])


def trained(*arguments):
    """``train.py`` in this process, which must succeed."""
    result = command(*arguments)
    assert result.exit_code == 0, result.output
    return result


def progress(folder) -> dict:
    with safe_open(folder / "state.safetensors", "pt") as file:
        return json.loads(file.metadata()["progress"])


def wait_for_steps(process, folder, steps):
    """Return once the state in ``folder`` is of at least that many steps."""
    deadline = time.monotonic() + 60
    while not (folder / "state.safetensors").exists() or progress(folder)["steps"] < steps:
        assert process.running(), process.errors
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_same_state(first, second):
    first, second = load_file(first / "state.safetensors"), load_file(second / "state.safetensors")
    assert first.keys() == second.keys()
    owners = {name.split(".")[0] for name in first}
    assert owners == {"generator", "discriminator", "ema", "generator_optimizer", "discriminator_optimizer"}
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different


def assert_refused(result, *fragments):
    """Exit code 2, one line on standard error (after what a progress bar wiped out), no traceback."""
    assert result.exit_code == 2
    (line,) = (line.rsplit("\r")[-1] for line in result.stderr.split("\n") if line)
    assert line.startswith("Error: ")
    assert all(fragment in line for fragment in fragments)


def floats(count, seed=0):
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_the_command_turns_a_folder_of_pictures_into_a_checkpoint(pictures, tmp_path):
    arguments = ["dcgan", *BASICS, "--data", pictures, "--out", tmp_path / "runs", "--kimg", 0.008, "--licence", "mit"]
    result = subprocess.run([sys.executable, "train.py", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"12 images from '{pictures}' at 64 px\n")
    assert "short sides: smallest 24 px" in result.stdout and "Writing to" in result.stdout
    assert "--resume" not in result.stdout  # it is finished
    folder = tmp_path / "runs" / "00000-dcgan-64"
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("events."))
    assert names == ["checkpoint", "log.csv", "losses.png", "options.json", "samples", "state.safetensors"]
    assert len(list(folder.glob("events.*"))) == 1
    assert load_options(folder)["kimg"] == 0.008
    assert Image.open(folder / "samples" / "00000008.png").size == (8 * 66 + 2, 8 * 66 + 2)
    (row,) = read_log(folder / "log.csv")
    assert row["images"] == 8
    assert {"loss_g", "loss_d", "real_score", "fake_score", "images_per_second"} <= row.keys()
    studio = Studio.load(folder / "checkpoint", "cpu")
    assert studio.render(Character(1)).size == (64, 64)
    info = studio.checkpoint.info()
    assert info["generator_parameters"] == count_parameters(dcgan.Generator(base_channels=4))
    assert (info["images_seen"], info["trained_on"], info["licence"]) == (8, "12 images from 'pictures'", "mit")


def test_a_killed_run_resumes_to_the_same_weights(pictures, tmp_path):
    killed = tmp_path / "killed" / "00000-dcgan-64"
    arguments = (*BASICS, *EVERY_STEP, "--data", pictures, "--out", killed.parent, "--kimg", 2)
    with started(tmp_path, "train.py", "dcgan", *arguments) as process:
        wait_for_steps(process, killed, 5)
        process.send(signal.SIGKILL)
        assert process.end() == -signal.SIGKILL
    steps_when_killed = progress(killed)["steps"]
    kimg = (steps_when_killed + 7) * 4 / 1000  # three batches are an epoch, so both ends may lie within one
    trained("--resume", killed, "--device", "cpu", "--kimg", kimg)
    trained(*BASICS, "--data", pictures, "--out", tmp_path / "whole", "--kimg", kimg, "--log-interval", 1)

    whole = tmp_path / "whole" / "00000-dcgan-64"
    assert progress(killed)["steps"] == progress(whole)["steps"] == steps_when_killed + 7
    assert_same_state(killed, whole)
    character = Character(5)
    faces = [Studio.load(run / "checkpoint", "cpu").render(character).tobytes() for run in (killed, whole)]
    assert faces[0] == faces[1]
    images = [row["images"] for row in read_log(killed / "log.csv")]
    assert images == sorted(set(images))


def test_a_run_resumed_twice_within_an_epoch_sees_the_same_order(pictures, tmp_path):
    whole, parts = tmp_path / "whole" / "00000-dcgan-64", tmp_path / "parts" / "00000-dcgan-64"
    trained(*BASICS, "--data", pictures, "--out", whole.parent, "--kimg", 0.032)
    trained(*BASICS, "--data", pictures, "--out", parts.parent, "--kimg", 0.008)
    trained("--resume", parts, "--device", "cpu", "--kimg", 0.016)
    trained("--resume", parts, "--device", "cpu", "--kimg", 0.032)
    assert_same_state(whole, parts)


def test_another_seed_trains_another_network(pictures, tmp_path):
    for seed in (0, 1):
        trained(*BASICS, "--data", pictures, "--out", tmp_path, "--kimg", 0.008, "--seed", seed)
    first, second = (load_file(tmp_path / f"0000{i}-dcgan-64" / "state.safetensors") for i in (0, 1))
    assert not torch.equal(first["generator.project.0.weight"], second["generator.project.0.weight"])


def test_ctrl_c_saves_and_says_how_to_go_on(pictures, tmp_path):
    folder = tmp_path / "my runs" / "00000-dcgan-64"
    arguments = (*BASICS, *EVERY_STEP, "--data", pictures, "--out", folder.parent, "--kimg", 2)
    with started(tmp_path, "train.py", "dcgan", *arguments) as process:
        wait_for_steps(process, folder, 2)
        process.send(signal.SIGINT)
        assert process.end() == 0, process.errors
    assert "Traceback" not in process.errors
    last_line = process.output.splitlines()[-1]
    assert last_line.startswith("Continue with: python train.py dcgan --resume ")
    seen = progress(folder)["images_seen"]
    assert load_checkpoint(folder / "checkpoint").config["images_seen"] == seen
    assert load_checkpoint(folder / "checkpoint").config["training_minutes"] >= 0
    advice = shlex.split(last_line.removeprefix("Continue with: python train.py dcgan "))
    trained(*advice, "--device", "cpu", "--kimg", seen / 1000 + 0.008)
    assert progress(folder)["images_seen"] == seen + 8


class Scripted(Dataset):
    """Random float pictures; ``before(n)`` is called before the n-th one is handed out, and may return another one."""

    def __init__(self, before) -> None:
        self.before, self.handed_out = before, 0

    def __len__(self) -> int:
        return 400

    def __getitem__(self, index):
        self.handed_out += 1
        replacement = self.before(self.handed_out)
        return floats(1, index)[0] if replacement is None else replacement


def test_a_termination_request_saves_too(tmp_path, capsys):
    def before(number):
        if number == 9:
            os.kill(os.getpid(), signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    train_dcgan(DataLoader(Scripted(before), 4), 1, "cpu", tmp_path, base_channels=4)
    assert 8 <= progress(tmp_path)["images_seen"] <= 12
    assert "Continue with:" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is handler


def test_max_minutes_ends_a_run_that_can_go_on(pictures, tmp_path):
    result = trained(*BASICS, "--data", pictures, "--out", tmp_path, "--max-minutes", 0.003)
    assert "Continue with:" in result.stdout
    folder = tmp_path / "00000-dcgan-64"
    seen = progress(folder)["images_seen"]
    trained("--resume", folder, "--device", "cpu", "--kimg", seen / 1000 + 0.004)
    assert progress(folder)["images_seen"] == seen + 4


def test_small_pictures_can_be_enlarged_by_the_upscaler(pictures, tmp_path, isolated_cache):
    enlarged = "*-enlarged-64-*.npy"
    trained(*BASICS, "--data", pictures, "--out", tmp_path, "--kimg", 0.004)
    assert not list(isolated_cache.glob(enlarged))
    printed = trained(*BASICS, "--data", pictures, "--out", tmp_path, "--kimg", 0.004, "--upscale-small").stdout
    (crisp,) = isolated_cache.glob(enlarged)
    contrast, soft = (
        np.square(np.diff(each.astype(float), axis=2)).mean() for each in (np.load(crisp), load_pictures(pictures).pictures)
    )
    assert contrast > 1.15 * soft and "as soft" not in printed  # 1.27
    trained("--resume", tmp_path / "00001-dcgan-64", "--device", "cpu", "--kimg", 0.008)
    assert len(list(isolated_cache.glob("*.npy"))) == 2  # the resumed run took the same pictures


def test_epochs_count_passes_and_snapshots_come_at_the_interval(pictures, tmp_path):
    trained(*BASICS, "--data", pictures, "--out", tmp_path, "--epochs", 3, "--save-interval", 1)
    samples = tmp_path / "00000-dcgan-64" / "samples"
    assert sorted(path.name for path in samples.iterdir()) == ["00000012.png", "00000024.png", "00000036.png"]


def test_the_checkpoint_holds_the_averaged_generator(pictures, tmp_path):
    trained(*BASICS, "--data", pictures, "--out", tmp_path, "--kimg", 0.04, "--ema-rampup", 10, "--lr", 0.01)
    folder = tmp_path / "00000-dcgan-64"
    state = load_file(folder / "state.safetensors")
    shipped = load_checkpoint(folder / "checkpoint").generator.project[0].weight
    assert torch.equal(shipped, state["ema.project.0.weight"].half().float())
    assert not torch.equal(shipped, state["generator.project.0.weight"].half().float())


@pytest.mark.parametrize(
    "flags, arguments",
    [
        (["--latent-dim", 50], dict(latent_dim=50)),
        (["--extra-layers", 2], dict(extra_layers=2)),
        (["--no-batch-norm"], dict(batch_norm=False)),
        (["--real-label-high", 1, "--no-flip"], dict()),
        (["--precision", "bf16"], dict()),
        (["--feature-matching", 0.1], dict()),
    ],
)
def test_every_variant_is_one_flag_away(pictures, tmp_path, flags, arguments):
    trained(*BASICS, "--data", pictures, "--out", tmp_path, "--kimg", 0.008, *flags)
    config = load_checkpoint(tmp_path / "00000-dcgan-64" / "checkpoint").config["generator"]
    assert config == dict(latent_dim=100, base_channels=4, extra_layers=0, batch_norm=True) | arguments


def test_a_dry_run_prints_the_options_and_writes_nothing(pictures, tmp_path, isolated_cache):
    before = sorted(tmp_path.rglob("*"))
    result = command("--data", pictures, "--out", tmp_path / "runs", "--kimg", 3, "--dry-run")
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert (printed["family"], printed["data"]) == ("dcgan", str(pictures))
    assert (printed["kimg"], printed["batch"], printed["lr"]) == (3, 128, 2e-4)
    assert sorted(tmp_path.rglob("*")) == before
    assert not list(isolated_cache.iterdir())


def test_a_picture_that_is_no_number_stops_the_run_and_the_last_good_state_is_kept(tmp_path):
    path, good = tmp_path / "state.safetensors", []

    def before(number):
        if number == 21:
            good.append(path.read_bytes())
            return torch.full((3, 64, 64), float("nan"))
        return None

    options = DCGANOptions(epochs=1, batch=4, base_channels=4, save_minutes=1e-9)
    with pytest.raises(AnimeGenError, match=r"Training diverged at 24 images.*last good state is in"):
        train(DCGANRecipe(options), DataLoader(Scripted(before), 4), tmp_path, "cpu")
    assert [path.read_bytes()] == good
    assert progress(tmp_path)["images_seen"] == 20
    assert all(tensor.isfinite().all() for tensor in load_file(path).values())


def test_an_absurd_learning_rate_ends_in_one_sentence(pictures, tmp_path):
    result = command(*BASICS, "--data", pictures, "--out", tmp_path, "--epochs", 5, "--lr", 1e30)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    last_line = result.stderr.splitlines()[-1]
    assert last_line.startswith("Error: Training diverged")
    assert last_line.endswith("no state was saved yet. Try a lower learning rate than 1e+30.")


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    """The folder of a short run whose data are gone."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    loader = DataLoader(TensorDataset(floats(8)), 4)
    train_dcgan(loader, 1, "cpu", folder, base_channels=4)
    return folder


@pytest.mark.parametrize(
    "flags, fragment",
    [
        (["--lr", 0.1], "--lr cannot be changed"),
        (["--no-batch-norm"], "--batch-norm cannot be changed"),
        (["--seed", 3], "--seed cannot be changed"),
        (["--epochs", 3, "--kimg", 3], "not both"),
        ([], "has no data path; give --data PATH"),
    ],
)
def test_what_a_resumed_run_refuses(finished_run, flags, fragment):
    before = {path: path.read_bytes() for path in finished_run.rglob("*") if path.is_file()}
    assert_refused(command("--resume", finished_run, *flags), fragment)
    assert {path: path.read_bytes() for path in finished_run.rglob("*") if path.is_file()} == before


def test_a_resumed_run_may_be_told_again_what_it_is(finished_run, pictures):
    result = command("--resume", finished_run, "--data", pictures, "--lr", 0.0002, "--epochs", 9, "--dry-run")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["epochs"] == 9


@pytest.mark.parametrize(
    "flags, fragment",
    [
        (["--epochs", 1, "--kimg", 1], "not both"),
        (["--batch", 13], "12 images, fewer than one batch of 13"),
        (["--batch", 1], "batch is 1"),
        (["--lr", 0], "lr is 0.0"),
        (["--precision", "fp8"], "'fp8'"),
        (["--export-shards", "15 boxes"], "'15 boxes'"),
        (["--threads", 0], "threads is 0"),
        (["--threads", 100_000], "threads is 100000"),
        (["--device", "banana"], "'banana'"),
        (["--data", "missing/pictures"], "'missing/pictures' does not exist"),
        (["--resume", "missing/run"], "'missing/run' is not a run folder"),
    ],
)
def test_mistakes_end_with_code_2_and_one_sentence(pictures, tmp_path, flags, fragment):
    result = command("--batch", 4, "--device", "cpu", "--data", pictures, "--out", tmp_path / "runs", *flags)
    assert_refused(result, fragment)
    assert not (tmp_path / "runs").exists()


def test_a_run_of_an_earlier_version_resumes(pictures, tmp_path):
    """Its options.json lacks what has been added since."""
    trained(*BASICS, "--data", pictures, "--out", tmp_path, "--kimg", 0.008)
    path = tmp_path / "00000-dcgan-64" / "options.json"
    options = json.loads(path.read_text())
    for name in ("export_shards", "feature_matching"):
        del options[name]
    path.write_text(json.dumps(options))
    result = trained("--resume", path.parent, "--device", "cpu", "--kimg", 0.016, "--feature-matching", 0)
    assert progress(path.parent)["images_seen"] == 16
    assert "short sides" not in result.stdout  # the pictures were looked at when the run began
    assert json.loads(path.read_text())["feature_matching"] == 0


def test_a_resumed_run_keeps_what_its_card_says(pictures, tmp_path):
    start = [*BASICS, "--data", pictures, "--out", tmp_path / "runs", "--kimg", 0.004]
    assert command(*start, "--trained-on", "twelve blobs", "--licence", "mit").exit_code == 0
    run = tmp_path / "runs" / "00000-dcgan-64"
    assert command("--resume", run, "--device", "cpu", "--kimg", 0.008).exit_code == 0
    info = Studio.load(run / "checkpoint", "cpu").checkpoint.info()
    assert (info["images_seen"], info["trained_on"], info["licence"]) == (8, "twelve blobs", "mit")


def test_a_checkpoint_can_be_written_in_shards_and_a_resumed_run_can_change_their_size(pictures, tmp_path):
    def shards():
        return len(list((tmp_path / "00000-dcgan-64" / "checkpoint").glob("model*.safetensors")))

    trained(*BASICS, "--data", pictures, "--out", tmp_path, "--kimg", 0.008, "--export-shards", "40KB")
    several = shards()
    trained("--resume", tmp_path / "00000-dcgan-64", "--device", "cpu", "--kimg", 0.016, "--export-shards", "1GB")
    assert several > 1 and shards() == 1
    assert Studio.load(tmp_path / "00000-dcgan-64" / "checkpoint", "cpu").render(Character(1)).size == (64, 64)


def test_feature_matching_pulls_the_generator_toward_the_mean_features():
    networks = dcgan.Generator(8, 4), dcgan.Discriminator(4)
    real, fake = floats(4, 1), floats(4, 2)
    plain, matching = (
        DCGANRecipe(DCGANOptions(feature_matching=weight)).generator_loss(networks[1], real, fake, None) for weight in (0, 2)
    )
    features = [networks[1].layers[:-2](images).detach() for images in (real, fake)]
    expected = 2 * (features[0].mean(0) - features[1].mean(0)).square().sum()
    torch.testing.assert_close(matching - plain, expected)
    assert not networks[1].layers[-2]._forward_pre_hooks


def test_a_dcgans_discriminator_sees_augmented_images_only():
    seen = []
    discriminator = dcgan.Discriminator(4)
    discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    recipe, images = DCGANRecipe(DCGANOptions(augment="cutout")), torch.full((4, 3, 64, 64), 0.5)
    recipe.discriminator_loss(discriminator, images, images, None)
    recipe.generator_loss(discriminator, images, images, None)
    assert len(seen) == 3
    assert all((images == 0).flatten(1).any(1).all() for images in seen)  # each image has a hole


def test_no_data_at_all_is_a_mistake_too():
    assert_refused(command("--epochs", 1), "give --data PATH")


def test_two_runs_started_at_once_get_two_folders(pictures, tmp_path):
    command = ("train.py", "dcgan", *BASICS, "--data", pictures, "--out", tmp_path / "runs", "--kimg", 0.004)
    with started(tmp_path / "first", *command) as first, started(tmp_path / "second", *command) as second:
        for process in (first, second):
            assert process.end() == 0, process.errors
    folders = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert folders == ["00000-dcgan-64", "00001-dcgan-64"]
    assert_same_state(*(tmp_path / "runs" / name for name in folders))


def test_a_conditional_dcgan_begins_with_what_an_unconditional_one_drew(tmp_path):
    plain = Trainer(DCGANRecipe(DCGANOptions(latent_dim=8)), "cpu")
    plain.save(tmp_path / "state.safetensors")
    told = Trainer(ConditionalDCGANRecipe(ConditionalDCGANOptions(latent_dim=8, seed=1)), "cpu")
    assert "new" not in told.start_from(tmp_path)
    z, pictures = torch.randn(4, 8), torch.rand(4, 3, 64, 64) * 2 - 1
    labels = torch.tensor([[0, 1], [2, -1], [-1, -1], [11, 10]])
    for name, given in (("generator", z), ("ema", z), ("discriminator", pictures)):
        before, after = plain.networks()[name].eval(), told.networks()[name].eval()
        with torch.no_grad():
            torch.testing.assert_close(after(given, labels), before(given), rtol=1e-3, atol=1e-4)
    told.step(pictures, labels)
    assert told.generator.project[0].weight[:, 8:].abs().sum() > 0  # labels are learned


def test_the_discriminator_may_learn_at_a_speed_of_its_own():
    run = Trainer(DCGANRecipe(DCGANOptions(lr=1e-4, lr_d=4e-4)), "cpu")
    rates = [o.param_groups[0]["lr"] for o in (run.generator_optimizer, run.discriminator_optimizer)]
    assert rates == [1e-4, 4e-4]


def test_weights_to_begin_with_are_read_once(pictures, tmp_path, tiny_checkpoint, monkeypatch):
    read = []
    monkeypatch.setattr(
        "animegen_core.training.weights.load_checkpoint", lambda name: read.append(name) or load_checkpoint(name)
    )
    trained(*BASICS, "--latent-dim", 8, "--data", pictures, "--out", tmp_path, "--kimg", 0.004, "--init-from", tiny_checkpoint)
    assert read == [str(tiny_checkpoint)]


@pytest.fixture
def short_run(pictures, tmp_path, monkeypatch):
    """The folder of a run of 4 pictures with labels, whose data and tags were given as relative paths."""
    monkeypatch.chdir(pictures.parent)
    rows = [f"{index:02d}.png,pink,blue" for index in range(12)]
    (tmp_path / "tags.csv").write_text("\n".join(["file,hair,eyes", *rows]))
    start = ("--batch", 4, "--device", "cpu", "--data", "pictures", "--labels", "tags.csv", "--out", "runs", "--kimg", 0.004)
    result = CliRunner().invoke(app, ["conditional-dcgan", *map(str, (*start, "--base-channels", 4))])
    assert result.exit_code == 0, result.output
    return tmp_path / "runs" / "00000-conditional-dcgan-64"


def resumed(run, kimg, *arguments):
    flags = ("--resume", run, "--device", "cpu", "--kimg", kimg, *arguments)
    return CliRunner().invoke(app, ["conditional-dcgan", *map(str, flags)])


def said_of_the_data(run):
    return load_checkpoint(run / "checkpoint").info()["trained_on"]


def test_a_run_resumes_from_another_folder_and_after_its_data_moved(short_run, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = resumed(short_run, 0.008)
    assert result.exit_code == 0 and "changed" not in result.output, result.output
    (tmp_path / "pictures").rename(tmp_path / "moved")
    assert_refused(resumed(short_run, 0.012), f"'{tmp_path / 'pictures'}', which does not exist; give its new path with --data")
    (tmp_path / "tags.csv").rename(tmp_path / "moved.csv")
    assert_refused(
        resumed(short_run, 0.012, "--data", "../moved"), "tags.csv', which does not exist; give its new path with --labels"
    )
    result = resumed(short_run, 0.012, "--data", "../moved", "--labels", "../moved.csv")
    assert result.exit_code == 0 and "changed" not in result.output, result.output
    assert said_of_the_data(short_run) == "12 images from 'pictures'"
    assert resumed(short_run, 0.016).exit_code == 0  # the new places are kept


def test_a_resumed_run_says_that_its_data_changed_and_the_card_names_both(short_run, draw, tmp_path):
    draw(99).save(tmp_path / "pictures" / "99.png")
    result = resumed(short_run, 0.008)
    assert "The images have changed: 12 before, 13 now" in result.output, result.output
    assert said_of_the_data(short_run) == "12 images from 'pictures', then 13 images from 'pictures'"
    (tmp_path / "tags.csv").write_text("file,hair,eyes\n00.png,red,blue\n")
    result = resumed(short_run, 0.012)
    assert "The labels have changed" in result.output and "images have changed" not in result.output
    assert resumed(short_run, 0.016, "--trained-on", "thirteen blobs").exit_code == 0
    assert said_of_the_data(short_run) == "thirteen blobs"


def test_data_whose_names_are_no_utf_8_are_trained_on(pictures, tmp_path):
    folder = tmp_path / os.fsdecode(b"f\xfcr")
    pictures.rename(folder)
    (folder / os.fsdecode(b"kaputt\xfc.png")).write_bytes(b"no picture")
    arguments = (*BASICS, f"--data={folder}", "--out", tmp_path / "runs", "--kimg", 0.004)
    with started(tmp_path, "train.py", "dcgan", *arguments) as process:
        assert process.end() == 0, process.errors
    assert r"kaputt\udcfc.png" in process.output
    assert (tmp_path / "runs" / "00000-dcgan-64" / "checkpoint" / "README.md").exists()


def test_a_tilde_after_an_equals_sign_is_the_home_folder(pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    trained(*BASICS, "--data=~/pictures", "--out=~/runs", "--kimg", 0.004)
    assert (tmp_path / "runs" / "00000-dcgan-64" / "checkpoint").is_dir()


@pytest.fixture
def disk(make_disk):
    """A file system of 12 MiB."""
    return make_disk("12m")


@pytest.mark.parametrize("left", ["for the log", "for the log and the state"])
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_run_that_meets_a_full_disk_says_so_in_one_sentence_and_goes_on_later(pictures, disk, left):
    trained(*BASICS, "--data", pictures, "--out", disk, "--kimg", 0.004)
    run = disk / "00000-dcgan-64"
    state = (run / "state.safetensors").read_bytes()
    space = os.statvfs(disk)
    needed = {"for the log": 40_000, "for the log and the state": 50_000 + len(state)}[left]
    (disk / "filler").write_bytes(bytes(space.f_bavail * space.f_bsize - needed))
    result = command("--resume", run, "--device", "cpu", "--kimg", 0.008, "--log-interval", 1)
    assert result.exit_code == 2 and "Traceback" not in result.stderr
    error = result.stderr.splitlines()[-1]  # after the progress bar
    assert error.startswith(f"Error: '{run}") and error.endswith("No space left on device."), error
    kept = (run / "state.safetensors").read_bytes()
    assert progress(run)["images_seen"] == 8 if left == "for the log and the state" else kept == state
    assert not list(disk.rglob(".animegen-*"))
    (disk / "filler").unlink()
    trained("--resume", run, "--device", "cpu", "--kimg", 0.012)
    assert progress(run)["images_seen"] == 12


def fill(disk):
    """Leave no room, and none in the last pages of the logs."""
    for path in [*disk.rglob("log.csv"), *disk.rglob("events*")]:
        with path.open("ab") as stream:
            stream.write(b"\n" * (-path.stat().st_size % 4096))
    space = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(space.f_bavail * space.f_bsize))


def test_a_disk_that_fills_up_between_two_rows_of_the_log_is_one_sentence(pictures, disk, monkeypatch):
    add = RunLog.add

    def add_on_a_full_disk(log, row):
        if row["images"] == 8:
            fill(disk)
        add(log, row)

    monkeypatch.setattr(RunLog, "add", add_on_a_full_disk)
    result = command(*BASICS, "--data", pictures, "--out", disk, "--kimg", 0.02, "--log-interval", 1, *EVERY_STEP)
    run = disk / "00000-dcgan-64"
    assert result.exit_code == 2 and "Traceback" not in result.output, result.output
    assert result.stderr.splitlines()[-1] == f"Error: '{run / 'log.csv'}': No space left on device."
    assert load_file(run / "state.safetensors")
    assert not list(disk.rglob(".animegen-*"))


def test_tensorboard_on_a_full_disk_is_an_error_that_names_its_folder(disk):
    (disk / "run").mkdir()
    log = RunLog(disk / "run", 0)
    log.add({"images": 4, "loss": 1.0})
    log.tensorboard.flush()
    fill(disk)
    with pytest.raises(OSError, match="No space left on device") as error:
        log.tensorboard.add_scalar("loss", 2.0, 8)
        log.close()
    assert error.value.filename == str(disk / "run")

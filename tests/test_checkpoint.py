import hashlib
import json
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from loading import refused, told_or_loaded
from safetensors.torch import load_file

from animegen_core.checkpoint import bundled_names, load_checkpoint, save_checkpoint
from animegen_core.errors import AnimeGenError
from animegen_core.models.dcgan import Generator

ROOT = Path(__file__).parents[1]
Z = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_checkpoint_draws_what_was_saved(saved):
    generator, folder = saved
    loaded = load_checkpoint(folder).generator
    assert not loaded.training
    with torch.no_grad():
        torch.testing.assert_close(loaded(Z), generator(Z), atol=2e-3, rtol=0)


def test_drawing_does_not_wait_for_packages_that_it_does_not_need(family_checkpoints):
    draw = (
        "import sys\n"
        "import animegen_core.commands.main\n"
        "from animegen_core import Character, Studio\n"
        "for folder in sys.argv[1:]:\n"
        "    Studio.load(folder).render(Character(1))\n"
        "slow = {'gradio', 'matplotlib', 'sympy', 'torch._dynamo', 'torchvision'}  # half a second each, or more\n"
        "print(*slow & sys.modules.keys())"
    )
    command = [sys.executable, "-c", draw, *map(str, family_checkpoints.values())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


def test_a_checkpoint_is_three_files_and_none_is_a_pickle(saved):
    _, folder = saved
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert load_file(folder / "model.safetensors")


def test_what_is_known_about_a_checkpoint(saved):
    generator, folder = saved
    loaded = load_checkpoint(folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    assert loaded.name == "mine"
    assert json.loads(json.dumps(loaded.info())) == {
        "name": "mine",
        "family": "dcgan",
        "resolution": 64,
        "generator_parameters": sum(p.numel() for p in generator.parameters()),
        "images_seen": 1234,
        "trained_on": "coloured blobs",
        "licence": "mit",
        "generator": {"latent_dim": 8, "base_channels": 4, "extra_layers": 0, "batch_norm": True},
        "hash": digest,
    }


def test_the_card_is_written_once_and_never_over_a_persons_words(saved):
    generator, folder = saved
    card = (folder / "README.md").read_text()
    assert "coloured blobs" in card and 'license: "mit"' in card and "1,234" in card
    (folder / "README.md").write_text("my own words")
    save_checkpoint(folder, "dcgan", generator, 9999, "more blobs", "mit")
    assert (folder / "README.md").read_text() == "my own words"
    assert load_checkpoint(folder).config["images_seen"] == 9999


def test_a_card_that_nobody_changed_follows_the_training(saved):
    generator, folder = saved
    save_checkpoint(folder, "dcgan", generator, 9999, "coloured blobs", "mit")
    card = (folder / "README.md").read_text()
    assert "9,999" in card and "1,234" not in card


def test_a_bundled_checkpoint_is_found_by_name(saved, monkeypatch):
    _, folder = saved
    monkeypatch.setattr("animegen_core.checkpoint.format.BUNDLED", folder.parent)
    assert bundled_names() == ["mine"]
    assert load_checkpoint("mine").path == folder


@pytest.mark.parametrize("name", ["dcgan-65", "", "no/such/folder", "a b/c", "../x/y", "x" * 5000, "nul\0byte"])
def test_an_unknown_name_lists_the_bundled_ones(saved, monkeypatch, name):
    _, folder = saved
    monkeypatch.setattr("animegen_core.checkpoint.format.BUNDLED", folder.parent)
    message = refused(name)
    assert message.startswith(f"Unknown checkpoint {name[:200]!r};")
    assert "bundled are: mine;" in message


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"family": "dcgun"}, "has the unknown family 'dcgun'; known are: "),
        ({"family": 3}, "'family' is missing or not a str"),
        ({"generator": None}, "'generator' is missing or not a dict"),
        ({"images_seen": "many"}, "'images_seen' is missing or not a int"),
        ({"trained_on": ["a"]}, "'trained_on' is missing or not a str"),
        ({"licence": None}, "'licence' is missing or not a str"),
        ({"generator": {"latent_dim": "8"}}, "latent_dim is '8', but must be a whole number"),
        ({"generator": {"latent_dim": -8}}, "latent_dim is -8, but must be a whole number"),
        ({"generator": {"latent_dim": 10**30}}, "but must be a whole number"),
        ({"generator": {"latent_dim": 1e12}}, "latent_dim is 1000000000000.0, but must be a whole number"),
        ({"generator": {"latent_dim": float("nan")}}, "latent_dim is nan, but must be a whole number"),
        ({"generator": {"latent_dim": True}}, "latent_dim is True, but must be a whole number"),
        ({"generator": {"extra_layers": 10**9}}, "extra_layers is 1000000000, but must be a whole number"),
        ({"generator": {"batch_norm": "no"}}, "batch_norm is 'no', but must be true or false"),
        ({"family": "stylegan2", "generator": {"resolution": 2**40}}, "resolution is 1099511627776, but must be"),
        ({"family": "stylegan2", "generator": {"channel_base": 1e12}}, "channel_base is 1000000000000.0, but must be"),
        ({"family": "stylegan2", "generator": {"mapping_depth": 10**4}}, "mapping_depth is 10000, but must be"),
        ({"family": "stylegan2", "generator": {"label_dims": [12, -11]}}, "label_dims is [12, -11], but must be a list"),
        ({"family": "stylegan2", "generator": {"label_dims": [1] * 10**5}}, "but must be a list of 1 to 16 whole numbers"),
        ({"family": "conditional-dcgan", "generator": {"label_dims": []}}, "label_dims is [], but must be a list"),
        ({"images_seen": True}, "'images_seen' is missing or not a int"),
        ({"images_seen": -1}, "'images_seen' of -1"),
        ({"images_seen": 10**4000}, "'images_seen' of "),
        ({"trained_on": "x" * 10**5}, "'trained_on' is too long or has control characters"),
        ({"licence": "\x1b[2J"}, "'licence' is too long or has control characters"),
        ({"trained_on": "\ud800"}, "'trained_on' is too long or has control characters"),
        ({"generator": {"wings": 2}}, "unknown argument 'wings'; known are: latent_dim, base_channels,"),
        (dict(usual_psi="high"), "'usual_psi' of 'high', but must have a number from 0 to 1.5"),
        (dict(usual_psi=float("nan")), "'usual_psi' of nan, but"),
        (dict(training_minutes="long"), "'long', but must have a number of minutes"),
        (dict(training_minutes=float("nan")), "nan, but must have a number of minutes"),
    ],
)
def test_a_config_with_a_bad_value_is_told(saved, changes, message):
    _, folder = saved
    edit_config(folder, **changes)
    sentence = refused(folder)
    assert sentence.startswith("mine/config.json")
    assert message in sentence


NO_CONFIGS = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[]",
    b"3",
    b"{}",
    b"NaN",
    b"9" * 5000,
    b" " * 10**8,
]


@pytest.mark.parametrize("text", NO_CONFIGS, ids=lambda text: repr(text[:10]))
def test_a_config_that_is_no_config_is_told(saved, text):
    _, folder = saved
    (folder / "config.json").write_bytes(text)
    assert refused(folder).startswith("mine/config.json is not ")


@pytest.mark.parametrize("size", [2**21, 2**30])
def test_an_endless_config_is_refused_before_it_is_read(saved, size):
    _, folder = saved
    path, before = folder / "config.json", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path.write_text(path.read_text() + " " * 2**21)  # good JSON, but for its size
    with path.open("r+b") as stream:
        stream.truncate(size)
    assert refused(folder) == "mine/config.json is not a file of AnimeGen: it is larger than 1,048,576 bytes."
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_an_absurd_size_is_refused_before_memory_is_taken(saved):
    _, folder = saved
    edit_config(folder, generator={"latent_dim": 4096, "base_channels": 4096})  # 50 GB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "more than the maximum of 200,000,000" in refused(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


HOSTILE = [
    None,
    True,
    False,
    -1,
    0,
    1,
    3,
    64,
    2**16,
    2**31,
    2**40,
    2**63,
    10**30,
    0.5,
    1e12,
    float("nan"),
    float("inf"),
    "",
    "64",
]


HOSTILE += ["x" * 99, [], [[]], [1] * 17, [0], [-1, 5], [10**9, 10**9], [4096] * 16, ["a"], [True], [1.0], {}, {"a": 1}, "\n"]


HOSTILE += [json.loads("[" * 300 + "]" * 300)]


def distort_config(config, source):
    """A config with one to three values taken away, replaced or added."""
    config = json.loads(json.dumps(config))
    for _ in range(source.randint(1, 3)):
        where = source.choice([config, config["generator"]]) if isinstance(config.get("generator"), dict) else config
        key = source.choice([*where, "foreign", "label_dims", "resolution"])
        if source.random() < 0.2:
            where.pop(key, None)
        else:
            where[key] = source.choice(HOSTILE)
    return config


@pytest.mark.parametrize("family", ["dcgan", "conditional-dcgan", "stylegan", "stylegan2"])
def test_any_distorted_config_is_told(family_checkpoints, tmp_path, family):
    folder = shutil.copytree(family_checkpoints[family], tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    source, before = random.Random(family), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loaded = 0
    for _ in range(100):
        (folder / "config.json").write_text(json.dumps(distort_config(config, source)))
        loaded += told_or_loaded(folder)
    assert 0 < loaded < 50  # a foreign fact about the checkpoint is nothing bad
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize("folder, name", [("checkpoint", "00003-dcgan-64"), ("checkpoint-best", "00003-dcgan-64-best")])
def test_what_a_run_wrote_is_called_after_the_run(tmp_path, monkeypatch, folder, name):
    run = tmp_path / "00003-dcgan-64"
    saved = save_checkpoint(run / folder, "dcgan", Generator(latent_dim=8, base_channels=4).eval(), 1, "blobs", "mit")
    assert load_checkpoint(saved).name == name
    assert f"# {name}\n" in (saved / "README.md").read_text()
    monkeypatch.chdir(run)
    assert load_checkpoint(folder).name == name
    (saved / "model.safetensors").unlink()
    with pytest.raises(AnimeGenError, match=f"Checkpoint '{name}' has no model.safetensors"):
        load_checkpoint(saved)


def test_a_card_that_a_run_gave_the_title_checkpoint_is_still_kept_up(tmp_path):
    saved = tmp_path / "00003-dcgan-64" / "checkpoint"
    network = Generator(latent_dim=8, base_channels=4).eval()
    save_checkpoint(saved, "dcgan", network, 1, "blobs", "mit")
    card = saved / "README.md"
    card.write_text(card.read_text().replace("# 00003-dcgan-64", "# checkpoint"))
    save_checkpoint(saved, "dcgan", network, 77, "blobs", "mit")
    assert ": 77\n" in card.read_text()

"""What importing the package loads, and which names can be imported."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


# Torch is imported once, which takes seconds, and each module in a process forked off then.
IMPORT_EACH = """
import importlib, os, sys, torch
for module in sys.argv[1:]:
    if not os.fork():
        importlib.import_module(module)
        print(*sys.modules, flush=True)
        os._exit(0)
    os.wait()
"""
UNNEEDED = {
    "animegen_core": ["animegen_core.data", "gradio"],  # where the DataLoader is
    "animegen_core.ui": ["animegen_core.evaluation"],
    "animegen_core.commands.main": ["animegen_core.training", "animegen_core.evaluation", "gradio"],
    "animegen_core.commands.training": ["gradio"],
}


@pytest.fixture(scope="module")
def loaded():
    """Module -> what is loaded when it has been imported."""
    command = [sys.executable, "-c", IMPORT_EACH, *UNNEEDED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(zip(UNNEEDED, map(str.split, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("module, unwanted", [(module, name) for module, names in UNNEEDED.items() for name in names])
def test_importing_does_not_load_what_is_not_needed_yet(loaded, module, unwanted):
    assert module in loaded[module]
    assert not [name for name in loaded[module] if name == unwanted or name.startswith(f"{unwanted}.")]


@pytest.mark.parametrize(
    "module, name",
    [
        ("animegen_core", "Studio"),
        ("animegen_core.checkpoint", "load_checkpoint"),
        ("animegen_core.data", "to_model_range"),
        ("animegen_core.hub", "push"),
        ("animegen_core.labelling", "label_pictures"),
        ("animegen_core.training", "train_dcgan"),
        ("animegen_core.upscaling", "enlarge"),
        ("animegen_core.weights", "check_shard_size"),
    ],
)
def test_a_public_name_can_be_imported(module, name):
    assert hasattr(import_module(module), name)

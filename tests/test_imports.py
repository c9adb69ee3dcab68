"""What importing the package loads, and which names can be imported."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def loaded_by(statement):
    """Modules of ours that a new process has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement, unwanted",
    [
        ("import animegen_core", "animegen_core.data"),  # where the DataLoader is
        ("import animegen_core.ui", "animegen_core.evaluation"),
        ("import animegen_core.commands.main", "animegen_core.training"),
        ("import animegen_core.commands.main", "animegen_core.evaluation"),
    ],
)
def test_importing_does_not_load_what_is_not_needed_yet(statement, unwanted):
    loaded = loaded_by(statement)
    assert statement.removeprefix("import ") in loaded
    assert not [name for name in loaded if name == unwanted or name.startswith(f"{unwanted}.")]


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

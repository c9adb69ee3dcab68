"""The preset of a bundled checkpoint is its recipe: the command in its card has the options in its options.json."""

import json
import re
import shlex
from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from animegen_core.checkpoint import BUNDLED, bundled_names
from animegen_core.commands.training import RESUMABLE, app
from animegen_core.families import FAMILIES
from animegen_core.training.run_folder import OPTIONS, load_options

RECORDED = sorted(path.parent.name for path in BUNDLED.glob(f"*/{OPTIONS}"))
CHANGES_NO_WEIGHT = set(RESUMABLE) - {"labels"}  # how long a run is, and how often it saves


def command_of(name):
    """Arguments of the one training command in a card."""
    blocks = re.findall(r"^```\n(.*?)^```$", (BUNDLED / name / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if " train.py " in line]
    (line,) = lines
    return shlex.split(line.partition("train.py")[2])


def test_every_bundled_generator_records_its_options():
    assert {*bundled_names(), "stylegan2-128"} <= set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_the_command_in_a_card_repeats_the_recorded_options(name):
    command = command_of(name)
    flags = [word for word in command if word.startswith("--")]
    assert {"--preset", "--data"} <= set(flags) and len(flags) <= 5

    recorded = load_options(BUNDLED / name)
    family, data = recorded.pop("family"), recorded.pop("data")
    options = asdict(FAMILIES[family].options(**recorded))  # options that are newer take their defaults
    printed = CliRunner().invoke(app, [*command, "--dry-run"])
    assert printed.exit_code == 0, printed.output
    ours = json.loads(printed.stdout)
    assert (ours.pop("family"), ours.pop("data")) == (family, data)
    different = {name for name in options if ours[name] != options[name]}
    assert different <= CHANGES_NO_WEIGHT

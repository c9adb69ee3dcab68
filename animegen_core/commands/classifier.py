"""``train.py classifier``; ``train.py`` registers it beside the families."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from animegen_core.commands.flags import flags_of, give_flags
from animegen_core.commands.helper_runs import Data, Licence, Resume, Runs, TrainedOn, asked_run
from animegen_core.training.helpers.classifier import ClassifierOptions, fit_and_save

_FAMILY = "classifier"


def classifier(
    context: typer.Context,
    data: Data = None,
    labels: Annotated[Path | None, typer.Option(help="Tag file of the images: CSV with file, hair and eyes.")] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder, such as checkpoints/labeller-64.")] = None,
    runs: Runs = Path("runs"),
    resume: Resume = None,
    trained_on: TrainedOn = "unnamed images",
    licence: Licence = "other",
    **given: Any,
) -> None:
    """Train a classifier of hair and eye colours. Prints its accuracy on a held-out tenth of the tags."""
    settings = {"data": data, "labels": labels, "out": out, "trained_on": trained_on, "licence": licence}
    asked = asked_run(context, resume, _FAMILY, ClassifierOptions, settings, given)
    typer.echo(json.dumps(fit_and_save(asked, runs), indent=2))


give_flags(classifier, flags_of(ClassifierOptions))

"""``train.py classifier``; ``train.py`` registers it beside the families."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from animegen_core.commands.flags import explicit, flags_of, give_flags
from animegen_core.training.helpers.classifier import ClassifierOptions, fit_and_save
from animegen_core.training.helpers.runs import HelperRun

_FAMILY = "classifier"


def classifier(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="Folder or zip of images; with --resume by default that of the run.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Tag file of the images: CSV with file, hair and eyes.")] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder, such as checkpoints/labeller-64.")] = None,
    runs: Annotated[Path, typer.Option(help="Parent of the numbered run folder with log and state.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Resume the run in this folder, with its options.")] = None,
    trained_on: Annotated[str, typer.Option(help="Description of the training data, for config.json.")] = "unnamed images",
    licence: Annotated[str, typer.Option(help="Licence of the weights, for config.json.")] = "other",
    **given: Any,
) -> None:
    """Train a classifier of hair and eye colours. Prints its accuracy on a held-out tenth of the tags."""
    settings = {"data": data, "labels": labels, "out": out, "trained_on": trained_on, "licence": licence}
    if resume is None:
        asked = HelperRun(_FAMILY, settings, ClassifierOptions(**given))
    else:
        asked = HelperRun.resumed(resume, _FAMILY, ClassifierOptions, explicit(context, {**settings, **given}))
    typer.echo(json.dumps(fit_and_save(asked, runs), indent=2))


give_flags(classifier, flags_of(ClassifierOptions))

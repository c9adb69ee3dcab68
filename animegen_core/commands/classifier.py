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
    data: Annotated[Path | None, typer.Option(help="Folder or zip of pictures; resumed: by default that of the run.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Tag file (CSV: file, hair, eyes) of some or all of them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where it is written, such as checkpoints/labeller-64.")] = None,
    runs: Annotated[Path, typer.Option(help="Where the numbered run folder, for log and state, is made.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder, with its options.")] = None,
    trained_on: Annotated[str, typer.Option(help="What the config says of the data.")] = "unnamed pictures",
    licence: Annotated[str, typer.Option(help="The licence that the config states.")] = "other",
    **given: Any,
) -> None:
    """A classifier of hair and eye colours; prints its accuracy on a held-out tenth of the tags."""
    settings = {"data": data, "labels": labels, "out": out, "trained_on": trained_on, "licence": licence}
    if resume is None:
        asked = HelperRun(_FAMILY, settings, ClassifierOptions(**given))
    else:
        asked = HelperRun.resumed(resume, _FAMILY, ClassifierOptions, explicit(context, {**settings, **given}))
    typer.echo(json.dumps(fit_and_save(asked, runs), indent=2))


give_flags(classifier, flags_of(ClassifierOptions))

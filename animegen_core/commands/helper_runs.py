"""What the commands that train small networks have in common: their flags, and the run that is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from animegen_core.commands.flags import explicit

if TYPE_CHECKING:
    from animegen_core.training.helpers.runs import HelperRun

Data = Annotated[Path | None, typer.Option(help="Folder or zip of images; with --resume by default that of the run.")]
Runs = Annotated[Path, typer.Option(help="Parent of the numbered run folder with log and state.")]
Resume = Annotated[Path | None, typer.Option(help="Resume the run in this folder, with its options.")]
TrainedOn = Annotated[str, typer.Option(help="Description of the training data, for config.json.")]
Licence = Annotated[str, typer.Option(help="Licence of the weights, for config.json.")]


def asked_run(
    context: typer.Context,
    resume: Path | None,
    family: str,
    options_class: type,
    settings: dict[str, Any],
    given: dict[str, Any],
) -> "HelperRun":
    """A new run with these settings and options, or the one in ``resume`` with those that were given explicitly.

    Raises:
        AnimeGenError: as ``HelperRun`` and ``HelperRun.resumed``.
    """
    from animegen_core.training.helpers.runs import HelperRun  # training is imported when a command needs it

    if resume is None:
        return HelperRun(family, settings, options_class(**given))
    return HelperRun.resumed(resume, family, options_class, explicit(context, {**settings, **given}))

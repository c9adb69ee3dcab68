"""The commands ``evaluate``, ``compare`` and ``features`` of ``python -m animegen_core``.

Evaluation and training are imported only when one of them runs.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from animegen_core.checkpoint import DEFAULT_CHECKPOINT
from animegen_core.commands.helper_runs import Data, Licence, Resume, Runs, TrainedOn, asked_run
from animegen_core.errors import AnimeGenError, quote
from animegen_core.studio import Studio

_Real = Annotated[Path, typer.Option(help="Folder or zip of real faces, usually the training data.")]
_Samples = Annotated[int, typer.Option(help="Number of faces to draw; at most half the number of real ones.")]
_Seed = Annotated[int, typer.Option(help="Seed of the first face; the others follow.")]
_Psi = Annotated[float, typer.Option(help="Creativity (truncation psi) of the faces; 1 means no truncation.")]
_Labels = Annotated[Path | None, typer.Option(help="Tag file of the real faces; colours are drawn with its frequencies.")]
_UpscaleSmall = Annotated[
    bool, typer.Option(help="Enlarge small real faces with the upscaler, once, instead of by interpolation.")
]


def evaluate(
    real: _Real,
    out: Annotated[Path, typer.Option(help="Folder for evaluation.json, evaluation.md and report.html.")],
    checkpoint: Annotated[str, typer.Option(help="A bundled checkpoint's name, or a checkpoint folder.")] = DEFAULT_CHECKPOINT,
    samples: _Samples = 10_000,
    seed: _Seed = 0,
    psi: _Psi = 1.0,
    labels: _Labels = None,
    upscale_small: _UpscaleSmall = False,
    held_out: Annotated[
        Path | None, typer.Option(help="Folder or zip of real faces kept out of training, to detect copying.")
    ] = None,
    inception: Annotated[
        bool, typer.Option(help="Also FID, KID and IS in Inception features, if its weights are installed; slow.")
    ] = False,
    neighbours: Annotated[
        bool, typer.Option(help="Also a sheet of faces beside their nearest real images; keep it private.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure a checkpoint's faces: quality, diversity, artifacts, copying. Nothing is downloaded."""
    from animegen_core.evaluation import measuring, report

    if out.exists() and not out.is_dir():
        raise AnimeGenError(f"--out is {quote(str(out))}, but must be a folder.")
    studio = Studio.load(checkpoint)
    evaluation = measuring.evaluate(studio, real, samples, seed, psi, labels, inception, upscale_small, held_out)
    written = report.save_evaluation(evaluation, studio, out)
    if neighbours:
        written.append(
            report.save_neighbours(evaluation, studio, measuring.load_real_pictures(studio, real, upscale_small), out)
        )
    typer.echo(json.dumps(evaluation.to_dict(), indent=1) if as_json else evaluation.to_markdown())
    typer.echo(f"Written: {', '.join(map(str, written))}.", err=True)


def compare(
    names: Annotated[list[str], typer.Argument(help="Bundled checkpoints' names, or checkpoint folders.")],
    real: _Real,
    out: Annotated[Path, typer.Option(help="Markdown file; two sheets of faces are written beside it.")],
    samples: _Samples = 10_000,
    seed: _Seed = 0,
    psi: _Psi = 1.0,
    labels: _Labels = None,
    upscale_small: _UpscaleSmall = False,
) -> None:
    """Measure several checkpoints in the same way and write a page with tables and faces side by side."""
    from animegen_core.evaluation import comparison

    if out.suffix.lower() != ".md":
        raise AnimeGenError(f"A comparison is written as .md, not to {quote(out.name)}.")
    contenders = comparison.compare(names, real, samples, seed, psi, labels, upscale_small)
    written = comparison.save_comparison(contenders, out)
    typer.echo(f"Written: {', '.join(map(str, written))}.")


def features(
    context: typer.Context,
    data: Data = None,
    labels: Annotated[Path | None, typer.Option(help="Tag file of these faces, as the command label writes it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where it is written, such as checkpoints/features-64.")] = None,
    runs: Runs = Path("runs"),
    resume: Resume = None,
    epochs: Annotated[float, typer.Option(help="Passes over the images.")] = 3,
    max_minutes: Annotated[
        float | None, typer.Option(help="Stop this start after so many minutes and save; --resume continues.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, views and order.")] = 0,
    trained_on: TrainedOn = "unnamed images",
    licence: Licence = "other",
) -> None:
    """Train the feature network of the metrics. Values of two feature networks are not comparable."""
    from animegen_core.training.helpers.features import PretrainingOptions, fit_and_save

    settings = {"data": data, "labels": labels, "out": out, "trained_on": trained_on, "licence": licence}
    given = {"epochs": epochs, "max_minutes": max_minutes, "seed": seed}
    asked = asked_run(context, resume, "features", PretrainingOptions, settings, given)
    typer.echo(json.dumps(fit_and_save(asked, runs), indent=2))

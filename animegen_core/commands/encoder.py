"""``train.py encoder``; ``train.py`` registers it beside the families."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from animegen_core.checkpoint import load_checkpoint
from animegen_core.commands.flags import flags_of, give_flags
from animegen_core.commands.helper_runs import Licence, Resume, Runs, TrainedOn, asked_run
from animegen_core.data import load_pictures
from animegen_core.devices import find_device
from animegen_core.inversion import ENCODER_FOLDER
from animegen_core.training.helpers.encoder import EncoderOptions, check_styles, train_encoder
from animegen_core.training.run_folder import absolute
from animegen_core.training.threads import check_threads, settle_threads

_FAMILY = "encoder"


def encoder(
    context: typer.Context,
    checkpoint: Annotated[str | None, typer.Option(help="The style-based checkpoint: a bundled name or a folder.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder or zip of real images to reconstruct too; by default none.")] = None,
    out: Annotated[
        Path | None, typer.Option(help=f"Output folder; by default {ENCODER_FOLDER} in the checkpoint's folder.")
    ] = None,
    runs: Runs = Path("runs"),
    resume: Resume = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best available.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Number of threads; by default OMP_NUM_THREADS, or chosen by torch.")
    ] = None,
    trained_on: TrainedOn = "faces of its checkpoint",
    licence: Licence = "other",
    **given: Any,
) -> None:
    """Train the network with which a style-based checkpoint finds the face of a picture (``invert``)."""
    if checkpoint is not None and Path(checkpoint).is_dir():
        checkpoint = absolute(checkpoint)
    settings = {"checkpoint": checkpoint, "trained_on": trained_on, "licence": licence}
    settings |= {name: path for name, path in (("data", data), ("out", out)) if path is not None}
    asked = asked_run(context, resume, _FAMILY, EncoderOptions, settings, given)
    on_cpu = find_device(device).type == "cpu"  # checked before a run folder is made, like the next ones
    check_threads(threads)
    trained = load_checkpoint(asked.settings["checkpoint"])
    check_styles(trained)
    if (crowded := settle_threads(threads, on_cpu)) is not None:
        typer.echo(crowded)
    pictures = None
    if "data" in asked.settings:
        cache = load_pictures(asked.settings["data"], trained.generator.resolution)
        if cache.skipped:
            typer.echo(cache.skipped_message)
        asked, pictures = asked.with_data(cache), cache.pictures
    folder = asked.start(runs, f"{_FAMILY}-{trained.generator.resolution}")
    target = Path(asked.settings.get("out", trained.path / ENCODER_FOLDER))
    typer.echo(f"For '{trained.name}'; writing at the end to '{target}'.")
    report = train_encoder(trained, pictures, folder, target, asked.options, asked.facts, device)
    typer.echo(json.dumps(report, indent=2))


give_flags(encoder, flags_of(EncoderOptions))

"""``train.py upscaler``; ``train.py`` registers it beside the families."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from animegen_core.commands.flags import explicit, flags_of, give_flags
from animegen_core.data import load_pictures
from animegen_core.devices import find_device
from animegen_core.helpers.upscaling import UPSCALER
from animegen_core.training.helpers.runs import HelperRun
from animegen_core.training.helpers.upscaler import UpscalerOptions, train_upscaler
from animegen_core.training.threads import check_threads, settle_threads

_FAMILY = "upscaler"


def upscaler(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="Folder or zip of images; with --resume by default that of the run.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help=f"Output folder, such as checkpoints/{UPSCALER}.")] = None,
    runs: Annotated[Path, typer.Option(help="Parent of the numbered run folder with log and state.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Resume the run in this folder, with its options.")] = None,
    resolution: Annotated[int, typer.Option(help="Size in pixels to which images are resized.")] = 256,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best available.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Number of threads; by default OMP_NUM_THREADS, or chosen by torch.")
    ] = None,
    trained_on: Annotated[str, typer.Option(help="Description of the training data, for config.json.")] = "unnamed images",
    licence: Annotated[str, typer.Option(help="Licence of the weights, for config.json.")] = "other",
    **given: Any,
) -> None:
    """Train a network that enlarges faces. Prints PSNR and sharpness on held-out images, beside those of interpolation."""
    settings = {"data": data, "out": out, "resolution": resolution, "trained_on": trained_on, "licence": licence}
    if resume is None:
        asked = HelperRun(_FAMILY, settings, UpscalerOptions(**given))
    else:
        asked = HelperRun.resumed(resume, _FAMILY, UpscalerOptions, explicit(context, {**settings, **given}))
    on_cpu = find_device(device).type == "cpu"  # checked before a run folder is made, like the next
    check_threads(threads)
    if (crowded := settle_threads(threads, on_cpu)) is not None:
        typer.echo(crowded)
    cache = load_pictures(asked.settings["data"], asked.settings["resolution"])
    if cache.skipped:
        typer.echo(cache.skipped_message)
    asked = asked.with_data(cache)
    folder, out = asked.start(runs, f"{_FAMILY}-x{asked.options.scale}"), asked.settings["out"]
    typer.echo(f"{len(cache.names):,} images; writing at the end to '{out}'.")
    report = train_upscaler(cache, folder, Path(out), asked.options, asked.facts, device)
    typer.echo(json.dumps(report, indent=2))


give_flags(upscaler, flags_of(UpscalerOptions))

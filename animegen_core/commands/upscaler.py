"""``train.py upscaler``; ``train.py`` registers it beside the families."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from animegen_core.commands.flags import flags_of, give_flags
from animegen_core.commands.helper_runs import Data, Licence, Resume, Runs, TrainedOn, asked_run
from animegen_core.data import load_pictures
from animegen_core.devices import find_device
from animegen_core.helpers.upscaling import UPSCALER
from animegen_core.training.helpers.upscaler import UpscalerOptions, load_pairs, train_upscaler
from animegen_core.training.threads import check_threads, settle_threads

_FAMILY = "upscaler"


def upscaler(
    context: typer.Context,
    data: Data = None,
    out: Annotated[Path | None, typer.Option(help=f"Output folder, such as checkpoints/{UPSCALER}.")] = None,
    runs: Runs = Path("runs"),
    resume: Resume = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Also learn from this folder: images in small/, and in large/ the same by another upscaler."),
    ] = None,
    resolution: Annotated[int, typer.Option(help="Size in pixels to which images are resized.")] = 256,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best available.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Number of threads; by default OMP_NUM_THREADS, or chosen by torch.")
    ] = None,
    trained_on: TrainedOn = "unnamed images",
    licence: Licence = "other",
    **given: Any,
) -> None:
    """Train a network that enlarges faces. Prints PSNR and sharpness on held-out images, beside those of interpolation."""
    settings = {"data": data, "out": out, "resolution": resolution, "trained_on": trained_on, "licence": licence}
    if pairs is not None:
        settings["pairs"] = pairs
    asked = asked_run(context, resume, _FAMILY, UpscalerOptions, settings, given)
    on_cpu = find_device(device).type == "cpu"  # checked before a run folder is made, like the next
    check_threads(threads)
    if (crowded := settle_threads(threads, on_cpu)) is not None:
        typer.echo(crowded)
    cache = load_pictures(asked.settings["data"], asked.settings["resolution"])
    if cache.skipped:
        typer.echo(cache.skipped_message)
    asked = asked.with_data(cache)
    taught = asked.settings.get("pairs")
    if taught is not None:
        taught = load_pairs(Path(taught), asked.settings["resolution"], asked.options.scale)
    folder, out = asked.start(runs, f"{_FAMILY}-x{asked.options.scale}"), asked.settings["out"]
    typer.echo(f"{len(cache.names):,} images; writing at the end to '{out}'.")
    report = train_upscaler(cache, folder, Path(out), asked.options, asked.facts, device, taught)
    typer.echo(json.dumps(report, indent=2))


give_flags(upscaler, flags_of(UpscalerOptions))

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
    data: Annotated[Path | None, typer.Option(help="Folder or zip of pictures; resumed: by default that of the run.")] = None,
    out: Annotated[Path | None, typer.Option(help=f"Where the upscaler is written, such as checkpoints/{UPSCALER}.")] = None,
    runs: Annotated[Path, typer.Option(help="Where the numbered run folder, for log and state, is made.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder, with its options.")] = None,
    resolution: Annotated[int, typer.Option(help="Side in pixels to which pictures are brought.")] = 256,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best one present.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; by default torch's choice, or OMP_NUM_THREADS.")] = None,
    trained_on: Annotated[str, typer.Option(help="What the config says of the data.")] = "unnamed pictures",
    licence: Annotated[str, typer.Option(help="The licence that the config states.")] = "other",
    **given: Any,
) -> None:
    """A network that enlarges faces; prints its PSNR and sharpness on held-out pictures, and those of interpolation."""
    settings = {"data": data, "out": out, "resolution": resolution, "trained_on": trained_on, "licence": licence}
    if resume is None:
        asked = HelperRun(_FAMILY, settings, UpscalerOptions(**given))
    else:
        asked = HelperRun.resumed(resume, _FAMILY, UpscalerOptions, explicit(context, {**settings, **given}))
    on_cpu = find_device(device).type == "cpu"  # before a run folder is made, like the next
    check_threads(threads)
    if (crowded := settle_threads(threads, on_cpu)) is not None:
        typer.echo(crowded)
    cache = load_pictures(asked.settings["data"], asked.settings["resolution"])
    if cache.skipped:
        typer.echo(cache.skipped_message)
    folder, out = asked.start(runs, f"{_FAMILY}-x{asked.options.scale}"), asked.settings["out"]
    typer.echo(f"{len(cache.names):,} pictures; writing in the end to '{out}'.")
    report = train_upscaler(cache, folder, Path(out), asked.options, asked.facts, device)
    typer.echo(json.dumps(report, indent=2))


give_flags(upscaler, flags_of(UpscalerOptions))

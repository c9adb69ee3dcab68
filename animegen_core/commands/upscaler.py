"""``train.py upscaler``; ``train.py`` registers it beside the families."""

import inspect
import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from animegen_core.data import load_pictures
from animegen_core.devices import find_device
from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_write_text
from animegen_core.helpers.upscaling import UPSCALER
from animegen_core.training.helpers.upscaler import UpscalerOptions, train_upscaler
from animegen_core.training.run_data import require_present
from animegen_core.training.run_folder import OPTIONS, STATE, absolute, load_options, new_run_folder
from animegen_core.training.threads import check_threads, settle_threads

_FAMILY = "upscaler"
_RESUMABLE = ("kimg", "max_minutes", "save_minutes", "log_interval")  # everything else is part of what a run is


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
    run = {"data": data, "out": out, "resolution": resolution, "trained_on": trained_on, "licence": licence}
    explicit = {
        name: value
        for name, value in {**run, **given}.items()
        if context.get_parameter_source(name).name == "COMMANDLINE"  # by name, as typer may bring a class of its own
    }
    if resume is None:
        for name in ("data", "out"):
            if run[name] is None:
                raise AnimeGenError(f"Give --{name}: a path to {'read pictures from' if name == 'data' else 'write to'}.")
        options = UpscalerOptions(**given)
    else:
        run, options = _resumed(resume, explicit)
        require_present(resume, data=run["data"])
    on_cpu = find_device(device).type == "cpu"  # before a run folder is made, like the next
    check_threads(threads)
    if (crowded := settle_threads(threads, on_cpu)) is not None:
        typer.echo(crowded)
    cache = load_pictures(run["data"], run["resolution"])
    if cache.skipped:
        typer.echo(cache.skipped_message)
    folder = resume or new_run_folder(runs, f"{_FAMILY}-x{options.scale}")
    saved = {**run, "data": absolute(run["data"]), "out": absolute(run["out"])}
    atomic_write_text(folder / OPTIONS, json.dumps({"family": _FAMILY, **saved, **asdict(options)}, indent=2) + "\n")
    typer.echo(f"{len(cache.names):,} pictures; writing to '{folder}', and in the end to '{run['out']}'.")
    facts = {name: run[name] for name in ("trained_on", "licence")}
    report = train_upscaler(cache, folder, Path(run["out"]), options, facts, device, (folder / STATE).exists())
    typer.echo(json.dumps(report, indent=2))


def _resumed(folder: Path, explicit: dict[str, Any]) -> tuple[dict[str, Any], UpscalerOptions]:
    """What the run in ``folder`` was told, with the lengths and intervals that were given anew."""
    saved = load_options(folder)
    if saved.pop("family") != _FAMILY:
        raise AnimeGenError(f"'{folder}' is not a run of {_FAMILY}.")
    fixed = [name for name in explicit if name not in (*_RESUMABLE, "data", "out") and explicit[name] != saved.get(name)]
    if fixed:
        raise AnimeGenError(
            f"A resumed run keeps its options, so --{fixed[0].replace('_', '-')} cannot be changed; "
            f"these can: data, out, {', '.join(name.replace('_', '-') for name in _RESUMABLE)}."
        )
    try:
        options = UpscalerOptions(**{f.name: saved.pop(f.name) for f in fields(UpscalerOptions)})
        run = {name: explicit.get(name, saved[name]) for name in ("data", "out", "resolution", "trained_on", "licence")}
    except KeyError as error:
        raise AnimeGenError(f"The options in '{folder}' are of another version: {error} is missing.") from error
    # The time limit is of one start, so it is not taken over.
    return run, replace(options, max_minutes=None, **{n: explicit[n] for n in _RESUMABLE if n in explicit})


def _with_flags(command: Any) -> None:
    """Give a command a flag for each field of the options, in the place of its ``**given``."""
    signature = inspect.signature(command)
    parameters = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    parameters += [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[field.type, typer.Option(help=field.metadata["help"])],
        )
        for field in fields(UpscalerOptions)
    ]
    command.__signature__ = signature.replace(parameters=parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}


_with_flags(upscaler)

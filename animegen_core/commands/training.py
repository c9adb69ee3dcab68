"""The training command line: one command per family, with a flag for each field of the family's options."""

import inspect
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer
from accelerate.utils import broadcast_object_list
from torch import Tensor
from torch.utils.data import DataLoader

from animegen_core.checkpoint import CONFIG
from animegen_core.checkpoint.weights import read_json
from animegen_core.commands.classifier import classifier
from animegen_core.commands.encoder import encoder
from animegen_core.commands.errors import ExitOnError
from animegen_core.commands.flags import Flag, explicit, flags_of, give_flags
from animegen_core.commands.upscaler import upscaler
from animegen_core.data.cache import PictureCache, load_pictures
from animegen_core.data.check import check_pictures
from animegen_core.data.loader import loader_of
from animegen_core.devices import find_device
from animegen_core.errors import AnimeGenError
from animegen_core.families import FAMILIES, Family
from animegen_core.helpers.upscaling import loaded_enlarger
from animegen_core.training.loop import train
from animegen_core.training.options import TrainOptions
from animegen_core.training.presets import preset
from animegen_core.training.processes import join_on_device, start_missing_processes
from animegen_core.training.run_data import RunData, require_present, went_on
from animegen_core.training.run_folder import absolute, load_options, new_run_folder, save_options
from animegen_core.training.threads import check_threads, settle_threads
from animegen_core.training.weights import load_weights

# Options that may change when a run resumes; all others are fixed.
_LENGTH = ("epochs", "kimg", "max_minutes")
RESUMABLE = (*_LENGTH, "save_interval", "save_minutes", "log_interval", "export_shards", "export_training", "labels")

app = typer.Typer(cls=ExitOnError, help=__doc__, no_args_is_help=True, add_completion=True, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """Train a generator on your own images."""


def _command(family: Family) -> None:
    """Register ``train.py FAMILY``."""

    def run(context: typer.Context, **given: Any) -> None:
        own = {name: given.pop(name) for name, *_ in _own_options(family)}
        data, options = _options(family, own["data"], own["resume"], own["preset"], explicit(context, given))
        if own["dry_run"]:
            typer.echo(json.dumps({"family": family.name, "data": str(data), **asdict(options)}, indent=2))
        else:
            facts = {name: own[name] for name in ("trained_on", "licence")}
            _train(family, options, data, own["out"], own["resume"], own["device"], own["threads"], facts)

    give_flags(run, _own_options(family) + flags_of(family.options))
    run.__doc__ = inspect.getdoc(family.options)
    app.command(family.name)(run)


def _options(
    family: Family, data: Path | None, resume: Path | None, preset_name: str | None, given: dict[str, Any]
) -> tuple[Path, TrainOptions]:
    """Data path and options of the run, from the command line."""
    if resume is not None:
        if preset_name is not None:
            raise AnimeGenError("A resumed run keeps its options, so --preset cannot be given.")
        return _resumed(resume, family, given, data)
    if data is None:
        raise AnimeGenError("No data: give --data PATH, a folder or a zip of images.")
    chosen = {} if preset_name is None else preset(preset_name, family.name)
    return data, family.options(**chosen | given)


def _train(
    family: Family,
    options: TrainOptions,
    data: Path,
    out: Path,
    resume: Path | None,
    device: str | None,
    threads: int | None,
    given_facts: dict[str, str | None],
) -> None:
    """Load the images, make the run folder, and train."""
    if family.needs_labels and options.labels is None:
        raise AnimeGenError("A conditional model needs --labels CSV, a tag file with the columns file, hair and eyes.")
    if device is not None:
        find_device(device)  # checked before a run folder is made, like the next two
    check_threads(threads)
    weights = load_weights(options.init_from) if resume is None and options.init_from is not None else None
    enlarge = loaded_enlarger() if options.upscale_small else None
    start_missing_processes()
    process, where = join_on_device(device)
    crowded = settle_threads(threads, process.num_processes == 1 and where.type == "cpu")
    with process.main_process_first():  # it fills the cache, which the others then read
        cache = load_pictures(data, options.resolution, enlarge=enlarge)
    loader = _loader(cache, options)
    folder = resume
    if folder is None:
        folder = new_run_folder(out, f"{family.name}-{options.resolution}") if process.is_main_process else None
        folder = broadcast_object_list([folder])[0]
    card = {}  # only the main process writes it
    if process.is_main_process:
        before = None if resume is None else load_options(folder).get("pictures")
        used, card, changed = _card_facts(folder, cache, loader.dataset.labels, before, given_facts)
        save_options(folder, family.name, absolute(data), _findable(options), used.saved())
        facts = [changed] if resume is not None else [check_pictures(cache, loader.dataset.labels)]
        together = f"{process.num_processes} processes divide each batch of {options.batch}."
        facts += [crowded, together if process.num_processes > 1 else None, f"Writing to '{folder}'."]
        typer.echo("\n".join(filter(None, facts)))
    train(family.recipe(options), loader, folder, device, resume is not None, weights=weights, **card)


def _own_options(family: Family) -> list[Flag]:
    """The flags that are not options of the family."""
    own: list[Flag] = [
        ("data", Path | None, None, "Folder or zip of images; with --resume by default that of the run."),
        ("out", Path, Path("runs"), "Parent of the numbered run folder."),
        ("resume", Path | None, None, "Resume the run in this folder, with its options."),
        ("device", str | None, None, "cpu, cuda, cuda:1 ...; by default the best available."),
        ("threads", int | None, None, "Threads of each process; by default OMP_NUM_THREADS, or chosen by torch."),
        ("trained_on", str | None, None, "Description of the data for the model card; by default its size and name."),
        ("licence", str | None, None, "Licence for the model card; by default other."),
        ("dry_run", bool, False, "Print the options and stop."),
    ]
    presets = f"A set of options; flags win over it. One of {', '.join(family.presets)}."
    return [*own, ("preset", str | None, None, presets)]


def _card_facts(
    run: Path, cache: PictureCache, labels: Tensor | None, before: dict | None, given: dict[str, str | None]
) -> tuple[RunData, dict[str, str], str | None]:
    """The run's data, the model card's entries about data and licence, and a sentence if the data have changed.

    The entries are the given ones, or those of the resumed run, or plain facts.
    """
    config = run / "checkpoint" / CONFIG
    earlier = read_json(config) if config.is_file() else {}
    used, changed = went_on(RunData.of(cache, labels), before, earlier.get("trained_on"), given["trained_on"])
    licence = given["licence"] or earlier.get("licence") or "other"
    return used, {"trained_on": used.trained_on, "licence": licence}, changed


def _findable(options: TrainOptions) -> TrainOptions:
    """Options with an absolute path of the tag file."""
    labels = getattr(options, "labels", None)
    return options if labels is None else replace(options, labels=absolute(labels))


def _resumed(folder: Path, family: Family, given: dict[str, Any], data: Path | None) -> tuple[Path, TrainOptions]:
    """Data path and options of the run in ``folder``, with the new lengths and intervals."""
    saved = load_options(folder)
    if saved.pop("family") != family.name:
        raise AnimeGenError(f"'{folder}' is not a run of {family.name}.")
    saved_data = saved.pop("data")
    saved.pop("pictures", None)  # see run_data
    try:
        options = family.options(**saved)  # options added since the run have their defaults
    except TypeError as error:
        raise AnimeGenError(f"The options in '{folder}' are of another version: {error}") from error
    if given.get("labels") and getattr(options, "labels", None) is None:
        raise AnimeGenError(f"The run in '{folder}' has no labels, so --labels cannot be given now.")
    changed = [name for name in given if name not in RESUMABLE and given[name] != getattr(options, name)]
    if changed:
        raise AnimeGenError(
            f"A resumed run keeps its options, so --{changed[0].replace('_', '-')} cannot be changed; "
            f"these can: data, {', '.join(name.replace('_', '-') for name in RESUMABLE)}."
        )
    if given.keys() & set(_LENGTH):  # a new length replaces the old one, also in another unit
        options = replace(options, **dict.fromkeys(_LENGTH, None))
    options = replace(options, **given)
    if data is None and not saved_data:
        raise AnimeGenError(f"The run in '{folder}' has no data path; give --data PATH.")
    data = data or Path(saved_data)
    require_present(folder, data=data, labels=getattr(options, "labels", None))
    return data, options


def _loader(cache: PictureCache, options: TrainOptions) -> DataLoader:
    labels = getattr(options, "labels", None)
    if labels is None:
        return loader_of(cache, options.batch)
    grouping = {}
    if getattr(options, "label_groups", False):
        grouping = dict(
            group_size=options.group_size,
            visible_fraction=lambda epoch: options.visible_fraction(epoch * len(cache.names)),
        )
    return loader_of(cache, options.batch, labels, options.least_probability, options.label_sampling, **grouping)


for _family in FAMILIES.values():
    _command(_family)


app.command()(classifier)
app.command()(encoder)
app.command()(upscaler)

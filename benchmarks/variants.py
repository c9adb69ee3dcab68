"""The DCGAN's variants under one equal budget: python -m benchmarks.variants --data PATH --kimg K

Trains the standard DCGAN (batch 128, Adam 2e-4, latent of 100, batch norm) and variants that differ in one thing, each on K
thousand images, and writes a table with:

- "FD-anime": distance of 2,000 faces from the training images at the end (see docs/evaluation.md).
- "outright": fraction of the log's rows, means over 10 steps, in which the discriminator scores real images over .97 and fakes
under
  .03. The run's own warning needs ten such rows.
- "swing": root mean square of the differences of the generator's loss between neighbouring rows, over sqrt(2). It estimates the
  standard deviation around a slow trend (von Neumann, Kent, Bellinson, Hart 1941, "The mean square successive difference").

With --seeds 3 every variant is trained three times, and the table gives mean and range; differences within the range may be
chance. Ctrl-C stops; the same command resumes and skips finished variants.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from torch.utils.data import DataLoader

from animegen_core.commands.errors import ExitOnError
from animegen_core.data import PictureCache, load_pictures
from animegen_core.data.loader import loader_of
from animegen_core.errors import AnimeGenError
from animegen_core.evaluation.results import markdown_table, percent
from animegen_core.files import atomic_write_text
from animegen_core.training import best
from animegen_core.training.loop import train
from animegen_core.training.options import DCGANOptions
from animegen_core.training.recipes import DCGANRecipe
from animegen_core.training.run_folder import LOG, OPTIONS, STATE, load_options, read_log, save_options

VARIANTS = {
    "standard": {},
    "two more layers": dict(extra_layers=2),
    "latent of 50": dict(latent_dim=50),
    "latent of 200": dict(latent_dim=200),
    "no batch norm": dict(batch_norm=False),
    "learning rate 1e-4": dict(lr=1e-4),
    "learning rate 5e-4": dict(lr=5e-4),
}
HEAD = ("variant", "FD-anime", "outright", "swing")
TABLE = "variants.md"
_REAL, _FAKE = 0.97, 0.03  # scores beyond which the discriminator has won
_LOG_INTERVAL = 10

app = typer.Typer(cls=ExitOnError, add_completion=False, rich_markup_mode=None)
Rows = Sequence[dict[str, float]]


@app.callback(invoke_without_command=True)
def main(
    data: Annotated[Path, typer.Option(help="Folder or zip of faces.")],
    kimg: Annotated[float, typer.Option(help="Length of each run in thousands of images.")],
    seeds: Annotated[int, typer.Option(help="Number of runs of each variant.", min=1)] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the runs and the table.")] = Path("runs/variants"),
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best available.")] = None,
) -> None:
    """Train the DCGAN's variants with one budget and write a table of quality and stability."""
    cache = load_pictures(data)
    loader = loader_of(cache, DCGANOptions.batch)
    logs: dict[str, list[Rows]] = {name: [] for name in VARIANTS}
    problems = []
    for seed in range(seeds):  # first all variants once, for an early table
        for name, changed in VARIANTS.items():
            options = DCGANOptions(kimg=kimg, seed=seed, evaluate_every=kimg, log_interval=_LOG_INTERVAL, **changed)
            folder = out / f"{name.replace(' ', '-')}-seed{seed}"
            check_same(folder, data, options)
            try:
                log = log_of(folder, loader, data, options, device)
            except AnimeGenError as error:
                problems.append(f"{name.capitalize()}, seed {seed}, did not finish: {error}")
            else:
                logs[name].append(log)
            atomic_write_text(out / TABLE, page(cache, kimg, logs, problems))
    typer.echo(page(cache, kimg, logs, problems))


def check_same(folder: Path, data: Path, options: DCGANOptions) -> None:
    """Check that an existing run has the same data and options.

    Raises:
        AnimeGenError: it has other data or options.
    """
    if not (folder / OPTIONS).exists():
        return
    saved, wanted = load_options(folder), {"data": str(data.resolve()), **asdict(options)}
    for name, value in wanted.items():
        if saved.get(name) != value:
            raise AnimeGenError(f"'{folder}' is a run with {name} {saved.get(name)!r}, not {value!r}; give another --out.")


def log_of(folder: Path, loader: DataLoader, data: Path, options: DCGANOptions, device: str | None) -> Rows:
    """The log of a variant's run, which is first trained or resumed unless it is finished.

    Raises:
        AnimeGenError: training diverged.
        typer.Exit: it was stopped.
    """
    if not is_finished(folder, options):
        typer.echo(f"Training in '{folder}'.")
        save_options(folder, DCGANRecipe.family, str(data.resolve()), options)
        pictures = f"{len(loader.dataset):,} pictures"
        train(DCGANRecipe(options), loader, folder, device, (folder / STATE).exists(), pictures)
        if not is_finished(folder, options):
            typer.echo("Stopped; the same command resumes.")
            raise typer.Exit(1)
    return read_log(folder / LOG)


def is_finished(folder: Path, options: DCGANOptions) -> bool:
    """Whether the budget is spent and the faces are measured."""
    rows = read_log(folder / LOG)
    return bool(rows) and rows[-1]["images"] >= options.target_images(0) and not math.isnan(rows[-1]["fd_anime"])


def outright(rows: Rows) -> float:
    """Fraction of rows in which the discriminator has won."""
    return statistics.mean(row["real_score"] > _REAL and row["fake_score"] < _FAKE for row in rows)


def swing(rows: Rows) -> float:
    """Standard deviation of the generator's loss around its trend; nan for a single row."""
    losses = [row["loss_g"] for row in rows]
    squares = [(after - before) ** 2 for before, after in zip(losses, losses[1:])]  # noqa: RUF007
    return math.sqrt(statistics.mean(squares) / 2) if squares else math.nan


def page(cache: PictureCache, kimg: float, logs: dict[str, list[Rows]], problems: Sequence[str]) -> str:
    """The page in Markdown: what was compared, and the table."""
    heading = (
        f"{len(cache.names):,} images of {cache.path.name} at 64 px, {kimg:g} thousand seen by each variant, batch of "
        f"{DCGANOptions.batch}; FD-anime of {best.FACES:,} faces."
    )
    rows = [
        (
            name,
            _cell(found, lambda rows: rows[-1]["fd_anime"], "{:.1f}".format),
            _cell(found, outright, percent),
            _cell(found, swing, "{:.2f}".format),
        )
        for name, found in logs.items()
    ]
    return "\n\n".join([heading, markdown_table(HEAD, rows), *problems]) + "\n"


def _cell(logs: Sequence[Rows], measure: Callable[[Rows], float], show: Callable[[float], str]) -> str:
    """Mean over the seeds, and the range if there are several."""
    if not logs:
        return "-"
    values = [measure(rows) for rows in logs]
    mean = show(statistics.mean(values))
    return mean if len(values) == 1 else f"{mean} ({show(min(values))} to {show(max(values))})"


if __name__ == "__main__":
    app()

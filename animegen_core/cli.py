"""python -m animegen_core: the studio on the command line."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from animegen_core.character import Character
from animegen_core.checkpoint import bundled_names, load_checkpoint
from animegen_core.command_line import ExitOnError
from animegen_core.errors import AnimeGenError
from animegen_core.images import make_grid, save_png
from animegen_core.latents import MAX_SEED, check_seed
from animegen_core.studio import Studio

_MAX_FACES = 1_000_000  # a slip of the keyboard in a range should not fill the disk

app = typer.Typer(cls=ExitOnError, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """AnimeGen: invent anime faces from seeds."""


def parse_seeds(text: str) -> list[int]:
    """Seeds and ranges with both ends included: "0-3,100" is [0, 1, 2, 3, 100].

    Raises:
        AnimeGenError: a part is neither a seed nor a range, or they are too many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part.strip())
        if match is None:
            raise AnimeGenError(
                f"'{part.strip()}' in '{text}' is no seed; write seeds and ranges from 0 to {MAX_SEED}, as in 0-63,100."
            )
        low, high = check_seed(int(match[1])), check_seed(int(match[2] or match[1]))
        if high < low:
            raise AnimeGenError(f"The range '{part.strip()}' runs backwards; write {high}-{low}.")
        if len(seeds) + high - low + 1 > _MAX_FACES:
            raise AnimeGenError(f"'{text}' asks for more than {_MAX_FACES:,} faces, the most in one go.")
        seeds += range(low, high + 1)
    return seeds


_Checkpoint = Annotated[str, typer.Option(help="A bundled checkpoint's name, or a checkpoint folder.")]


@app.command()
def generate(
    seeds: Annotated[str, typer.Option(help="Seeds and ranges, as in 0-63,100.")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures, seed00000.png and so on.")],
    checkpoint: _Checkpoint = "dcgan-64",
    sheet: Annotated[Path | None, typer.Option(help="Also write all faces as one sheet to this PNG.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best one present.")] = None,
) -> None:
    """Write one PNG per seed, each with its description embedded."""
    characters = [Character(seed) for seed in parse_seeds(seeds)]
    studio = Studio.load(checkpoint, device)
    faces = tqdm(studio.render_many(characters), "generating", len(characters), unit="face")
    on_sheet = []
    for character, picture in zip(characters, faces):
        save_png(picture, out / f"seed{character.seed:05d}.png", studio.describe(character))
        if sheet is not None:
            on_sheet.append(picture)
    if sheet is not None:
        save_png(make_grid(on_sheet), sheet)


@app.command()
def info(
    checkpoint: Annotated[str | None, typer.Argument(help="A bundled checkpoint's name, or a checkpoint folder.")] = None,
) -> None:
    """Print what is known about a checkpoint as JSON; without a name, list the bundled ones."""
    found = bundled_names() if checkpoint is None else load_checkpoint(checkpoint).info()
    typer.echo(json.dumps(found, indent=2))

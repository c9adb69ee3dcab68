"""``python -m animegen_core invert``: the face of a checkpoint that is nearest to a picture."""

import json
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from animegen_core.checkpoint import DEFAULT_CHECKPOINT, bundled_names
from animegen_core.errors import AnimeGenError, quote
from animegen_core.images import save_png
from animegen_core.studio import INVERSION_STEPS, Studio


def invert(
    picture: Annotated[Path, typer.Argument(help="An image of one face; its centre square is used.")],
    out: Annotated[Path, typer.Option(help="The PNG to write; it carries the face's description.")],
    checkpoint: Annotated[
        str,
        typer.Option(help="A bundled checkpoint's name, a folder, or user/repo[@revision].", autocompletion=bundled_names),
    ] = DEFAULT_CHECKPOINT,
    steps: Annotated[int, typer.Option(help="Steps of the search, 0 to 1000; a VAE needs none.")] = INVERSION_STEPS,
    size: Annotated[int | None, typer.Option(help="Size in px; by default the checkpoint's own.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best available.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the written file and its description as JSON.")] = False,
) -> None:
    """Find the face of a checkpoint that is nearest to a picture. It can be animated, mixed and changed like a seed's."""
    if out.suffix.lower() != ".png":
        raise AnimeGenError(f"A face is written as .png, not to {quote(out.name)}.")
    studio = Studio.load(checkpoint, device)
    total = steps + 1 if studio.capabilities.styles else 1
    for character in tqdm(studio.search(picture, steps), "searching", total, unit="step"):  # noqa: B007
        pass
    description = studio.describe(character, size)
    save_png(studio.render(character, size), out, description)
    if as_json:
        typer.echo(json.dumps([{"file": str(out), "description": description}], indent=2))

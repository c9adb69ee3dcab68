"""The command ``directions`` of ``python -m animegen_core``."""

from typing import Annotated

import typer

from animegen_core.checkpoint import DEFAULT_CHECKPOINT
from animegen_core.studio import Studio


def directions(
    checkpoint: Annotated[
        str, typer.Argument(help="A bundled checkpoint's name, or a checkpoint folder.")
    ] = DEFAULT_CHECKPOINT,
    steps: Annotated[int, typer.Option(help="Steps of learning to recolour.", min=1)] = 300,
    faces: Annotated[
        int, typer.Option(help="Number of faces from which sliders are found; each is drawn eight times.", min=24)
    ] = 1800,
    judged: Annotated[int, typer.Option(help="Number of faces on which recolouring is measured.", min=1)] = 100,
) -> None:
    """Find sliders and what recolours faces; write directions.safetensors and tables in the card."""
    from animegen_core.steering.making import make_directions

    typer.echo(make_directions(Studio.load(checkpoint, "cpu"), steps, count=faces, judged=judged))

"""The command ``export``."""

from pathlib import Path
from typing import Annotated

import typer

from animegen_core.checkpoint import load_checkpoint
from animegen_core.errors import AnimeGenError, quote

FORMATS = ("onnx",)


def export(
    name: Annotated[str, typer.Argument(help="A bundled checkpoint's name, a folder, or user/repo[@revision] on the Hub.")],
    out: Annotated[Path, typer.Option(help="Output .onnx file.")],
    format: Annotated[str, typer.Option(help=", ".join(FORMATS))] = "onnx",
) -> None:
    """Write a checkpoint as an ONNX file, for games and web pages; see examples/web."""
    if format not in FORMATS:
        raise AnimeGenError(f"Unknown format {quote(format)}; known are: {', '.join(FORMATS)}.")
    from animegen_core.onnx_export import export_onnx

    written = export_onnx(load_checkpoint(name), out)
    inputs = ", ".join(f"{key} ({', '.join(map(str, shape))})" for key, shape in written.inputs.items())
    typer.echo(f"Wrote '{out}', {written.size / 1e6:.1f} MB, with the inputs {inputs}.")
    typer.echo(f"Images of ONNX Runtime and PyTorch differ by at most {written.difference:.1g}.")

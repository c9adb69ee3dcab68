"""Writes an evaluation as JSON, as a Markdown table and as a self-contained page."""

import base64
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from PIL import Image

from animegen_core.character import Character
from animegen_core.data.cache import PictureCache
from animegen_core.evaluation.plots import plots
from animegen_core.evaluation.results import COLOUR_HEAD, HEAD, Evaluation
from animegen_core.files import atomic_write_text
from animegen_core.images import encode_png, make_grid, save_png
from animegen_core.studio import Studio

_SHOWN = 64  # faces on the page
_PAIRS_IN_ROW = 4
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
figure { margin: 2rem 0; } figcaption { color: #555; } img { max-width: 100%; }
"""


def save_evaluation(evaluation: Evaluation, studio: Studio, out: str | Path) -> list[Path]:
    """Write evaluation.json, evaluation.md and report.html into a folder. The page has generated faces only."""
    out = Path(out)
    seeds = range(evaluation.seed, evaluation.seed + min(_SHOWN, evaluation.samples))
    faces = make_grid(list(studio.render_many([Character(seed, psi=evaluation.psi) for seed in seeds])))
    contents = {
        "evaluation.json": json.dumps(evaluation.to_dict(), indent=1) + "\n",
        "evaluation.md": f"# {evaluation.checkpoint['name']}\n\n{evaluation.to_markdown()}",
        "report.html": html_report(evaluation, faces),
    }
    for name, text in contents.items():
        atomic_write_text(out / name, text)
    return [out / name for name in contents]


def save_neighbours(evaluation: Evaluation, studio: Studio, cache: PictureCache, out: str | Path) -> Path:
    """Write neighbours.png: the faces nearest to a real image, each beside that image.

    The sheet has real images, which belong to their artists: do not publish it.

    Args:
        cache: the real images of the evaluation.
    """
    pairs = evaluation.curves["closest"]
    faces = studio.render_many([Character.from_dict(pair["character"]) for pair in pairs])
    real = [Image.fromarray(cache.pictures[cache.names.index(pair["file"])]) for pair in pairs]
    sheet = make_grid([picture for pair in zip(faces, real) for picture in pair], _PAIRS_IN_ROW * 2)
    return save_png(sheet, Path(out) / "neighbours.png")


def html_report(evaluation: Evaluation, faces: Image.Image) -> str:
    """A self-contained page with tables, a sheet of faces and plots."""
    name = escape(evaluation.checkpoint["name"])
    figures = {f"Faces, seeds from {evaluation.seed} on": encode_png(faces), **plots(evaluation)}
    body = [
        f"<h1>{name}</h1>",
        f"<p>{escape(evaluation.heading)}</p>",
        _table(HEAD, evaluation.rows()),
        *(f"<p>{escape(note)}</p>" for note in evaluation.notes),
    ]
    if evaluation.colours:
        body.append(_table(COLOUR_HEAD, evaluation.colour_rows()))
    for caption, png in figures.items():
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        text = escape(caption)
        body.append(f'<figure><img alt="{text}" src="{source}"><figcaption>{text}.</figcaption></figure>')
    body.append(f"<p>The floor is what real images score in place of the faces. Measured in {evaluation.seconds:.0f} s.</p>")
    head = f'<meta charset="utf-8"><title>{name}: evaluation</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"

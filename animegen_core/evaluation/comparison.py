"""``compare``: measures several checkpoints and writes one page with their figures and faces."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from PIL import Image

from animegen_core.character import Character
from animegen_core.checkpoint.weights import weight_files
from animegen_core.evaluation.measuring import evaluate
from animegen_core.evaluation.results import MEASURES, Evaluation, markdown_table, percent, show
from animegen_core.files import atomic_write_text
from animegen_core.images import make_grid, save_png
from animegen_core.studio import Studio

_SEEDS = 12  # faces of each checkpoint
_WAYS, _STEPS = ((0, 1), (2, 3)), 9  # pairs of seeds, and faces of an interpolation
_WARM_UP, _ROUNDS = 3, 20  # renders that are timed


@dataclass(frozen=True)
class Contender:
    """One checkpoint of a comparison.

    Attributes:
        evaluation: what was measured.
        milliseconds: of one face, the median.
        megabytes: of its weights on disk.
        minutes: of training; None if unknown.
        faces: the same seeds for every contender.
        ways: interpolations from one seed to another.
    """

    evaluation: Evaluation
    milliseconds: float
    megabytes: float
    minutes: float | None
    faces: list[Image.Image]
    ways: list[Image.Image]


def compare(
    names: Sequence[str | Path],
    real_path: str | Path,
    samples: int = 10_000,
    seed: int = 0,
    psi: float = 1.0,
    tags: str | Path | None = None,
    upscale_small: bool = False,
) -> list[Contender]:
    """Measure several checkpoints against the same real images; arguments as in ``evaluate``.

    Raises:
        AnimeGenError: as in ``evaluate``; all checkpoints are loaded before the first is measured.
    """
    studios = [Studio.load(name) for name in names]
    return [
        _contender(studio, evaluate(studio, real_path, samples, seed, psi, tags, upscale_small=upscale_small))
        for studio in studios
    ]


def _contender(studio: Studio, evaluation: Evaluation) -> Contender:
    characters = [Character(evaluation.seed + index, psi=evaluation.psi) for index in range(_SEEDS)]
    positions = [step / (_STEPS - 1) for step in range(_STEPS)]
    return Contender(
        evaluation,
        render_milliseconds(studio),
        sum(path.stat().st_size for path in weight_files(studio.checkpoint.path)) / 1e6,
        studio.checkpoint.config.get("training_minutes"),
        list(studio.render_many(characters)),
        [face for a, b in _WAYS for face in studio.interpolate((characters[a], characters[b]), positions)],
    )


def render_milliseconds(studio: Studio) -> float:
    """Median time of one face, drawn alone."""
    times = []
    for seed in range(_WARM_UP + _ROUNDS):
        began = time.perf_counter()
        studio.render(Character(seed))
        times.append(time.perf_counter() - began)
    return 1000 * median(times[_WARM_UP:])


def save_comparison(contenders: Sequence[Contender], out: str | Path) -> list[Path]:
    """Write the page and two sheets beside it: the same seeds, and interpolations between the same seeds.

    The sheets have generated faces only.

    Args:
        out: the Markdown file.
    """
    out = Path(out)
    sheets = {
        out.with_name(f"{out.stem}-faces.png"): _sheet([contender.faces for contender in contenders], _SEEDS),
        out.with_name(f"{out.stem}-ways.png"): _sheet([contender.ways for contender in contenders], _STEPS),
    }
    for path, sheet in sheets.items():
        save_png(sheet, path)
    atomic_write_text(out, comparison_page(contenders, *(path.name for path in sheets)))
    return [out, *sheets]


def comparison_page(contenders: Sequence[Contender], faces: str, ways: str) -> str:
    """The page in Markdown; ``faces`` and ``ways`` are the names of its sheets."""
    names = [contender.evaluation.checkpoint["name"] for contender in contenders]
    order = ", then ".join(names)
    first = contenders[0].evaluation
    notes = [f"{name}: {note}" for name, each in zip(names, contenders) for note in each.evaluation.notes]
    parts = [
        "# Checkpoints compared",
        f"Faces have seeds from {first.seed} on at psi {first.psi:g} and are compared with the images of {first.real}. "
        "95 % intervals stand in brackets. The floor is what real images score in place of the faces.",
        markdown_table(("", *names), _facts(contenders)),
        markdown_table(("measure", "better", *names, "floor"), _measures(contenders)),
    ]
    if colours := _colours(contenders):
        parts.append(markdown_table(("chosen colour, seen by the judge", *names, "in real images"), colours))
    parts += [
        f"Seeds {first.seed} to {first.seed + _SEEDS - 1} of {order}:",
        f"![The same seeds of each checkpoint]({faces})",
        f"Interpolations between seeds of {order}:",
        f"![Interpolations between the same seeds of each checkpoint]({ways})",
        *notes,
    ]
    return "\n\n".join(parts) + "\n"


def _facts(contenders: Sequence[Contender]) -> list[tuple[str, ...]]:
    infos = [contender.evaluation.checkpoint for contender in contenders]
    return [
        ("family", *(info["family"] for info in infos)),
        ("resolution", *(f"{info['resolution']} px" for info in infos)),
        ("parameters of the generator", *(f"{info['generator_parameters']:,}" for info in infos)),
        ("weights on disk", *(f"{contender.megabytes:.1f} MB" for contender in contenders)),
        ("parameters in float32", *(f"{4 * info['generator_parameters'] / 1e6:.1f} MB" for info in infos)),
        ("one face, drawn alone", *(f"{contender.milliseconds:.1f} ms" for contender in contenders)),
        ("images seen", *(f"{info['images_seen']:,}" for info in infos)),
        ("minutes of training", *("not recorded" if c.minutes is None else f"{c.minutes:.0f}" for c in contenders)),
        ("faces measured", *(f"{contender.evaluation.samples:,}" for contender in contenders)),
        ("colours", *(contender.evaluation.looks for contender in contenders)),
    ]


def _measures(contenders: Sequence[Contender]) -> list[tuple[str, ...]]:
    rows = []
    for key, text in MEASURES.items():
        found = [contender.evaluation.measures.get(key) for contender in contenders]
        if any(found):
            cells = [f"{show(key, m.value)} ({show(key, m.low)} to {show(key, m.high)})" if m else "" for m in found]
            floors = sorted({show(key, m.floor) for m in found if m and m.floor is not None})
            rows.append((f"{text.title}: {text.meaning}", text.better, *cells, " or ".join(floors)))
    return rows


def _colours(contenders: Sequence[Contender]) -> list[tuple[str, ...]]:
    scores = [contender.evaluation.colours for contender in contenders]
    known = next(filter(None, scores), {})
    return [
        (
            f"{attribute}, {colour}",
            *(percent(each[attribute][colour].drawn.value) if each else "cannot choose" for each in scores),
            percent(score.real),
        )
        for attribute, colours in known.items()
        for colour, score in colours.items()
    ]


def _sheet(groups: Sequence[list[Image.Image]], columns: int) -> Image.Image:
    """A sheet of the faces of all contenders, one group below the other; small images are enlarged to the largest size."""
    side = max(faces[0].width for faces in groups)
    faces = [face.resize((side, side), Image.Resampling.NEAREST) for group in groups for face in group]
    return make_grid(faces, columns)

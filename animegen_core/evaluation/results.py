"""What was measured of a checkpoint: a plain dataclass that turns into JSON, and into a table."""

from dataclasses import asdict, dataclass, field
from typing import Any

from animegen_core.evaluation.colours import ColourScore
from animegen_core.evaluation.intervals import Interval


@dataclass(frozen=True)
class Description:
    """How a measure is shown.

    Attributes:
        title: its name in the field.
        better: "lower", "higher" or "near the floor".
        meaning: what it answers, in a few words.
        digits: after the point.
    """

    title: str
    better: str
    meaning: str
    digits: int = 3


_NEAR = "near the floor"
MEASURES = {
    "fd_imagenet": Description("FD-imagenet", "lower", "distance of all faces from all real ones, as people see them", 2),
    "kid_imagenet": Description("KID-imagenet x 1000", "lower", "the same, without the bias of small sets", 2),
    "precision_imagenet": Description("precision-imagenet", "higher", "fraction of faces that look real"),
    "recall_imagenet": Description("recall-imagenet", "higher", "fraction of real faces that could have been drawn"),
    "density_imagenet": Description("density-imagenet", "higher", "how many real ones are near a face"),
    "coverage_imagenet": Description("coverage-imagenet", "higher", "fraction of real faces with a generated one nearby"),
    "fd_anime": Description("FD-anime", "lower", "distance of all faces from all real ones", 2),
    "kid_anime": Description("KID-anime x 1000", "lower", "the same, without the bias of small sets"),
    "precision_anime": Description("precision", "higher", "share of faces that look real"),
    "recall_anime": Description("recall", "higher", "share of real faces that could have been drawn"),
    "density_anime": Description("density", "higher", "how much company of real ones a face has"),
    "coverage_anime": Description("coverage", "higher", "share of real faces with a generated one nearby"),
    "fd_random": Description("FD-random", "lower", "FD in features of an untrained network"),
    "kid_random": Description("KID-random x 1000", "lower", "KID in features of an untrained network"),
    "precision_random": Description("precision, random features", "higher", "second opinion"),
    "recall_random": Description("recall, random features", "higher", "second opinion"),
    "density_random": Description("density, random features", "higher", "second opinion"),
    "coverage_random": Description("coverage, random features", "higher", "second opinion"),
    "swd": Description("SWD x 1000", "lower", "difference of small patches, over all scales", 1),
    "ms_ssim": Description("MS-SSIM of pairs", _NEAR, "likeness of faces to each other: high is monotonous"),
    "path_length": Description("path length", "lower", "change of the face for a small step of the latent", 0),
    "checkerboard": Description("checkerboard", _NEAR, "how far patterns of 2 and 4 px stand out, over the real ones'", 2),
    "sharpness": Description("sharpness", _NEAR, "energy of fine detail, over the real ones'", 2),
    "nearest_ratio": Description("nearest real face", _NEAR, "distance to it, over a real face's: well under 1 is copying", 2),
    "fid": Description("FID", "lower", "the true one, in Inception features", 2),
    "kid": Description("KID x 1000", "lower", "the true one, in Inception features"),
    "inception_score": Description("IS", "higher", "inception score", 2),
}
HEAD = ("measure", "value", "95 % interval", "floor", "better", "meaning")
COLOUR_HEAD = ("", "colour asked for", "seen", "95 % interval", "in real pictures")
_THOUSANDS = ("kid_imagenet", "kid_anime", "kid_random", "kid")  # measured as they are, shown x 1000


@dataclass(frozen=True)
class Measure:
    """A value with its 95 % interval.

    Attributes:
        floor: the value of real pictures in place of the faces: none can do better but by chance. None where there is none.
    """

    value: float
    low: float
    high: float
    floor: float | None = None

    @classmethod
    def of(cls, key: str, interval: Interval, floor: float | None = None) -> "Measure":
        """In the unit in which a measure is shown."""
        unit = 1000 if key in _THOUSANDS else 1
        return cls(
            unit * interval.value, unit * interval.low, unit * interval.high, None if floor is None else unit * float(floor)
        )


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of one checkpoint against one set of real pictures.

    Attributes:
        checkpoint: of ``Checkpoint.info``.
        real: name of the folder or zip.
        real_pictures, samples: numbers of pictures; of the real ones as many as ``samples`` are stand-ins for the floor.
        seed: of the first face; the others follow.
        psi: creativity at which faces were drawn.
        looks: which colours were asked for.
        measures: by the keys of ``MEASURES``.
        colours: attribute -> colour or "all" -> score; None if colours cannot be chosen.
        curves: what the report plots.
        notes: sentences about what was left out or limited.
        seconds: that it took.
    """

    checkpoint: dict[str, Any]
    real: str
    real_pictures: int
    samples: int
    seed: int
    psi: float
    looks: str
    measures: dict[str, Measure]
    colours: dict[str, dict[str, ColourScore]] | None
    curves: dict[str, Any] = field(repr=False)
    notes: list[str]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)

    @property
    def heading(self) -> str:
        """One sentence that says what was compared with what."""
        return (
            f"{self.samples:,} faces of {self.checkpoint['name']} ({self.checkpoint['hash']}), seeds {self.seed} to "
            f"{self.seed + self.samples - 1}, psi {self.psi:g}, {self.looks}, against {self.real_pictures - self.samples:,} of "
            f"the {self.real_pictures:,} pictures of {self.real}; the other {self.samples:,} give the floor."
        )

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """Title, value, interval, floor, which is better, and meaning of each measure."""
        return [
            (
                text.title,
                show(key, m.value),
                f"{show(key, m.low)} to {show(key, m.high)}",
                "" if m.floor is None else show(key, m.floor),
                text.better,
                text.meaning,
            )
            for key, text in MEASURES.items()
            if (m := self.measures.get(key))
        ]

    def colour_rows(self) -> list[tuple[str, str, str, str, str]]:
        """Attribute, colour, share of faces, its interval and share of real pictures in which the judge sees the colour."""
        return [
            (attribute, colour, percent(s.drawn.value), f"{percent(s.drawn.low)} to {percent(s.drawn.high)}", percent(s.real))
            for attribute, scores in (self.colours or {}).items()
            for colour, s in scores.items()
            if s.drawn
        ]

    def to_markdown(self) -> str:
        """Heading, tables and notes."""
        parts = [self.heading, markdown_table(HEAD, self.rows())]
        if self.colours:
            parts.append(markdown_table(COLOUR_HEAD, self.colour_rows()))
        return "\n\n".join([*parts, *self.notes]) + "\n"


def show(key: str, value: float) -> str:
    """A measure's value with as many digits as it deserves."""
    return f"{value:,.{MEASURES[key].digits}f}"


def percent(share: float | None) -> str:
    """A share as a whole percentage; nothing for None."""
    return "" if share is None else f"{100 * share:.0f} %"


def markdown_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Rows of cells as a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

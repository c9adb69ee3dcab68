"""The results of an evaluation, as a dataclass, JSON and tables."""

from dataclasses import asdict, dataclass, field
from typing import Any

from animegen_core.evaluation.colours import ColourScore
from animegen_core.evaluation.intervals import Interval


@dataclass(frozen=True)
class Description:
    """How a measure is presented.

    Attributes:
        title: its name in the field.
        better: "lower", "higher" or "near the floor".
        meaning: in a few words.
        digits: decimal places.
    """

    title: str
    better: str
    meaning: str
    digits: int = 3


_NEAR = "near the floor"
MEASURES = {
    "fd_imagenet": Description("FD-imagenet", "lower", "distance of faces and real images, in ImageNet features", 2),
    "kid_imagenet": Description("KID-imagenet x 1000", "lower", "the same, without the bias of small sets", 2),
    "precision_imagenet": Description("precision-imagenet", "higher", "fraction of faces that look real"),
    "recall_imagenet": Description("recall-imagenet", "higher", "fraction of real faces that could have been drawn"),
    "density_imagenet": Description("density-imagenet", "higher", "how many real ones are near a face"),
    "coverage_imagenet": Description("coverage-imagenet", "higher", "fraction of real faces with a generated one nearby"),
    "fd_anime": Description("FD-anime", "lower", "distance of faces and real images", 2),
    "kid_anime": Description("KID-anime x 1000", "lower", "the same, without the bias of small sets"),
    "precision_anime": Description("precision", "higher", "fraction of faces that look real"),
    "recall_anime": Description("recall", "higher", "fraction of real faces that could have been drawn"),
    "density_anime": Description("density", "higher", "how many real ones are near a face"),
    "coverage_anime": Description("coverage", "higher", "fraction of real faces with a generated one nearby"),
    "fd_random": Description("FD-random", "lower", "FD in features of an untrained network"),
    "kid_random": Description("KID-random x 1000", "lower", "KID in features of an untrained network"),
    "precision_random": Description("precision, random features", "higher", "second opinion"),
    "recall_random": Description("recall, random features", "higher", "second opinion"),
    "density_random": Description("density, random features", "higher", "second opinion"),
    "coverage_random": Description("coverage, random features", "higher", "second opinion"),
    "swd": Description("SWD x 1000", "lower", "difference of small patches, over all scales", 1),
    "ms_ssim": Description("MS-SSIM of pairs", _NEAR, "similarity of faces to each other; high means little variety"),
    "path_length": Description("path length", "lower", "change of the face for a small step of the latent", 0),
    "checkerboard": Description("checkerboard", _NEAR, "excess of patterns of 2 and 4 px, relative to real images", 2),
    "sharpness": Description("sharpness", _NEAR, "energy of fine detail, relative to real images", 2),
    "nearest_ratio": Description("nearest real face", _NEAR, "distance, relative to a real face; well under 1 is copying", 2),
    "nearest_held_out": Description(
        "nearest real face, held out", _NEAR, "the same, relative to images kept out of training", 2
    ),
    "fid": Description("FID", "lower", "Frechet distance in Inception features", 2),
    "kid": Description("KID x 1000", "lower", "kernel distance in Inception features"),
    "inception_score": Description("IS", "higher", "inception score", 2),
}
HEAD = ("measure", "value", "95 % interval", "floor", "better", "meaning")
COLOUR_HEAD = ("", "chosen colour", "seen", "95 % interval", "in real images")
_THOUSANDS = ("kid_imagenet", "kid_anime", "kid_random", "kid")  # presented x 1000


@dataclass(frozen=True)
class Measure:
    """A value with its 95 % interval.

    Attributes:
        floor: the value of real images in place of the faces, the best possible one except by chance; None if undefined.
    """

    value: float
    low: float
    high: float
    floor: float | None = None

    @classmethod
    def of(cls, key: str, interval: Interval, floor: float | None = None) -> "Measure":
        """Convert to the unit in which a measure is presented."""
        unit = 1000 if key in _THOUSANDS else 1
        return cls(
            unit * interval.value, unit * interval.low, unit * interval.high, None if floor is None else unit * float(floor)
        )


@dataclass(frozen=True)
class Evaluation:
    """The results of one checkpoint against one set of real images.

    Attributes:
        checkpoint: from ``Checkpoint.info``.
        real: name of the folder or zip.
        real_pictures, samples: numbers of real images and faces; ``samples`` real images are used for the floor.
        seed: of the first face; the others follow.
        psi: truncation psi of the faces.
        looks: the chosen colours, in words.
        measures: by the keys of ``MEASURES``.
        colours: attribute -> colour or "all" -> score; None if colours cannot be chosen.
        curves: data of the report's plots.
        notes: sentences about omissions and limits.
        seconds: duration.
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
        """One sentence about what was compared."""
        return (
            f"{self.samples:,} faces of {self.checkpoint['name']} ({self.checkpoint['hash']}), seeds {self.seed} to "
            f"{self.seed + self.samples - 1}, psi {self.psi:g}, {self.looks}, against {self.real_pictures - self.samples:,} of "
            f"the {self.real_pictures:,} images of {self.real}; the other {self.samples:,} give the floor."
        )

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """Title, value, interval, floor, better direction and meaning of each measure."""
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
        """Attribute, colour, and fractions that the judge recognises: of faces, its interval, of real images."""
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
    """A measure's value with its number of decimal places."""
    return f"{value:,.{MEASURES[key].digits}f}"


def percent(fraction: float | None) -> str:
    """A fraction as a whole percentage; empty for None."""
    return "" if fraction is None else f"{100 * fraction:.0f} %"


def markdown_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Rows of cells as a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

"""Character, Animation and Matrix: the small saved descriptions of images and films.

Defaults are part of the saved format, because a description omits fields with default values. So a default never changes, and
the default of a new field must mean what its absence meant.
"""

import re
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from animegen_core.errors import AnimeGenError, check_whole, quote
from animegen_core.labels import ATTRIBUTES, label_index
from animegen_core.latents import PATH_KINDS, check_number, check_seed, path_positions, unpack_latent
from animegen_core.models.styles import CROSSOVERS

MAX_PSI = 1.5  # higher values break faces; negative values, the opposite face, are not needed
BANDS = ("coarse", "middle", "fine")
EASINGS = ("linear", "ease-in-out")
LOOPS = ("closed", "back-and-forth", "once")
KEYS, FRAMES, FPS = (2, 8), (8, 240), (5, 60)  # minimum and maximum
MAX_SIDE = 32  # faces in a row or column of a sheet
EVERY_BAND = "all"
MOST_ANCESTORS = 64
SLIDER_NAME, MOST_SLIDERS = re.compile(r"[a-z][a-z ]{0,29}"), 32
_SIZES = tuple(2**k for k in range(2, 12))  # px; larger than the largest image, for a band without layers

_Described = TypeVar("_Described", "Character", "Animation", "Matrix")


def _check_crossovers(value: object) -> tuple[int, int]:
    good = isinstance(value, (tuple, list)) and len(value) == 2
    good = good and all(isinstance(size, (int, np.integer)) and size in _SIZES for size in value) and value[0] <= value[1]
    if not good:
        sizes = ", ".join(map(str, _SIZES))
        raise AnimeGenError(f"crossovers is {quote(value)}, but must be two ascending sizes of {sizes}.")
    return int(value[0]), int(value[1])


def _check_sliders(value: object) -> tuple[tuple[str, float], ...]:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    good = isinstance(pairs, (tuple, list)) and len(pairs) <= MOST_SLIDERS
    if not good or not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise AnimeGenError(f"sliders is {quote(value)}, but must be at most {MOST_SLIDERS} names with a strength each.")
    for name, _ in pairs:
        if not isinstance(name, str) or not SLIDER_NAME.fullmatch(name):
            raise AnimeGenError(f"{quote(name)} is not the name of a slider: those are of small letters and spaces.")
    strengths = {name: check_number(f"The slider '{name}'", strength, -1, 1) for name, strength in pairs}
    return tuple(sorted((name, strength) for name, strength in strengths.items() if strength))


def parse_sliders(texts: Iterable[str]) -> dict[str, float]:
    """Strengths of sliders from texts such as "tilt=0.5".

    Raises:
        AnimeGenError: a text is not a name, an equals sign and a number.
    """
    sliders = {}
    for text in texts:
        name, _, strength = text.partition("=")
        try:
            sliders[name.strip()] = float(strength[:20])
        except ValueError as error:
            raise AnimeGenError(f"{quote(text)} is not a slider; write its name and a strength, such as tilt=0.5.") from error
    return sliders


def _check_lineage(value: object) -> tuple[tuple[int, str, float], ...]:
    good = isinstance(value, (tuple, list)) and len(value) <= MOST_ANCESTORS
    if not good or not all(isinstance(one, (tuple, list)) and len(one) == 3 for one in value):
        raise AnimeGenError(
            f"lineage is {quote(value)}, but must be a list of at most {MOST_ANCESTORS} times a seed, a band and a spread."
        )
    for _, band, _ in value:
        if band not in (*BANDS, EVERY_BAND):
            raise AnimeGenError(f"Unknown band {quote(band)}; known are: {', '.join((*BANDS, EVERY_BAND))}.")
    return tuple((check_seed(seed), band, check_number("The spread", spread, 0, 1)) for seed, band, spread in value)


@dataclass(frozen=True)
class Character:
    """The description of a face. The same description on the same checkpoint gives the same image.

    Args:
        seed: whole number in [0, 4294967295], from which the latent and the noise of each layer are drawn.
        hair, eyes: one of ``labels.HAIR`` and ``labels.EYES``, or None for any.
        psi: creativity (truncation psi) in [0, 1.5]: 0 is the mean face, 1 the seed's own face.
        variation_seed: seed of a second latent, toward which the latent is moved.
        variation_strength: fraction of the path toward it, in [0, 1].
        coarse, middle, fine: seeds of the styles of these layers in a style-based model; None uses the character's own latent.
        crossovers: sizes in pixels, powers of two, at which middle and fine layers begin. Unlike numbers of layers, sizes have
            the same meaning in every model.
        latent: an own latent instead of the seed's, as text (see ``packing``): z of a VAE or DCGAN, or for a style-based
            model the difference between w of each layer and the mean face's. Colours that are not chosen are then "any". The
            seed still gives the noise. None uses the seed's latent.
        recolour_hair, recolour_eyes: colours to which the face is recoloured in a style-based model, or None. They keep pose,
            features and clothes, whereas another ``hair`` or ``eyes`` gives another face.
        sliders: strength in [-1, 1] of sliders of the checkpoint (see ``Studio.sliders``), as a mapping from name or pairs of
            name and strength. Kept as pairs, sorted by name, without zeros.
        lineage: how the face descends from its seed's (see ``relatives``): for each generation a seed, the band of layers that
            it moves ("coarse", "middle", "fine" or "all"), and the spread in [0, 1]. Without the last one it is the parent.

    Raises:
        AnimeGenError: a value is of the wrong type or out of range.
    """

    seed: int
    hair: str | None = None
    eyes: str | None = None
    psi: float = 1.0
    variation_seed: int = 0
    variation_strength: float = 0.0
    coarse: int | None = None
    middle: int | None = None
    fine: int | None = None
    crossovers: tuple[int, int] = CROSSOVERS
    latent: str | None = None
    recolour_hair: str | None = None
    recolour_eyes: str | None = None
    sliders: tuple[tuple[str, float], ...] = ()
    lineage: tuple[tuple[int, str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.latent is not None:
            unpack_latent(self.latent)
        for attribute in ATTRIBUTES:
            label_index(attribute, getattr(self, attribute))
            label_index(attribute, self.recolours[attribute])
        seeds = ["seed", "variation_seed", *(band for band in BANDS if getattr(self, band) is not None)]
        plain = {name: check_seed(getattr(self, name)) for name in seeds}
        plain["psi"] = check_number("psi", self.psi, 0, MAX_PSI)
        plain["variation_strength"] = check_number("The variation's strength", self.variation_strength, 0, 1)
        plain["crossovers"] = _check_crossovers(self.crossovers)
        plain["sliders"] = _check_sliders(self.sliders)
        plain["lineage"] = _check_lineage(self.lineage)
        for name, value in plain.items():  # NumPy's numbers become Python's, for JSON
            object.__setattr__(self, name, value)

    @property
    def recolours(self) -> dict[str, str | None]:
        """The colour to which each attribute is recoloured."""
        return {"hair": self.recolour_hair, "eyes": self.recolour_eyes}

    @property
    def mixes_styles(self) -> bool:
        """Whether some layers have the styles of another seed."""
        return any(getattr(self, band) is not None for band in BANDS)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description without default values, the inverse of ``from_dict``."""
        return _to_dict(self) | ({"sliders": dict(self.sliders)} if self.sliders else {})

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> "Character":
        """Read a description.

        Raises:
            AnimeGenError: it is not a mapping, or a field is missing, unknown or out of range.
        """
        return cls(**_known_fields(cls, description, "seed"))


def relatives(
    character: Character, count: int = 8, spread: float = 0.4, band: str = EVERY_BAND, seed: int = 0
) -> list[Character]:
    """Characters that descend from one, each moved from it by the spread in a direction of its own.

    Args:
        count: 1 to 64.
        spread: in [0, 1]: 0 is the same face, 1 another one.
        band: "coarse", "middle", "fine" or "all".
        seed: another one gives other relatives.

    Raises:
        AnimeGenError: a value is out of range, or the line is 64 generations long.
    """
    check_whole("The number of relatives", count, 1, 64)
    random = np.random.RandomState([character.seed, len(character.lineage), check_seed(seed)])
    steps = [(int(one), band, spread) for one in random.randint(2**32, size=count, dtype=np.uint32)]
    return [replace(character, lineage=(*character.lineage, step)) for step in steps]


@dataclass(frozen=True)
class Animation:
    """The description of an animation through several characters.

    Args:
        keys: 2 to 8 characters.
        path: "slerp", "linear" or "circular"; a circular path has constant distance from the mean face, and through two keys,
            closed, it is a full circle (see ``latents.latent_path``).
        frames: number of frames, 8 to 240.
        fps: frames a second, 5 to 60.
        easing: "linear" for constant speed, "ease-in-out" to slow down at each key.
        loop: "closed" returns from the last key to the first, "back-and-forth" reverses; neither repeats a frame at its seam.
            "once" ends at the last key.

    Raises:
        AnimeGenError: a value is of the wrong type or out of range.
    """

    keys: tuple[Character, ...]
    path: str = "slerp"
    frames: int = 60
    fps: int = 30
    easing: str = "linear"
    loop: str = "closed"

    def __post_init__(self) -> None:
        if not isinstance(self.keys, (tuple, list)) or not all(isinstance(key, Character) for key in self.keys):
            raise AnimeGenError(f"An animation's keys must be characters, not {quote(self.keys)}.")
        if not KEYS[0] <= len(self.keys) <= KEYS[1]:
            raise AnimeGenError(f"An animation needs {KEYS[0]} to {KEYS[1]} key characters, not {len(self.keys)}.")
        for name, known in (("path", PATH_KINDS), ("easing", EASINGS), ("loop", LOOPS)):
            value = getattr(self, name)
            if not isinstance(value, str) or value not in known:
                raise AnimeGenError(f"Unknown {name} {quote(value)}; known are: {', '.join(known)}.")
        object.__setattr__(self, "keys", tuple(self.keys))
        object.__setattr__(self, "frames", check_whole("frames", self.frames, *FRAMES))
        object.__setattr__(self, "fps", check_whole("fps", self.fps, *FPS))

    @property
    def closed(self) -> bool:
        """Whether the path continues from the last key to the first."""
        return self.loop == "closed"

    def positions(self) -> np.ndarray:
        """Position of each frame on the path, float64 (frames,); see ``latents.path_positions``."""

        def positions(frames: int) -> np.ndarray:
            return path_positions(len(self.keys), frames, self.path, self.closed)

        if self.loop == "back-and-forth":
            back = self.frames // 2
            there = self.frames - back  # has the extra step of an odd number; each turning point is one frame
            way = np.concatenate([positions(there + 1), positions(back + 1)[-2:0:-1]])
        else:
            way = positions(self.frames)
        if self.easing == "linear":
            return way
        t = way % 1
        return way - t + t * t * (3 - 2 * t)  # smoothstep: zero speed at each key

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description without default values, the inverse of ``from_dict``."""
        return _to_dict(self) | {"keys": [key.to_dict() for key in self.keys]}

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> "Animation":
        """Read a description.

        Raises:
            AnimeGenError: it is not a mapping, or a field is missing, unknown or out of range.
        """
        values = _known_fields(cls, description, "keys")
        if not isinstance(values["keys"], list):
            raise AnimeGenError(f"An animation's keys must be a list of characters, not {quote(values['keys'])}.")
        if len(values["keys"]) > KEYS[1]:  # checked before a huge list is read
            raise AnimeGenError(f"An animation needs {KEYS[0]} to {KEYS[1]} key characters, not {len(values['keys'])}.")
        return cls(**values | {"keys": tuple(Character.from_dict(key) for key in values["keys"])})


@dataclass(frozen=True)
class Matrix:
    """The description of a mixing matrix: each face is its row's, with the styles of some layers from its column.

    Args:
        rows, columns: 1 to 32 seeds each.
        bands: the column's layers, of "coarse", "middle" and "fine".
        template: colours, psi, crossovers and so on, for all faces; its seed is ignored.

    Raises:
        AnimeGenError: a value is of the wrong type or out of range.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    bands: tuple[str, ...] = ("coarse", "middle")
    template: Character = Character(0)

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            object.__setattr__(self, name, _check_seeds(name, getattr(self, name)))
        if not isinstance(self.bands, Iterable) or isinstance(self.bands, str):
            raise AnimeGenError(f"A matrix's bands must be a list, not {quote(self.bands)}.")
        if unknown := [band for band in self.bands if band not in BANDS]:
            raise AnimeGenError(f"Unknown band {quote(unknown[0])}; known are: {', '.join(BANDS)}.")
        object.__setattr__(self, "bands", tuple(self.bands))
        object.__setattr__(self, "template", replace(self.template, seed=0))

    def own(self, seed: int) -> Character:
        """The face of a row or column itself."""
        return replace(self.template, seed=seed)

    def mixed(self, row: int, column: int) -> Character:
        """The face of a row's seed with the bands of a column's."""
        return replace(self.own(row), **dict.fromkeys(self.bands, column))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description without default values, the inverse of ``from_dict``."""
        template = {"template": self.template.to_dict()} if self.template != Character(0) else {}
        return _to_dict(self) | template

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> "Matrix":
        """Read a description.

        Raises:
            AnimeGenError: it is not a mapping, or a field is missing, unknown or out of range.
        """
        values = _known_fields(cls, description, "rows", "columns")
        return cls(**values | {"template": Character.from_dict(values.get("template", {"seed": 0}))})


def _to_dict(described: Character | Animation | Matrix) -> dict[str, Any]:
    values = {f.name: getattr(described, f.name) for f in fields(described) if getattr(described, f.name) != f.default}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _known_fields(cls: type[_Described], description: object, *required: str) -> dict[str, Any]:
    """The description, validated: a mapping with all required fields and no unknown one."""
    known = [f.name for f in fields(cls)]
    what = f"{'An' if cls is Animation else 'A'} {cls.__name__.lower()}"
    if not isinstance(description, dict):
        raise AnimeGenError(f"{what} has the fields {', '.join(known)}, but got {quote(description)}.")
    if unknown := [name for name in description if name not in known]:
        raise AnimeGenError(f"Unknown field {quote(unknown[0])} in {what.lower()}; known are: {', '.join(known)}.")
    if missing := [name for name in required if name not in description]:
        raise AnimeGenError(f"{what} needs the field '{missing[0]}'.")
    return description


def check_side(name: str, count: object, least: int) -> None:
    """Check a number of rows or columns of a sheet.

    Raises:
        AnimeGenError: there are too few or too many.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not least <= count <= MAX_SIDE:
        raise AnimeGenError(f"A grid has {least} to {MAX_SIDE} {name}, not {quote(count)}.")


def _check_seeds(name: str, seeds: object) -> tuple[int, ...]:
    if not isinstance(seeds, Sized) or isinstance(seeds, (str, bytes, dict)):
        raise AnimeGenError(f"A matrix's {name} must be a list of seeds, not {quote(seeds)}.")
    check_side(name, len(seeds), 1)
    return tuple(check_seed(seed) for seed in seeds)

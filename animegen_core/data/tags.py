"""Tag files: a CSV with the columns file, hair and eyes, where an empty colour is unknown."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_write_text
from animegen_core.labels import ANY, ATTRIBUTES, label_index, label_name

LEAST_PROBABILITY = 0.6  # of a classifier's label that counts, where nobody asks for another
_COLUMNS = ("file", *ATTRIBUTES)


@dataclass(frozen=True)
class Tag:
    """What is known of one picture.

    Attributes:
        file: its name relative to the folder or zip.
        labels: index of the hair and of the eye colour, -1 where unknown.
        probabilities: of each label in [0, 1], as a classifier gave it; 1 where a person did.
    """

    file: str
    labels: tuple[int, ...]
    probabilities: tuple[float, ...] = (1.0,) * len(ATTRIBUTES)


def read_tags(path: str | Path) -> list[Tag]:
    """Read a tag file. Further columns, ``hair_probability`` and ``eyes_probability`` among them, may be missing.

    Raises:
        AnimeGenError: no such file, a column is missing, or a colour or probability is unknown (with its line).
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AnimeGenError(f"Tag file '{path}' cannot be read as a CSV.") from error
    reader = csv.DictReader(io.StringIO(text))
    if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or [])]:
        raise AnimeGenError(f"Tag file '{path}' has no column '{missing[0]}'; it needs: {', '.join(_COLUMNS)}.")
    tags = []
    for row in reader:
        try:
            labels = tuple(label_index(name, (row[name] or "").strip().lower() or None) for name in ATTRIBUTES)
            given = (row.get(f"{name}_probability") for name in ATTRIBUTES)
            probabilities = tuple(float(value) if value else 1.0 for value in given)
        except ValueError as error:  # AnimeGenError is one
            raise AnimeGenError(f"Tag file '{path}', line {reader.line_num}: {error}") from error
        tags.append(Tag(row["file"].strip(), labels, probabilities))
    return tags


def write_tags(path: str | Path, tags: Sequence[Tag]) -> None:
    """Write a tag file with probabilities, atomically."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"{name}_probability" for name in ATTRIBUTES)])
    for tag in tags:
        colours = (label_name(name, index) or "" for name, index in zip(ATTRIBUTES, tag.labels))
        writer.writerow([tag.file, *colours, *(f"{p:.4f}" for p in tag.probabilities)])
    atomic_write_text(path, stream.getvalue())


def labels_for(names: Sequence[str], tags: Sequence[Tag], least_probability: float = 0.0) -> Tensor:
    """Labels of pictures in the order of ``names``: int64 (N, 2), -1 where unknown or under ``least_probability``.

    A tag's file is looked for by its whole name, then by its last part, because people move pictures into other folders.

    Raises:
        AnimeGenError: no tag is of any of the pictures.
    """
    by_name = {tag.file: tag for tag in tags}
    by_last_part = {Path(tag.file).name: tag for tag in tags}
    found = [by_name.get(name) or by_last_part.get(Path(name).name) for name in names]
    if not any(found):
        example = f"'{tags[0].file}'" if tags else "nothing"
        raise AnimeGenError(f"None of the {len(names)} pictures is in the tag file, which begins with {example}.")
    rows = [
        [i if p >= least_probability else ANY for i, p in zip(tag.labels, tag.probabilities)]
        if tag
        else [ANY] * len(ATTRIBUTES)
        for tag in found
    ]
    return torch.tensor(rows, dtype=torch.int64)


def tagged_in_order(labels: Tensor) -> Tensor:
    """Indices of the pictures with a label, int64, in a random order that is the same for the same labels.

    The first tenth is what classifiers hold out.
    """
    tagged = (labels != ANY).any(1).nonzero().flatten()
    return tagged[torch.randperm(len(tagged), generator=torch.Generator().manual_seed(0))]

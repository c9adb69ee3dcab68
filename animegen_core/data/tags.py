"""Tag files: CSV with the columns file, hair and eyes; an empty colour is unknown."""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_path
from animegen_core.labels import ANY, ATTRIBUTES, label_index, label_name

LEAST_PROBABILITY = 0.6  # default: labels with a lower probability count as unknown
_COLUMNS = ("file", *ATTRIBUTES)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks


@dataclass(frozen=True)
class Tag:
    """The labels of one image.

    Attributes:
        file: its name relative to the folder or zip.
        labels: indices of hair and eye colour, -1 if unknown.
        probabilities: of each label in [0, 1], from a classifier; 1 for tags by people.
    """

    file: str
    labels: tuple[int, ...]
    probabilities: tuple[float, ...] = (1.0,) * len(ATTRIBUTES)


def read_tags(path: str | Path) -> list[Tag]:
    """Read a tag file by people, spreadsheets or ``write_tags``.

    Columns may be in any order, further ones are ignored, and those of probabilities are optional. Cells are separated by
    commas, semicolons or tabs, optionally followed by spaces; the text is UTF-8, or UTF-16 with a byte order mark. Equal rows
    of one image are accepted.

    Raises:
        AnimeGenError: the file does not exist, a column is missing, or a row is invalid (with its line).
    """
    rows = _rows(path)
    _, header = next(rows, (1, []))
    columns = [name.strip().lower() for name in header]
    for name in _COLUMNS:
        if columns.count(name) != 1:
            found = "no column" if name not in columns else f"{columns.count(name)} columns"
            raise AnimeGenError(f"Tag file '{path}' has {found} '{name}'; it needs one of each: {', '.join(_COLUMNS)}.")
    tags: dict[str, tuple[int, Tag]] = {}
    for line, cells in rows:
        if not any(cells):
            continue
        try:
            tag = _tag(columns, cells)
            first, earlier = tags.setdefault(normal_name(tag.file), (line, tag))
            if earlier.labels != tag.labels:
                raise AnimeGenError(f"{quote(tag.file)} has other colours than in line {first}; remove one of the two.")
        except AnimeGenError as error:
            raise AnimeGenError(f"Tag file '{path}', line {line}: {error}") from error
    return [tag for _, tag in tags.values()]


def _rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """First line number and stripped cells of each row of a CSV that is not empty."""
    try:
        data = Path(path).expanduser().read_bytes()
        # Names that are not UTF-8 become surrogates, as Python reads them from the file system.
        text = data.decode("utf-16") if data.startswith(_UTF_16) else data.decode("utf-8-sig", "surrogateescape")
    except FileNotFoundError:
        raise AnimeGenError(f"Tag file '{path}' does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise AnimeGenError(f"Tag file '{path}' cannot be read as a CSV.") from error
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # a comma if there is none
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise AnimeGenError(f"Tag file '{path}', line {line} is not a row of a CSV: {error}.") from error
        if cells:
            yield line, [cell.strip() for cell in cells]


def _tag(columns: list[str], cells: list[str]) -> Tag:
    if any(cells[len(columns) :]):
        raise AnimeGenError(f"The row has {len(cells)} cells, but the header {len(columns)}; a name with a comma needs quotes.")
    row = dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))]))
    if not row["file"]:
        raise AnimeGenError("The row has no file.")
    labels = tuple(label_index(name, row[name].lower() or None) for name in ATTRIBUTES)
    return Tag(row["file"], labels, tuple(_probability(row.get(f"{name}_probability", "")) for name in ATTRIBUTES))


def _probability(text: str) -> float:
    try:
        value = float(text.replace(",", ".") or 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise AnimeGenError(f"The probability is {quote(text)}, but must be a number from 0 to 1.")
    return value


def write_tags(path: str | Path, tags: Sequence[Tag]) -> None:
    """Write a tag file with probabilities, atomically. Names that are not UTF-8 keep their bytes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"{name}_probability" for name in ATTRIBUTES)])
    for tag in tags:
        colours = (label_name(name, index) or "" for name, index in zip(ATTRIBUTES, tag.labels))
        writer.writerow([tag.file, *colours, *(f"{p:.4f}" for p in tag.probabilities)])
    with atomic_path(path) as temporary:
        temporary.write_bytes(stream.getvalue().encode("utf-8", "surrogateescape"))


def normal_name(file: str) -> str:
    """An image's name with forward slashes and without a leading "."."""
    return str(PurePosixPath(file.replace("\\", "/")))


def match_tags(names: Sequence[str], tags: Sequence[Tag]) -> list[Tag | None]:
    """The tag of each image, or None.

    A tag belongs to the image with the same whole name. Otherwise it belongs to the image with the same file name, because
    people move images into other folders, but only if no other image and no other tag has this file name.
    """
    whole = [normal_name(name) for name in names]
    by_name = {normal_name(tag.file): tag for tag in tags}
    pictures_called = Counter(_last_part(name) for name in whole)
    tags_called = Counter(_last_part(name) for name in by_name)
    by_last_part = {_last_part(name): tag for name, tag in by_name.items() if tags_called[_last_part(name)] == 1}
    found = []
    for name in whole:
        last = _last_part(name)
        found.append(by_name.get(name) or (by_last_part.get(last) if pictures_called[last] == 1 else None))
    return found


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def labels_for(names: Sequence[str], tags: Sequence[Tag], least_probability: float = 0.0) -> Tensor:
    """Labels of images in the order of ``names``: int64 (N, 2), -1 if unknown or below ``least_probability``.

    Raises:
        AnimeGenError: no tag belongs to any of the images.
    """
    found = match_tags(names, tags)
    if not any(found):
        example = quote(tags[0].file) if tags else "nothing"
        raise AnimeGenError(
            f"None of the {len(names)} images is in the tag file, which begins with {example}; "
            f"the images begin with {quote(next(iter(names), None))}."
        )
    rows = [
        [i if p >= least_probability else ANY for i, p in zip(tag.labels, tag.probabilities)]
        if tag
        else [ANY] * len(ATTRIBUTES)
        for tag in found
    ]
    return torch.tensor(rows, dtype=torch.int64)


def read_labels(path: str | Path, names: Sequence[str], least_probability: float = 0.0) -> Tensor:
    """``labels_for`` of a tag file. Prints on standard error how many images and tags match.

    Raises:
        AnimeGenError: as in ``read_tags`` and ``labels_for``.
    """
    tags = read_tags(path)
    labels = labels_for(names, tags, least_probability)
    found = [tag for tag in match_tags(names, tags) if tag]
    of_none = len(tags) - len(found)
    rest = f"; {of_none:,} tags match no image, or several of that name" if of_none else ""
    print(f"{len(found):,} of {len(names):,} images are in '{path}'{rest}.", file=sys.stderr)
    return labels


def tagged_in_order(labels: Tensor) -> Tensor:
    """Indices of images with a label, int64, in a random order that depends only on the labels.

    Classifiers hold out the first tenth.
    """
    tagged = (labels != ANY).any(1).nonzero().flatten()
    return tagged[torch.randperm(len(tagged), generator=torch.Generator().manual_seed(0))]

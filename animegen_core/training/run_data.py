"""The images and labels of a run: whether they changed when it resumes, and what its card says about them."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from animegen_core.data.cache import PictureCache
from animegen_core.errors import AnimeGenError, printable

_CHUNK = 4096  # images


@dataclass(frozen=True)
class RunData:
    """The entry ``pictures`` of options.json, about a run's data.

    Attributes:
        count: number of images.
        digest: of their pixels, in order; paths and file names do not matter.
        labels: digest of their labels; None without labels.
        trained_on: what the card says about them.
    """

    count: int
    digest: str
    labels: str | None
    trained_on: str

    @classmethod
    def of(cls, cache: PictureCache, labels: Tensor | None, trained_on: str | None = None) -> "RunData":
        """The data of a new run; by default the card gives the number of images and the name of their folder."""
        pixels = hashlib.blake2b(digest_size=16)
        for start in range(0, len(cache.pictures), _CHUNK):
            pixels.update(cache.pictures[start : start + _CHUNK].tobytes())
        known = None if labels is None else hashlib.blake2b(labels.numpy().tobytes(), digest_size=16).hexdigest()
        plain = f"{len(cache.names):,} images from '{printable(Path(cache.path).stem)}'"
        return cls(len(cache.names), pixels.hexdigest(), known, trained_on or plain)

    def saved(self) -> dict:
        """For options.json."""
        return {"pictures": asdict(self)}


def went_on(now: RunData, before: dict | None, card: str | None, given: str | None) -> tuple[RunData, str | None]:
    """The data of a resumed run, and a sentence if they have changed.

    Args:
        now: the data, from ``RunData.of``.
        before: the entry in options.json; None in a run of an earlier version.
        card: ``trained_on`` in the config of the run's checkpoint; None if there is no checkpoint yet.
        given: the new text of the card; by default the earlier text, with the new images added if they changed.
    """
    earlier = (before or {}).get("trained_on") or card
    changed = before is not None and before["digest"] != now.digest
    if given or not earlier:
        trained_on = given or now.trained_on
    else:
        trained_on = f"{earlier}, then {now.trained_on}" if changed else earlier
    sentence = None
    if changed:
        sentence = f"The images have changed: {before['count']:,} before, {now.count:,} now; the run continues with these."

    elif before is not None and before["labels"] != now.labels:
        sentence = "The labels have changed; the run continues with these."
    return RunData(now.count, now.digest, now.labels, trained_on), sentence


def require_present(folder: Path, **paths: str | Path | None) -> None:
    """Raise AnimeGenError if one of the paths that the run in ``folder`` reads does not exist; keywords are names of flags."""
    for flag, path in paths.items():
        if path is not None and not Path(path).expanduser().exists():
            raise AnimeGenError(f"The run in '{folder}' reads '{path}', which does not exist; give its new path with --{flag}.")

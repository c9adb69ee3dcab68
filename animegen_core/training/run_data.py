"""Which pictures and labels a run has used: whether they are the same when it goes on, and what its card says of them."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from animegen_core.data.cache import PictureCache
from animegen_core.errors import AnimeGenError, printable

_CHUNK = 4096  # pictures


@dataclass(frozen=True)
class RunData:
    """What options.json keeps of a run's data under ``pictures``.

    Attributes:
        count: how many pictures.
        digest: of their pixels, in order; where they lie and what they are called does not count.
        labels: digest of their labels; None for a run without.
        trained_on: what the card says of them.
    """

    count: int
    digest: str
    labels: str | None
    trained_on: str

    @classmethod
    def of(cls, cache: PictureCache, labels: Tensor | None, trained_on: str | None = None) -> "RunData":
        """The data of a run that begins; by default its card says how many pictures there are, and the name of their folder."""
        pixels = hashlib.blake2b(digest_size=16)
        for start in range(0, len(cache.pictures), _CHUNK):
            pixels.update(cache.pictures[start : start + _CHUNK].tobytes())
        known = None if labels is None else hashlib.blake2b(labels.numpy().tobytes(), digest_size=16).hexdigest()
        plain = f"{len(cache.names):,} pictures from '{printable(Path(cache.path).stem)}'"
        return cls(len(cache.names), pixels.hexdigest(), known, trained_on or plain)

    def saved(self) -> dict:
        """For options.json."""
        return {"pictures": asdict(self)}


def went_on(now: RunData, before: dict | None, card: str | None, given: str | None) -> tuple[RunData, str | None]:
    """The data of a run that goes on, and a sentence if they are others than before.

    Args:
        now: the data as ``RunData.of`` finds them.
        before: what options.json kept; None in a run of an earlier version.
        card: what the card of the run's checkpoint says; None if there is no checkpoint yet.
        given: what the card is to say; by default what it said, and the new pictures if they are others.
    """
    earlier = (before or {}).get("trained_on") or card
    changed = before is not None and before["digest"] != now.digest
    if given or not earlier:
        trained_on = given or now.trained_on
    else:
        trained_on = f"{earlier}, then {now.trained_on}" if changed else earlier
    sentence = None
    if changed:
        sentence = f"The pictures have changed: {before['count']:,} before, {now.count:,} now; the run goes on with these."
    elif before is not None and before["labels"] != now.labels:
        sentence = "The labels have changed; the run goes on with these."
    return RunData(now.count, now.digest, now.labels, trained_on), sentence


def require_present(folder: Path, **paths: str | Path | None) -> None:
    """Raise AnimeGenError if one of the paths that the run in ``folder`` reads, by the name of its flag, is not there."""
    for flag, path in paths.items():
        if path is not None and not Path(path).expanduser().exists():
            raise AnimeGenError(
                f"The run in '{folder}' reads '{path}', which does not exist; say where it is now with --{flag}."
            )

"""Blind votes between faces: where they are kept, and how strong they say that each contestant is.

Nothing is known of who voted: a vote is two faces, in which order they were shown, what was chosen, and when.
"""

import csv
import io
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from animegen_core.errors import AnimeGenError, quote

if TYPE_CHECKING:
    from animegen_core.evaluation.intervals import Interval

OUTCOMES = ("left", "right", "skip")
_COLUMNS = ("ballot", "left_name", "left_seed", "right_name", "right_seed", "outcome", "voted_at")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS votes (
    ballot TEXT PRIMARY KEY,    -- a random name of the pair that was shown: it can be voted on once
    left_name TEXT NOT NULL,    -- checkpoint, or set of pictures
    left_seed INTEGER NOT NULL, -- or the picture's number in its set
    right_name TEXT NOT NULL,
    right_seed INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('left', 'right', 'skip')),
    voted_at TEXT NOT NULL      -- UTC, to the second
)
"""
_PATIENCE = 10.0  # seconds for which a vote waits while another one is written
_STEPS, _CLOSE = 10_000, 1e-10  # of the fit: the most, and the change of a score at which it has arrived


@dataclass(frozen=True)
class Shown:
    """A face that was shown.

    Attributes:
        name: the contestant: a checkpoint, or a set of pictures.
        seed: the face's, or the picture's number in its set.
    """

    name: str
    seed: int


@dataclass(frozen=True)
class Standing:
    """What the votes say of one contestant.

    Attributes:
        score: log strength; 0 is the mean of all contestants. One whose score is higher by 1 wins 73 % of the votes
            between the two. With its 95 % interval.
        won, votes: how often it was preferred, out of how many votes that were not skipped.
    """

    name: str
    score: "Interval"
    won: int
    votes: int


class VoteBook:
    """Votes in an SQLite file, which several threads and processes may use at once.

    Args:
        path: the file; made if missing. Two more lie beside it while it is in use.

    Raises:
        AnimeGenError: it cannot be written, or is no such file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # who reads does not wait for who writes
            connection.execute(_SCHEMA)
            connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM votes LIMIT 1")  # a table of that name may be another

    def add(self, ballot: str, left: Shown, right: Shown, outcome: str) -> bool:
        """Write one vote and say whether it counted: a second one on the same ballot does not.

        Args:
            ballot: a random name of this showing of the pair.
            left, right: what was shown where.
            outcome: one of ``OUTCOMES``.

        Raises:
            AnimeGenError: there is no such outcome, or the file cannot be written.
        """
        if outcome not in OUTCOMES:
            raise AnimeGenError(f"The vote is {quote(outcome)}, but must be one of: {', '.join(OUTCOMES)}.")
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        row = (ballot, left.name, left.seed, right.name, right.seed, outcome, now)
        with self._open() as connection:
            places = ", ".join("?" * len(row))
            written = connection.execute(f"INSERT OR IGNORE INTO votes ({', '.join(_COLUMNS)}) VALUES ({places})", row)
            return written.rowcount == 1

    def duels(self) -> list[tuple[str, str, int]]:
        """Winner, loser and number of votes; skipped pairs are left out."""
        query = """
            SELECT CASE outcome WHEN 'left' THEN left_name ELSE right_name END AS winner,
                   CASE outcome WHEN 'left' THEN right_name ELSE left_name END AS loser,
                   COUNT(*)
            FROM votes WHERE outcome != 'skip' GROUP BY winner, loser ORDER BY winner, loser
        """
        with self._open() as connection:
            return connection.execute(query).fetchall()

    def to_csv(self) -> str:
        """All votes, the oldest first, under a line with the columns' names."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_COLUMNS)
        with self._open() as connection:
            writer.writerows(connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM votes ORDER BY rowid"))
        return stream.getvalue()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one short transaction, of the calling thread's own."""
        try:
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise AnimeGenError(f"Votes cannot be kept in '{self.path}': {error}.") from error


def standings(duels: Sequence[tuple[str, str, int]]) -> list[Standing]:
    """Bradley-Terry scores of all contestants in ``duels``, the strongest first.

    Args:
        duels: winner, loser and number of votes, each pair at most once in each order (see ``VoteBook.duels``).
    """
    if not duels:
        return []
    from animegen_core.evaluation.intervals import Interval  # evaluation is slow to import

    names = sorted({name for duel in duels for name in duel[:2]})
    wins = np.zeros((len(names), len(names)))  # [i, j]: how often i was preferred to j
    for winner, loser, votes in duels:
        wins[names.index(winner), names.index(loser)] += votes
    scores, errors = bradley_terry(wins)
    won, votes = wins.sum(1).astype(int), (wins + wins.T).sum(1).astype(int)
    found = [
        Standing(name, Interval.around(float(scores[i]), float(errors[i])), int(won[i]), int(votes[i]))
        for i, name in enumerate(names)
    ]
    return sorted(found, key=lambda standing: -standing.score.value)


def bradley_terry(wins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log strengths under which the wins are most likely, and their standard errors.

    Under the model of Bradley and Terry (1952) i is preferred to j with probability p_i / (p_i + p_j). The strengths are found
    by the MM algorithm (Hunter 2004, eq. 3): p_i <- W_i / sum_j n_ij / (p_i + p_j). Each pair is given one more vote, half
    to each side, as a contestant who never lost would be infinitely strong. The errors come from the observed information in
    log p, of which only differences are known: hence its pseudo-inverse, and scores of mean 0.

    Args:
        wins: (K, K) of K > 1 contestants, how often i was preferred to j; the diagonal does not matter.

    Returns:
        Scores (K,) of mean 0, and standard errors (K,) of them.
    """
    count = len(wins)
    wins = np.where(np.eye(count, dtype=bool), 0.0, wins + 0.5)
    shown, won = wins + wins.T, wins.sum(1)
    scores = np.zeros(count)
    for _ in range(_STEPS):
        strength = np.exp(scores)
        found = np.log(won / (shown / np.add.outer(strength, strength)).sum(1))
        found -= found.mean()
        arrived = np.abs(found - scores).max() < _CLOSE
        scores = found
        if arrived:
            break
    chance = 1 / (1 + np.exp(np.subtract.outer(scores, scores)))  # [i, j]: that j is preferred to i
    information = -shown * chance * (1 - chance)
    np.fill_diagonal(information, -information.sum(1))
    return scores, np.sqrt(np.diag(np.linalg.pinv(information)).clip(0))

"""Blind votes between faces: storage and Bradley-Terry scores.

A vote has two faces in the order shown, the choice and the time. Nothing about the voter is stored.
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
    ballot TEXT PRIMARY KEY,    -- a random id of the pair; it can be voted on once
    left_name TEXT NOT NULL,    -- checkpoint, or set of images
    left_seed INTEGER NOT NULL, -- or the image's number in its set
    right_name TEXT NOT NULL,
    right_seed INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('left', 'right', 'skip')),
    voted_at TEXT NOT NULL      -- UTC, to the second
)
"""
_PATIENCE = 10.0  # seconds that a vote waits while another one is written
_STEPS, _CLOSE = 10_000, 1e-10  # of the fit: maximum number of steps, and the change of scores at which it has converged


@dataclass(frozen=True)
class VotedFace:
    """A face in a vote.

    Attributes:
        name: the contestant: a checkpoint, or a set of images.
        seed: of the face, or the image's number in its set.
    """

    name: str
    seed: int


@dataclass(frozen=True)
class Standing:
    """The result of one contestant.

    Attributes:
        score: log strength with its 95 % interval; the mean of all contestants is 0. A contestant whose score is higher by
            1 wins 73 % of the votes between the two.
        won, votes: number of votes won, and number of votes that were not skipped.
    """

    name: str
    score: "Interval"
    won: int
    votes: int


class VoteBook:
    """Votes in an SQLite file. Several threads and processes may use it at once.

    Args:
        path: the file, created if missing. SQLite has two more files beside it while it is in use.

    Raises:
        AnimeGenError: it cannot be written, or is not a file of votes.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for writers
            connection.execute(_SCHEMA)
            connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM votes LIMIT 1")  # raises if the table has other columns

    def add(self, ballot: str, left: VotedFace, right: VotedFace, outcome: str) -> bool:
        """Save a vote and return whether it counts; a second vote on the same ballot does not.

        Args:
            ballot: the random id of the pair.
            left, right: the two faces.
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
        """Winner, loser and number of votes of each pair; skipped votes are left out."""
        query = """
            SELECT CASE outcome WHEN 'left' THEN left_name ELSE right_name END AS winner,
                   CASE outcome WHEN 'left' THEN right_name ELSE left_name END AS loser,
                   COUNT(*)
            FROM votes WHERE outcome != 'skip' GROUP BY winner, loser ORDER BY winner, loser
        """
        with self._open() as connection:
            return connection.execute(query).fetchall()

    def to_csv(self) -> str:
        """All votes as CSV with a header, oldest first."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_COLUMNS)
        with self._open() as connection:
            writer.writerows(connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM votes ORDER BY rowid"))
        return stream.getvalue()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one short transaction of the calling thread."""
        try:
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise AnimeGenError(f"Votes cannot be saved in '{self.path}': {error}.") from error


def standings(duels: Sequence[tuple[str, str, int]]) -> list[Standing]:
    """Bradley-Terry scores of all contestants in ``duels``, strongest first.

    Args:
        duels: winner, loser and number of votes, each pair at most once in each order (see ``VoteBook.duels``).
    """
    if not duels:
        return []
    from animegen_core.evaluation.intervals import Interval  # evaluation is slow to import

    names = sorted({name for duel in duels for name in duel[:2]})
    wins = np.zeros((len(names), len(names)))  # [i, j]: how often i won against j
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
    """Maximum-likelihood log strengths and their standard errors.

    In the model of Bradley and Terry (1952) i wins against j with probability p_i / (p_i + p_j). The MM algorithm (Hunter
    2004, eq. 3) finds the strengths: p_i <- W_i / sum_j n_ij / (p_i + p_j). Each pair gets one extra vote, half for each side,
    because a contestant that never lost would be infinitely strong. Standard errors come from the pseudo-inverse of the
    observed information in log p, because only differences of scores are determined; their mean is set to 0.

    Args:
        wins: (K, K) with K > 1, how often i won against j; the diagonal is ignored.

    Returns:
        Scores (K,) of mean 0, and their standard errors (K,).
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
    chance = 1 / (1 + np.exp(np.subtract.outer(scores, scores)))  # [i, j]: probability that j wins against i
    information = -shown * chance * (1 - chance)
    np.fill_diagonal(information, -information.sum(1))
    return scores, np.sqrt(np.diag(np.linalg.pinv(information)).clip(0))

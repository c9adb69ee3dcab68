"""Blind votes: kept once each however many vote at a time, and turned into strengths that are right as often as they say."""

import csv
import io
import itertools
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from animegen_core.errors import AnimeGenError
from animegen_core.ui.votes import VoteBook, VotedFace, bradley_terry, standings

LEFT, RIGHT = VotedFace("dcgan", 4294967295), VotedFace('a "strange", name', 7)


@pytest.fixture
def book(tmp_path):
    return VoteBook(tmp_path / "votes.sqlite")


def cast(strengths, votes, seed):
    """Wins (K, K) of contestants of known log strengths, with so many votes for each pair."""
    random, wins = np.random.RandomState(seed), np.zeros((len(strengths), len(strengths)))
    for i, j in itertools.combinations(range(len(strengths)), 2):
        wins[i, j] = random.binomial(votes, 1 / (1 + np.exp(strengths[j] - strengths[i])))
        wins[j, i] = votes - wins[i, j]
    return wins


def test_votes_are_counted_for_who_was_chosen_whichever_side_it_stood_on(book):
    for number, (left, right, outcome) in enumerate(
        [(LEFT, RIGHT, "left"), (RIGHT, LEFT, "right"), (RIGHT, LEFT, "left"), (LEFT, RIGHT, "skip")]
    ):
        assert book.add(str(number), left, right, outcome)
    assert book.duels() == [(RIGHT.name, LEFT.name, 1), (LEFT.name, RIGHT.name, 2)]


def test_a_pair_is_voted_on_once(book):
    assert book.add("same", LEFT, RIGHT, "left")
    assert not book.add("same", LEFT, RIGHT, "right")
    assert book.duels() == [("dcgan", RIGHT.name, 1)]


def test_the_table_holds_what_was_shown_and_nothing_of_who_voted(book):
    book.add("abc", LEFT, RIGHT, "skip")
    book.add("abd", RIGHT, LEFT, "left")
    first, second = csv.DictReader(io.StringIO(book.to_csv()))
    assert first.pop("voted_at").endswith("+00:00")
    assert first == {
        "ballot": "abc", "left_name": "dcgan", "left_seed": "4294967295", "right_name": RIGHT.name, "right_seed": "7",
        "outcome": "skip",
    }  # fmt: skip
    assert second["left_name"] == RIGHT.name


def test_several_visitors_vote_at_the_same_moment(book):
    VoteBook(book.path)  # opened again, as by another process: nothing is lost

    def visitor(number):
        own = VoteBook(book.path)
        for vote in range(20):
            own.add(f"{number}-{vote}", LEFT, RIGHT, "left")
            own.duels()

    with ThreadPoolExecutor(8) as visitors:
        list(visitors.map(visitor, range(8)))
    assert book.duels() == [("dcgan", RIGHT.name, 160)]
    with sqlite3.connect(book.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_cannot_be_a_vote_or_a_file_of_votes_is_one_sentence(book, tmp_path):
    with pytest.raises(AnimeGenError, match="The vote is 'both', but must be one of: left, right, skip"):
        book.add("abc", LEFT, RIGHT, "both")
    (tmp_path / "text").write_text("no database, though it is long enough to look like one" * 40)
    with pytest.raises(AnimeGenError, match=r"Votes cannot be saved in '.*text': file is not a database"):
        VoteBook(tmp_path / "text")
    with pytest.raises(AnimeGenError, match="Votes cannot be saved in"):
        VoteBook(tmp_path / "no such folder" / "votes")
    with sqlite3.connect(tmp_path / "other") as connection:
        connection.execute("CREATE TABLE votes (party TEXT)")
    with pytest.raises(AnimeGenError, match="no such column"):
        VoteBook(tmp_path / "other")


def test_known_strengths_are_found_again():
    strengths = np.array([1.5, 0.5, -0.25, -1.75])
    scores, errors = bradley_terry(cast(strengths, 20_000, 0))
    np.testing.assert_allclose(scores, strengths, atol=0.05)
    assert (errors < 0.02).all()


def test_the_scores_expect_as_many_wins_as_there_were():
    wins = cast(np.array([1.0, 0.2, 0.0, -2.0]), 30, 1)
    scores, _ = bradley_terry(wins)
    counted = wins + 0.5 * (1 - np.eye(4))
    chance = 1 / (1 + np.exp(np.subtract.outer(scores, scores).T))
    np.testing.assert_allclose(((counted + counted.T) * chance).sum(1), counted.sum(1), rtol=1e-6)
    assert scores.mean() == pytest.approx(0, abs=1e-9)


def test_intervals_hold_the_truth_as_often_as_they_say():
    strengths = np.array([0.8, 0.1, -0.2, -0.7])
    held = []
    for seed in range(300):
        scores, errors = bradley_terry(cast(strengths, 40, seed))
        held += list(np.abs(scores - strengths) < 1.96 * errors)
    assert 0.93 < np.mean(held) < 0.97


def test_of_two_the_error_is_that_of_the_log_odds():
    """The variance of log odds is 1/a + 1/b; each score is half of them."""
    scores, errors = bradley_terry(np.array([[0, 30], [10, 0]]))
    assert scores[0] - scores[1] == pytest.approx(np.log(30.5 / 10.5))
    assert errors == pytest.approx(np.sqrt(1 / 30.5 + 1 / 10.5) / 2)


def test_who_never_lost_is_strong_but_not_infinitely_and_less_certain():
    few, many = (standings([("best", "other", votes), ("other", "third", votes)]) for votes in (3, 30))
    assert [one.name for one in few] == [one.name for one in many] == ["best", "other", "third"]
    assert few[0].score.value < many[0].score.value < 10
    width = [found[1].score.high - found[1].score.low for found in (few, many)]
    assert 0 < width[1] < width[0]
    assert [(one.won, one.votes) for one in few] == [(3, 3), (3, 6), (0, 3)]


def test_without_votes_nobody_stands():
    assert standings([]) == []

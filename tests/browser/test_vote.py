"""The Vote tab, in an app of its own: blind before the vote, told after it, one vote for one pair."""

import contextlib
import csv
import io
import random
import re
import sqlite3
from types import SimpleNamespace

import gradio as gr
import pytest
from playwright.sync_api import expect
from steps import download

from animegen_core.errors import AnimeGenError
from animegen_core.ui import launch_options
from animegen_core.ui.vote import Booth, VoteTab
from animegen_core.ui.votes import VoteBook, VotedFace


@pytest.fixture(scope="session")
def rivals(family_checkpoints):
    """Two checkpoints of other sizes, and no bundled one."""
    from animegen_core.studio import Studio

    two = {name: Studio.load(family_checkpoints[name], "cpu") for name in ("dcgan", "stylegan2")}
    named = {studio.checkpoint.name: studio for studio in two.values()}
    return SimpleNamespace(names=list(named), get=named.__getitem__)


@pytest.fixture(scope="module")
def file_of_votes(tmp_path_factory):
    return tmp_path_factory.mktemp("votes") / "votes.sqlite"


@pytest.fixture
def book(file_of_votes):
    """The votes of the app, of which there are none yet."""
    book = VoteBook(file_of_votes)
    with contextlib.closing(sqlite3.connect(file_of_votes)) as connection, connection:
        connection.execute("DELETE FROM votes")
    return book


@pytest.fixture(scope="module")
def vote_url(rivals, file_of_votes, draw, tmp_path_factory):
    """The address of an app that has the Vote tab and another one."""
    pictures = tmp_path_factory.mktemp("real") / "pictures"
    pictures.mkdir()
    for seed in range(12):
        draw(seed, (24 + seed, 30)).save(pictures / f"{seed:02d}.png")
    with gr.Blocks() as demo:
        with gr.Tabs():
            gr.Tab("Other")
            item = gr.Tab("Vote", id="vote")
        with item:
            VoteTab(SimpleNamespace(studios=rivals, tab_items={"vote": item}), file_of_votes, pictures)
    _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options())
    yield url
    demo.close()


@pytest.fixture
def voter(vote_url, book, browser):
    """A page on which the Vote tab is open; no script may fail."""
    context, problems = browser.new_context(), []
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(vote_url)
    page.get_by_role("tab", name="Vote").click()
    expect(page.locator("#vote-pair img")).to_have_count(2)
    yield page
    context.close()
    assert not problems


def ballot(page):
    return page.locator("#vote-pair .root").get_attribute("data-ballot")


def votes(book):
    return list(csv.DictReader(io.StringIO(book.to_csv())))


def after(page, act):
    """Do something that brings the next pair."""
    before = ballot(page)
    act()
    expect(page.locator("#vote-pair .root")).not_to_have_attribute("data-ballot", before)
    return before


def test_it_is_blind_before_the_vote_and_tells_after_it(voter, book, rivals):
    assert votes(book) == []
    contestants = [*rivals.names, "pictures of pictures"]
    shown = voter.locator("#vote-pair").inner_html()
    assert not any(name in shown for name in contestants)
    sizes = voter.locator("#vote-pair img").evaluate_all("all => all.map(i => [i.naturalWidth, i.naturalHeight])")
    assert sizes == [[256, 256]] * 2
    first = after(voter, voter.locator("#vote-pair .left").click)
    (vote,) = votes(book)
    assert (vote["ballot"], vote["outcome"]) == (first, "left")
    assert vote["left_name"] != vote["right_name"] and {vote["left_name"], vote["right_name"]} < set(contestants)
    told = voter.locator("#vote-pair p")
    expect(told).to_have_text(
        f"Left was {vote['left_name']}, number {vote['left_seed']}; "
        f"right was {vote['right_name']}, number {vote['right_seed']}."
    )
    expect(voter.locator("#vote-results")).to_contain_text("Results appear after 20 votes; there are 1.")


@pytest.fixture
def tab(rivals, pictures, tmp_path):
    """The tab without a page."""
    with gr.Blocks(), gr.Tab("Vote") as item:
        return VoteTab(SimpleNamespace(studios=rivals, tab_items={"vote": item}), tmp_path / "mine.sqlite", pictures)


def test_the_page_is_handed_no_name_with_a_pair(tab):
    ballot, value, _ = tab.open(None)
    assert value.keys() == {"ballot", "left", "right", "answer", "progress"}
    assert value["ballot"] == ballot.id and value["answer"] == value["progress"] == ""


def test_a_vote_meant_for_another_pair_does_not_count(tab):
    first, *_ = tab.open(None)
    second, *_ = tab.vote(SimpleNamespace(ballot=first.id, outcome="left"), first)
    tab.vote(SimpleNamespace(ballot=first.id, outcome="left"), second)  # a click that came late
    tab.vote(SimpleNamespace(ballot=first.id, outcome="right"), first)  # one that came at the same moment
    tab.vote(SimpleNamespace(), second)  # something else than the page
    assert [(vote["ballot"], vote["outcome"]) for vote in votes(tab.book)] == [(first.id, "left")]
    with pytest.raises(gr.Error, match="must be one of: left, right, skip"):
        tab.vote(SimpleNamespace(ballot=second.id, outcome="both"), second)


def test_no_file_is_made_before_the_tab_is_opened(tab):
    assert not tab.votes.exists()
    tab.open(None)
    assert tab.votes.exists()


def test_keys_vote_too(voter, book):
    for key in ("1", "2", "3", "ArrowLeft", "ArrowRight", "ArrowDown"):
        after(voter, lambda key=key: voter.keyboard.press(key))
    assert [vote["outcome"] for vote in votes(book)] == ["left", "right", "skip"] * 2


def test_a_hasty_second_click_is_not_a_vote_on_a_pair_nobody_saw(voter, book):
    twice = "() => { const b = document.querySelector('#vote-pair .right'); b.click(); b.click(); }"
    after(voter, lambda: voter.evaluate(twice))
    voter.wait_for_timeout(300)
    assert len(votes(book)) == 1


def test_the_pair_waits_when_the_visitor_comes_back(voter):
    waiting = ballot(voter)
    voter.get_by_role("tab", name="Other").click()
    voter.get_by_role("tab", name="Vote").click()
    expect(voter.locator("#vote-pair .root")).to_have_attribute("data-ballot", waiting)


def test_results_and_the_file_of_votes(voter, book, tmp_path):
    for number in range(19):
        book.add(str(number), VotedFace("tiny-dcgan", 1), VotedFace("tiny-stylegan2", 2), "right")
    while len(votes(book)) < 25:
        after(voter, lambda: voter.keyboard.press("1"))
    expect(voter.locator("#vote-results td").first).to_have_text(re.compile("tiny-stylegan2|pictures of pictures"))
    expect(voter.locator("#vote-results")).to_contain_text("25 votes")
    saved = download(voter, "vote-download", tmp_path)
    assert saved.name == "votes.csv" and saved.read_text() == book.to_csv()


def test_chance_is_fair_to_contestants_and_sides(rivals, pictures):
    booth = Booth(rivals, pictures, random.Random(0))
    booth._face = lambda name, resolution, chance: (VotedFace(str(name), 0), None)
    pairs = [(one.left.name, one.right.name) for one, *_ in (booth.next() for _ in range(600))]
    counts = [pairs.count(pair) for pair in set(pairs)]
    assert len(counts) == 6 and min(counts) > 70  # of 100 on average


def test_a_real_picture_comes_in_the_size_of_the_checkpoint_beside_it(rivals, pictures):
    (pictures / "notes.txt").write_text("no picture")
    booth, chance = Booth(rivals, pictures), random.Random(0)
    fine, coarse = (booth._real(side, chance)[1].size for side in (64, 32))
    assert (fine, coarse) == ((64, 64), (32, 32))
    for path in pictures.glob("*.png"):
        path.write_bytes(b"damaged")
    with pytest.raises(AnimeGenError, match="20 files of 'pictures' were tried, and none is a readable image"):
        booth._real(64, chance)


def test_a_test_of_some_pairs_shows_every_visitor_the_same_ones_and_ends(rivals, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("ANIMEGEN_VOTE_CHECKPOINTS", "tiny-dcgan")
    monkeypatch.setenv("ANIMEGEN_VOTE_PAIRS", "3")
    seen = []
    for visitor in range(2):
        with gr.Blocks(), gr.Tab("Vote") as item:
            tab = VoteTab(SimpleNamespace(studios=rivals, tab_items={"vote": item}), tmp_path / f"{visitor}.sqlite", pictures)
        ballot, value, _ = tab.open(None)
        progress, pairs = [], []
        while ballot is not None:
            progress.append(value["progress"])
            pairs.append((value["left"], value["right"]))
            ballot, value, said = tab.vote(SimpleNamespace(ballot=ballot.id, outcome="left"), ballot)
        assert progress == ["Pair 1 of 3", "Pair 2 of 3", "Pair 3 of 3"]
        assert value is None and "the last of 3 pairs" in said and said.startswith("Left was ")
        assert {vote[side] for vote in votes(tab.book) for side in ("left_name", "right_name")} == {
            "tiny-dcgan",
            "pictures of pictures",
        }
        seen.append(pairs)
    assert seen[0] == seen[1] and len(set(seen[0])) == 3


@pytest.mark.parametrize(("variable", "value"), [("PAIRS", "0"), ("PAIRS", "many"), ("CHECKPOINTS", "tiny-dcgan,nobody")])
def test_a_vote_that_cannot_be_is_refused_at_the_start(rivals, tmp_path, monkeypatch, variable, value):
    monkeypatch.setenv(f"ANIMEGEN_VOTE_{variable}", value)
    with pytest.raises((AnimeGenError, KeyError)), gr.Blocks(), gr.Tab("Vote") as item:
        VoteTab(SimpleNamespace(studios=rivals, tab_items={"vote": item}), tmp_path / "votes.sqlite")


def test_one_contestant_has_nobody_to_be_compared_with(rivals):
    alone = SimpleNamespace(studios=SimpleNamespace(names=rivals.names[:1], get=rivals.get))
    with gr.Blocks() as demo:
        VoteTab(alone)
    assert [block.elem_id for block in demo.blocks.values() if isinstance(block, gr.Markdown)] == ["vote-none"]

"""The Vote tab: a blind test of which of two faces is better.

``ANIMEGEN_VOTES`` is the file of the votes, and ``ANIMEGEN_VOTE_PICTURES`` a folder or zip of real images that take part like
those of a checkpoint. ``ANIMEGEN_VOTE_CHECKPOINTS`` names the checkpoints that take part, with commas; by default all.
``ANIMEGEN_VOTE_PAIRS`` is a number of pairs, the same for every visitor; by default pairs are random and endless.
"""

import os
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from animegen_core.character import Character
from animegen_core.data.sources import decode, find_pictures
from animegen_core.errors import AnimeGenError
from animegen_core.latents import MAX_SEED
from animegen_core.ui.components import asset
from animegen_core.ui.downloads import LazyDownload
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.page import Page
from animegen_core.ui.pictures import data_url, keep_file
from animegen_core.ui.settings import whole_number
from animegen_core.ui.studios import Studios
from animegen_core.ui.votes import Standing, VoteBook, VotedFace, standings

_SIDE = 256  # px; all faces have one size, so that it reveals nothing
_TRIES = 20  # files to try until one is readable
_LEAST_VOTES = 20  # fewer votes give no meaningful table
_PAIRS = (1, 1000)
_HEAD = ("contestant", "score, 95 % interval", "preferred")


@dataclass(frozen=True)
class Ballot:
    """A pair to vote on. The page gets its id and the two images, but not their origin."""

    id: str
    left: VotedFace
    right: VotedFace
    number: int = 0  # of the visitor's pairs, from 0

    @property
    def answer(self) -> str:
        """The origin of both faces, shown after the vote."""
        sides = (("Left", self.left), ("right", self.right))
        return "; ".join(f"{side} was {shown.name}, number {shown.seed}" for side, shown in sides) + "."


class Booth:
    """Draws random pairs: two contestants in random order, and a random face of each.

    Checkpoints draw at their usual creativity. All faces are enlarged to one size in the same way; a real image is first
    reduced to the size of the other contestant's checkpoint.

    Args:
        studios: the checkpoints.
        pictures: folder or zip of real images that take part, or None.
        chance: source of all random choices; by default unpredictable.
        checkpoints: those that take part; by default all.
        pairs: number of pairs, equal for every visitor; None means endless random pairs.

    Attributes:
        contestants: names of checkpoints; None means the real images.

    Raises:
        AnimeGenError: the images or a checkpoint do not exist.
    """

    def __init__(
        self,
        studios: Studios,
        pictures: str | Path | None = None,
        chance: random.Random | None = None,
        checkpoints: Sequence[str] = (),
        pairs: int | None = None,
    ) -> None:
        for name in checkpoints:
            studios.get(name)  # raises if there is none
        self.studios, self.pairs = studios, pairs
        self.source = find_pictures(pictures) if pictures else None
        self.chance = chance or random.SystemRandom()
        self.contestants = [*(checkpoints or studios.names), *([None] if self.source else [])]

    def next(self, number: int = 0) -> tuple[Ballot, Image.Image, Image.Image]:
        """A new pair and its two images.

        Args:
            number: of the visitor's pairs, from 0.

        Raises:
            AnimeGenError: a checkpoint is damaged, or hardly any file is a readable image.
        """
        chance = self.chance if self.pairs is None else random.Random(number)
        names = chance.sample(self.contestants, 2)
        resolution = min(self.studios.get(name).checkpoint.generator.resolution for name in names if name is not None)
        (left, left_face), (right, right_face) = (self._face(name, resolution, chance) for name in names)
        return Ballot(secrets.token_hex(8), left, right, number), left_face, right_face

    def _face(self, name: str | None, resolution: int, chance: random.Random) -> tuple[VotedFace, Image.Image]:
        if name is None:
            shown, face = self._real(resolution, chance)
        else:
            studio, seed = self.studios.get(name), chance.randint(0, MAX_SEED)
            shown, face = VotedFace(name, seed), studio.render(Character(seed, psi=studio.usual_psi))
        return shown, face.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)

    def _real(self, resolution: int, chance: random.Random) -> tuple[VotedFace, Image.Image]:
        for _ in range(_TRIES):
            number = chance.randrange(len(self.source.names))
            try:
                array = decode(self.source.read(self.source.names[number]), resolution)
            except Exception:  # decoders raise all kinds of errors on damaged files
                continue
            return VotedFace(f"pictures of {self.source.path.stem}", number), Image.fromarray(array)
        raise AnimeGenError(f"{_TRIES} files of '{self.source.path.name}' were tried, and none is a readable image.")


class VoteTab:
    """Builds the tab inside the current Blocks.

    Args:
        page: the common parts of the page.
        votes: the file of the votes; by default ``$ANIMEGEN_VOTES``, or votes.sqlite in the current folder.
        pictures: real images that take part; by default ``$ANIMEGEN_VOTE_PICTURES``, or none.

    Raises:
        AnimeGenError: the images or a checkpoint do not exist, or ``$ANIMEGEN_VOTE_PAIRS`` is not a number.
    """

    def __init__(self, page: Page, votes: str | Path | None = None, pictures: str | Path | None = None) -> None:
        pictures = pictures or os.environ.get("ANIMEGEN_VOTE_PICTURES")
        self.booth = Booth(page.studios, pictures, checkpoints=_checkpoints(), pairs=_pairs())
        if len(self.booth.contestants) < 2:
            gr.Markdown("Voting needs two checkpoints, or one and `ANIMEGEN_VOTE_PICTURES`.", elem_id="vote-none")
            return
        self.votes = votes or os.environ.get("ANIMEGEN_VOTES") or "votes.sqlite"
        self.ballot = gr.State(None)
        self.pair = gr.HTML(
            None,
            html_template="<div class='root'></div>",
            css_template=asset("vote.css"),
            js_on_load=asset("vote.js"),
            apply_default_css=False,
            elem_id="vote-pair",
        )
        self.results = gr.Markdown(elem_id="vote-results")
        self.download = LazyDownload("Download all votes (CSV)", "vote-download")
        outputs = [self.ballot, self.pair, self.results]
        options = dict(api_visibility="private", show_progress="hidden")
        page.tab_items["vote"].select(self.open, self.ballot, outputs, **options)
        self.pair.choose(self.vote, self.ballot, outputs, **options)
        self.download.makes(self.export, [])

    @cached_property
    def book(self) -> VoteBook:
        """The stored votes; the file is created when somebody opens the tab."""
        return VoteBook(self.votes)

    @shows_errors
    def open(self, ballot: Ballot | None) -> tuple:
        """The current pair, or a first one."""
        if ballot is None:
            return self._next()
        return gr.skip(), gr.skip(), self._table()

    @shows_errors
    def vote(self, event: gr.EventData, ballot: Ballot | None) -> tuple:
        """Save the vote, reveal the origin of both faces, and show the next pair."""
        if ballot is None:  # the page is older than this session, so its pair is unknown
            return self._next()
        if getattr(event, "ballot", None) != ballot.id:  # a second click on the previous pair
            return gr.skip(), gr.skip(), gr.skip()
        self.book.add(ballot.id, ballot.left, ballot.right, getattr(event, "outcome", None))
        return self._next(ballot.number + 1, ballot.answer)

    @shows_errors
    def export(self) -> str:
        """All votes as a file."""
        return keep_file(self.book.to_csv().encode(), "votes.csv", self.pair.GRADIO_CACHE)

    def _next(self, number: int = 0, answer: str = "") -> tuple[Ballot | None, dict[str, Any] | None, str]:
        pairs = self.booth.pairs
        if pairs is not None and number >= pairs:
            return None, None, f"{answer}\n\nThat was the last of {pairs} pairs. Thank you.\n\n{self._table()}"
        ballot, left, right = self.booth.next(number)
        progress = "" if pairs is None else f"Pair {number + 1} of {pairs}"
        value = {"ballot": ballot.id, "left": data_url(left), "right": data_url(right), "answer": answer, "progress": progress}
        return ballot, value, self._table()

    def _table(self) -> str:
        """The results as Markdown."""
        duels = self.book.duels()
        votes = sum(duel[2] for duel in duels)
        if votes < _LEAST_VOTES:
            return f"Results appear after {_LEAST_VOTES} votes; there are {votes}."
        from animegen_core.evaluation.results import markdown_table  # evaluation is slow to import

        rows = [(f"`{one.name}`", _score(one), f"{one.won:,} of {one.votes:,}") for one in standings(duels)]
        note = "A contestant whose score is higher by 1 wins 73 % of the votes between the two (Bradley and Terry)."
        return f"{markdown_table(_HEAD, rows)}\n\n{votes:,} votes. {note}"


def _checkpoints() -> list[str]:
    """The names in ``$ANIMEGEN_VOTE_CHECKPOINTS``."""
    return [name.strip() for name in os.environ.get("ANIMEGEN_VOTE_CHECKPOINTS", "").split(",") if name.strip()]


def _pairs() -> int | None:
    """The number in ``$ANIMEGEN_VOTE_PAIRS``."""
    text = os.environ.get("ANIMEGEN_VOTE_PAIRS", "").strip()
    return whole_number("ANIMEGEN_VOTE_PAIRS", text, *_PAIRS) if text else None


def _score(standing: Standing) -> str:
    score = standing.score
    return f"{score.value:+.2f} ({score.low:+.2f} to {score.high:+.2f})"

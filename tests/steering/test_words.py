# ruff: noqa: RUF001 - Chinese has commas of its own
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animegen_core import AnimeGenError, Character
from animegen_core.steering.words import MOST_TEXT, read_words

SLIDERS = (
    "face size",
    "turn",
    "eye size",
    "eyes open",
    "mouth",
    "hair length",
    "blush",
    "saturation",
    "lightness",
    "sharpness",
)

PHRASES = [  # words, hair, eyes, sliders
    ("pink hair", "pink", None, {}),
    ("Pink Hair", "pink", None, {}),
    ("green eyes", None, "green", {}),
    ("pink hair, green eyes", "pink", "green", {}),
    ("pink hair and green eyes", "pink", "green", {}),
    ("a girl with pink hair and green eyes", "pink", "green", {}),
    ("pink-haired", "pink", None, {}),
    ("blue-eyed girl", None, "blue", {}),
    ("hair is pink", "pink", None, {}),
    ("eyes: red, hair: black", "black", "red", {}),
    ("blonde", "blonde", None, {}),
    ("golden hair, golden eyes", "blonde", "yellow", {}),
    ("silver hair", "gray", None, {}),
    ("grey eyes", None, "gray", {}),
    ("redhead", "red", None, {}),
    ("brunette, hazel eyes", "brown", "brown", {}),
    ("turquoise hair", "aqua", None, {}),
    ("violet eyes", None, "purple", {}),
    ("crimson eyes; navy hair", "blue", "red", {}),
    ("ginger hair", "orange", None, {}),
    ("yellow hair", "blonde", None, {}),
    ("emerald eyes", None, "green", {}),
    ("purpel hair", "purple", None, {}),  # exchanged
    ("purle hair", "purple", None, {}),  # missing
    ("orangge hair", "orange", None, {}),  # extra
    ("grean eyes", None, "green", {}),  # wrong
    ("long hair", None, None, {"hair length": 0.6}),
    ("very long hair", None, None, {"hair length": 1.0}),
    ("slightly long hair", None, None, {"hair length": 0.3}),
    ("a little long hair", None, None, {"hair length": 0.3}),
    ("short hair", None, None, {"hair length": -0.6}),
    ("long pink hair", "pink", None, {"hair length": 0.6}),
    ("looking left", None, None, {"turn": -0.6}),
    ("loking right", None, None, {"turn": 0.6}),
    ("looking slightly left", None, None, {"turn": -0.3}),
    ("big eyes", None, None, {"eye size": 0.6}),
    ("very big eyes, blushing", None, None, {"eye size": 1.0, "blush": 0.6}),
    ("not blushing", None, None, {"blush": -0.6}),
    ("open mouth", None, None, {"mouth": 0.6}),
    ("talking", None, None, {"mouth": 0.6}),
    ("extremely colourful", None, None, {"saturation": 1.0}),
    ("colorful, detailed", None, None, {"saturation": 0.6, "sharpness": 0.6}),
    ("dark", None, None, {"lightness": -0.6}),
    ("sleepy", None, None, {"eyes open": -0.6}),
    ("small face", None, None, {"face size": -0.6}),
    ("black hair, red eyes, very long hair, open mouth", "black", "red", {"hair length": 1.0, "mouth": 0.6}),
    ("ピンクの髪", "pink", None, {}),
    ("青い目", None, "blue", {}),
    ("ピンクの髪、緑の目", "pink", "green", {}),
    ("髪はピンクで目は青い", "pink", "blue", {}),
    ("金髪の女の子", "blonde", None, {}),
    ("黒髪、赤い瞳", "black", "red", {}),
    ("とても長い髪", None, None, {"hair length": 1.0}),
    ("少し照れて", None, None, {"blush": 0.3}),
    ("左向き", None, None, {"turn": -0.6}),
    ("粉色头发", "pink", None, {}),
    ("粉色的头发，绿色的眼睛", "pink", "green", {}),
    ("金发", "blonde", None, {}),
    ("非常大眼睛", None, None, {"eye size": 1.0}),
    ("蓝色眼睛，脸红", None, "blue", {"blush": 0.6}),
    ("有点害羞", None, None, {"blush": 0.3}),
    ("头发是黑色，眼睛是红色", "black", "red", {}),
    ("看右，张嘴", None, None, {"turn": 0.6, "mouth": 0.6}),
]


@pytest.mark.parametrize("text, hair, eyes, sliders", PHRASES, ids=[phrase[0] for phrase in PHRASES])
def test_a_phrase_means(text, hair, eyes, sliders):
    words = read_words(text, SLIDERS)
    assert (words.hair, words.eyes, words.sliders) == (hair, eyes, sliders)
    assert words.feedback == ""
    Character(1, **words.fields)


def test_what_means_nothing_here_is_said():
    words = read_words("pink hair, wings, white eyes, green", SLIDERS)
    assert (words.hair, words.eyes) == ("green", None)
    assert words.unknown == ("wings", "white eyes")
    assert words.feedback == "Not understood: 'wings', 'white eyes'."


def test_a_slider_that_the_checkpoint_does_not_have_is_said():
    words = read_words("pink hair, smiling", SLIDERS)
    assert words.fields == {"hair": "pink"}
    assert words.feedback == "This checkpoint has no slider for 'smiling'."


@pytest.mark.parametrize("text", ["wings", "hair", "x" * (MOST_TEXT + 1), 7, "髪", "!?"])
def test_a_line_without_a_meaning_is_refused_with_an_example(text):
    with pytest.raises(AnimeGenError, match=r"was understood; write for example: pink hair|at most 500 characters"):
        read_words(text)


def test_an_empty_line_means_nothing():
    assert read_words("  ").fields == {}


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text):
    with suppress(AnimeGenError):
        Character(1, **read_words(text, SLIDERS).fields)

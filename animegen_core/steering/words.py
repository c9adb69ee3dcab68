"""Reads a line of words, such as "pink hair, green eyes, very small face", in English, Japanese or Chinese.

A small fixed vocabulary: colours, hair and eyes, words for sliders, "very" and "slightly". One wrong, missing, extra or
exchanged letter in a word of five or more is forgiven. Words that mean nothing here are returned, so that they can be shown.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from animegen_core.errors import AnimeGenError, quote
from animegen_core.labels import ATTRIBUTES

MOST_TEXT = 500  # characters
_USUAL, _VERY, _SLIGHTLY = 0.6, 1.0, 0.3  # strengths of sliders
_FORGIVEN = 5  # letters from which a word may have one wrong

_COLOURS = {  # words of each colour
    "aqua": "aqua cyan teal turquoise 水色 シアン 青緑 水蓝 水蓝色 青色",
    "black": "black 黒 黒い 黒色 黑 黑色",
    "blonde": "blonde blond golden gold yellow 金 金色 黄色 黄色い 黄",
    "blue": "blue azure navy 青 青い 蓝 蓝色 藍色",
    "brown": "brown hazel chestnut 茶 茶色 茶色い 棕 棕色 褐色",
    "gray": "gray grey silver 灰色 グレー 銀 銀色 灰 银 银色",
    "green": "green emerald 緑 緑色 绿 绿色",
    "orange": "orange ginger オレンジ 橙 橙色 オレンジ色",
    "pink": "pink rose ピンク 桃色 ピンク色 粉 粉色 粉红 粉红色",
    "purple": "purple violet lavender lilac 紫 紫色 紫の",
    "red": "red crimson scarlet ruby 赤 赤い 赤色 红 红色",
    "white": "white 白 白い 白色",
}
_Meaning = tuple[str, Any]  # its kind, and its value
_OF_EYES = {"blonde": "yellow"}  # what a colour is called there
_PARTS = {"hair": "hair haired hairs 髪 髪の毛 ヘア 头发 頭髪 发 发色", "eyes": "eyes eye eyed 目 瞳 眼 眼睛 眼眸 瞳孔 双眼"}
_BOTH = {  # words of a colour and a part
    "blondie": ("blonde", "hair"),
    "redhead": ("red", "hair"),
    "brunette": ("brown", "hair"),
    "金髪": ("blonde", "hair"),
    "金发": ("blonde", "hair"),
    "黒髪": ("black", "hair"),
    "黑发": ("black", "hair"),
    "銀髪": ("gray", "hair"),
    "银发": ("gray", "hair"),
    "白髪": ("white", "hair"),
    "白发": ("white", "hair"),
    "茶髪": ("brown", "hair"),
    "赤毛": ("red", "hair"),
}
_DEGREES = {
    "very": (_VERY, "very really extremely much strongly とても すごく 非常に 非常 很 十分 特别"),
    "slightly": (_SLIGHTLY, "slightly little bit somewhat 少し ちょっと やや 有点 稍微 略微 一点"),
}
_OPPOSITE = "not no less without ない 不 没有 无"
_FILLERS = (
    "a an the and with of girl boy face person her his their has is in ish "
    "の は が を と で な 女の子 男の子 顔 的 和 有 着 是 女孩 男孩 少女"
)
_SLIDERS = {  # words of each slider, for its positive and its negative side
    "face size": (
        "close, closeup, big face, large face, 顔が大きい, 大脸",
        "far, distant, small face, little face, 小顔, 小脸",
    ),
    "turn": (
        "looking right, facing right, turned right, 右向き, 右を向く, 右を向いて, 看右, 向右",
        "looking left, facing left, turned left, 左向き, 左を向く, 左を向いて, 看左, 向左",
    ),
    "tilt": ("tilted right, head right, 右に傾け, 向右歪", "tilted left, head left, 左に傾け, 向左歪"),
    "eye size": (
        "big eyes, large eyes, 大きい目, 大きな目, 大眼睛, 大眼",
        "small eyes, little eyes, 小さい目, 小さな目, 小眼睛, 小眼",
    ),
    "eyes open": (
        "wide eyes, open eyes, 目を開け, 睁眼",
        "narrow eyes, closed eyes, squinting, sleepy, 目を閉じ, 细眼, 闭眼, 眯眼",
    ),
    "mouth": (
        "open mouth, mouth open, talking, shouting, 口を開け, 開いた口, 张嘴, 张口",
        "closed mouth, mouth closed, small mouth, 口を閉じ, 闭嘴",
    ),
    "smile": ("smiling, smile, happy, grin, 笑顔, 微笑, 微笑み, 笑", "sad, frown, serious, 悲しい, 真面目, 悲伤, 严肃"),
    "hair length": (
        "long hair, long haired, 長い髪, 長髪, 长发, 长头发, ロングヘア",
        "short hair, short haired, 短い髪, 短髪, 短发, 短头发, ショートヘア",
    ),
    "hair volume": ("thick hair, voluminous hair, fluffy hair, fluffy, ふわふわ, 蓬松", "thin hair, flat hair, 薄い髪, 稀疏"),
    "hair lightness": ("light hair, bright hair, pale hair, 明るい髪, 浅发", "dark hair, 暗い髪, 深发"),
    "skin lightness": ("pale, pale skin, light skin, fair skin, 色白, 白い肌, 白皮肤", "dark skin, 褐色肌, 黑皮肤"),
    "skin warmth": ("tanned, tan, tanned skin, warm skin, 日焼け, 晒黑", "cool skin, cold skin, 冷たい肌, 冷白皮"),
    "blush": ("blushing, blush, shy, red cheeks, 赤面, 照れ, 照れて, 脸红, 害羞", "calm, 平静"),
    "saturation": ("colourful, colorful, vivid, saturated, カラフル, 鮮やか, 鲜艳", "muted, faded, pastel, 淡い, 柔和, 淡色"),
    "lightness": ("bright, bright picture, 明るい, 明亮", "dark, gloomy, dark picture, 暗い, 暗"),
    "contrast": ("high contrast, strong contrast, 高对比", "low contrast, soft, 柔らかい, 低对比"),
    "sharpness": ("detailed, sharp, 細かい, 细致, 锐利", "simple, smooth, plain, シンプル, 简单, 平滑"),
}


@dataclass(frozen=True)
class Words:
    """What a line means.

    Attributes:
        hair, eyes: chosen colours, or None.
        sliders: strength of each slider that is named.
        unknown: words without a meaning here, as they were written.
        missing: words of sliders that the checkpoint does not have.
    """

    hair: str | None = None
    eyes: str | None = None
    sliders: dict[str, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a ``Character`` that the line sets."""
        colours = {name: colour for name, colour in (("hair", self.hair), ("eyes", self.eyes)) if colour is not None}
        return colours | ({"sliders": self.sliders} if self.sliders else {})

    @property
    def feedback(self) -> str:
        """A sentence on what was not understood; empty if all was."""
        parts = []
        if self.unknown:
            parts.append(f"Not understood: {', '.join(map(quote, self.unknown[:5]))}.")
        if self.missing:
            parts.append(f"This checkpoint has no slider for {', '.join(map(quote, self.missing[:5]))}.")
        return " ".join(parts)


def read_words(text: str, sliders: Collection[str] = ()) -> Words:
    """Read a line of words.

    Args:
        text: phrases, separated by commas.
        sliders: names of those that the checkpoint has.

    Raises:
        AnimeGenError: the text is too long, or nothing in it was understood.
    """
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise AnimeGenError(f"The words are {quote(text)}, but must be a text of at most {MOST_TEXT} characters.")
    reading = _Reading(frozenset(sliders))
    for phrase in re.split(r"[,;.、。\n]+", unicodedata.normalize("NFKC", text).lower()):
        reading.phrase(phrase.strip())
    words = reading.words()
    if text.strip() and not words.fields and not words.missing:
        raise AnimeGenError(f"Nothing in {quote(text)} was understood; write for example: pink hair, green eyes, long hair.")
    return words


class _Reading:
    """The state while a line is read, phrase by phrase."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._colours: dict[str, str] = {}
        self._sliders: dict[str, float] = {}
        self._unknown: list[str] = []
        self._missing: list[str] = []

    def words(self) -> Words:
        """What was read so far."""
        colours = self._colours.get("hair"), self._colours.get("eyes")
        return Words(*colours, self._sliders, tuple(self._unknown), tuple(self._missing))

    def phrase(self, phrase: str) -> None:
        """Read one phrase."""
        self._strength, self._side = _USUAL, 1  # of the next slider
        self._waiting: list[str] = []  # unknown words, which may belong to a part: "long" of "long pink hair"
        self._named: tuple[str, str] | None = None  # a colour and its word, of which the part is to come
        self._part: str | None = None  # a part of which the colour is to come
        for text, (kind, value) in _understood(phrase):
            {
                "degree": self._degree,
                "opposite": self._opposite,
                "slider": self._slider,
                "both": self._both,
                "colour": self._colour,
                "part": self._part_of,
                "unknown": self._wait,
                "filler": self._nothing,
            }[kind](text, value)
        if self._named:  # a colour alone is the hair's
            self._paint(*self._named, "hair")
        elif self._part:
            self._waiting.append(phrase)
        self._unknown += self._waiting

    def _nothing(self, text: str, value: None) -> None:
        pass

    def _wait(self, text: str, value: str) -> None:
        self._waiting.append(text)

    def _degree(self, text: str, strength: float) -> None:
        self._strength = strength

    def _opposite(self, text: str, value: None) -> None:
        self._side = -1

    def _slider(self, text: str, value: tuple[str, int]) -> None:
        name, side = value
        if name in self._known:
            self._sliders[name] = side * self._side * self._strength
        else:
            self._missing.append(text)
        self._strength, self._side = _USUAL, 1

    def _both(self, text: str, value: tuple[str, str]) -> None:
        self._paint(value[0], text, value[1])

    def _colour(self, text: str, colour: str) -> None:
        if self._part:  # "hair is pink"
            self._paint(colour, text, self._part)
            self._part = None
        else:
            self._named = colour, text

    def _part_of(self, text: str, part: str) -> None:
        for word in list(self._waiting):
            kind, value = _VOCABULARY.get(f"{word} {text}", (None, None))
            if kind == "slider":
                self._waiting.remove(word)
                self._slider(word, value)
        if self._named:  # "pink hair"
            self._paint(self._named[0], f"{self._named[1]} {text}", part)
            self._named = None
        else:
            self._part = part

    def _paint(self, colour: str, text: str, part: str) -> None:
        colour = _OF_EYES.get(colour, colour) if part == "eyes" else colour
        if colour in ATTRIBUTES[part]:
            self._colours[part] = colour
        else:
            self._unknown.append(text)


def _vocabulary() -> dict[str, _Meaning]:
    """The meaning of each word or group of words."""
    found: dict[str, _Meaning] = {}

    def add(words: str, kind: str, value: Any) -> None:
        found.update(dict.fromkeys(words.split(), (kind, value)))

    for colour, words in _COLOURS.items():
        add(words, "colour", colour)
    for part, words in _PARTS.items():
        add(words, "part", part)
    for word, value in _BOTH.items():
        found[word] = ("both", value)
    for strength, words in _DEGREES.values():
        add(words, "degree", strength)
    add(_OPPOSITE, "opposite", None)
    add(_FILLERS, "filler", None)
    for name, sides in _SLIDERS.items():
        for side, groups in zip((1, -1), sides):
            for group in groups.split(", "):
                found[group] = ("slider", (name, side))
    return found


_VOCABULARY = _vocabulary()
_GROUPS = max(word.count(" ") for word in _VOCABULARY) + 1  # words of the longest group
_LONGEST = max(len(word) for word in _VOCABULARY if not word.isascii())


def _understood(phrase: str) -> list[tuple[str, _Meaning]]:
    """The tokens of a phrase; "looking slightly left" is read as "slightly looking left"."""
    tokens = _tokens(phrase)
    if any(kind == "unknown" for _, (kind, _) in tokens) and any(kind == "degree" for _, (kind, _) in tokens):
        degrees = [text for text, (kind, _) in tokens if kind == "degree"]
        moved = _tokens(" ".join([*degrees, *(text for text, (kind, _) in tokens if kind != "degree")]))
        if not any(kind == "unknown" for _, (kind, _) in moved):
            return moved
    return tokens


def _tokens(phrase: str) -> list[tuple[str, _Meaning]]:
    """The words of a phrase with their meanings, the longest known groups first."""
    tokens = []
    words = re.findall(r"[^\W\d_]+|\S", re.sub("[-:]", " ", phrase))
    while words:
        for count in range(min(_GROUPS, len(words)), 0, -1):
            group = " ".join(words[:count])
            meaning = _VOCABULARY.get(group) or (_VOCABULARY.get(_forgiven(group)) if group.isascii() else None)
            if meaning:
                tokens.append((group, meaning))
                words = words[count:]
                break
        else:
            word = words.pop(0)
            tokens += [(word, ("unknown", word))] if word.isascii() else _scan(word)
    return tokens


def _scan(text: str) -> list[tuple[str, _Meaning]]:
    """Words of a text without spaces, Japanese or Chinese: at each place the longest known one."""
    tokens, unknown, at = [], "", 0
    while at < len(text):
        for length in range(min(_LONGEST, len(text) - at), 0, -1):
            if text[at : at + length] in _VOCABULARY:
                break
        else:
            unknown, at = unknown + text[at], at + 1
            continue
        if unknown:
            tokens.append((unknown, ("unknown", unknown)))
        tokens.append((text[at : at + length], _VOCABULARY[text[at : at + length]]))
        unknown, at = "", at + length
    return tokens + ([(unknown, ("unknown", unknown))] if unknown else [])


def _forgiven(group: str) -> str:
    """The group with each word replaced by the one of the vocabulary that is one letter away, if there is exactly one."""
    return " ".join(word if word in _SINGLE or len(word) < _FORGIVEN else _nearest(word) for word in group.split())


def _nearest(word: str) -> str:
    near = [known for known in _SINGLE if _one_letter_apart(word, known)]
    return near[0] if len(near) == 1 else word


_SINGLE = frozenset(word for group in _VOCABULARY if group.isascii() for word in group.split())


def _one_letter_apart(a: str, b: str) -> bool:
    """Whether one letter is wrong, missing, extra, or two neighbours are exchanged."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = next((at for at, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    rest, other = a[start:], b[start:]
    exchanged = len(rest) > 1 and rest[1::-1] == other[:2] and rest[2:] == other[2:]
    return rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or exchanged

"""Hair and eye colours: the vocabulary of the conditional models. ``None`` means any."""

from collections.abc import Iterable

from animegen_core.errors import AnimeGenError, quote

HAIR = ("aqua", "black", "blonde", "blue", "brown", "gray", "green", "orange", "pink", "purple", "red", "white")
EYES = ("aqua", "black", "blue", "brown", "gray", "green", "orange", "pink", "purple", "red", "yellow")
ATTRIBUTES: dict[str, tuple[str, ...]] = {"hair": HAIR, "eyes": EYES}
LABEL_DIMS = tuple(len(colours) for colours in ATTRIBUTES.values())
ANY = -1  # the index that means any value


def label_index(attribute: str, colour: object) -> int:
    """Index of a colour in its attribute's list ("hair" or "eyes"), or ``ANY`` for None.

    Raises:
        AnimeGenError: the colour is not in the list.
    """
    if colour is None:
        return ANY
    colours = ATTRIBUTES[attribute]
    if not isinstance(colour, str) or colour not in colours:
        raise AnimeGenError(f"Unknown {attribute} colour {quote(colour)}; choose any or one of: {', '.join(colours)}.")
    return colours.index(colour)


def check_frequencies(where: str, frequencies: object) -> dict[str, dict[str, float]]:
    """Frequencies of colours in training, from config.json: {"hair": {"aqua": 0.06, ...}, "eyes": {...}}.

    Args:
        where: named in the sentence of an error.

    Raises:
        AnimeGenError: an attribute or a colour is missing or unknown, a number is negative, or all are 0.
    """
    right = isinstance(frequencies, dict) and frequencies.keys() == ATTRIBUTES.keys()
    for attribute, colours in ATTRIBUTES.items() if right else ():
        values = frequencies[attribute]
        right = right and isinstance(values, dict) and values.keys() == set(colours) and _are_weights(values.values())
    if not right:
        raise AnimeGenError(
            f"{where} has the 'label_frequencies' {quote(frequencies)}, but they must be a number from 0 to 1 "
            f"for each colour of {' and '.join(ATTRIBUTES)}, not all 0."
        )
    return frequencies


def _are_weights(values: Iterable[object]) -> bool:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1]
    return len(numbers) == len(list(values)) and sum(numbers) > 0


def label_name(attribute: str, index: int) -> str | None:
    """The inverse of ``label_index``."""
    return None if index == ANY else ATTRIBUTES[attribute][index]

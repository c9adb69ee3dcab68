"""Hair and eye colours: the vocabulary of the conditional models. ``None`` means any."""

from animegen_core.errors import AnimeGenError, quote

HAIR = ("aqua", "black", "blonde", "blue", "brown", "gray", "green", "orange", "pink", "purple", "red", "white")
EYES = ("aqua", "black", "blue", "brown", "gray", "green", "orange", "pink", "purple", "red", "yellow")
ATTRIBUTES: dict[str, tuple[str, ...]] = {"hair": HAIR, "eyes": EYES}
LABEL_DIMS = tuple(len(colours) for colours in ATTRIBUTES.values())
ANY = -1  # the index of an attribute that may take any value


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


def label_name(attribute: str, index: int) -> str | None:
    """The inverse of ``label_index``."""
    return None if index == ANY else ATTRIBUTES[attribute][index]

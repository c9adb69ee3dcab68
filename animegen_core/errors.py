"""The one exception a user is meant to read, and what raises it everywhere."""

from numbers import Integral


class AnimeGenError(ValueError):
    """Bad input, told in one sentence that quotes the bad value and lists the good ones.

    The command lines print it and exit with code 2; the studio shows it as a message in the page.
    """


def quote(value: object) -> str:
    """A bad value as a sentence shows it: its ``repr``, cut after 50 characters."""
    try:
        return f"{value!r:.50}"
    except (ValueError, RecursionError):  # a number of thousands of digits, lists within lists within lists
        return f"an endless {type(value).__name__}"


def printable(text: str) -> str:
    """A name as a sentence shows it: control characters, and bytes of a file name that are no UTF-8, are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def check_whole(name: str, value: object, least: int, most: int) -> int:
    """Return ``value`` as an int if it is a whole number in [least, most], NumPy's too.

    Raises:
        AnimeGenError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most:
        raise AnimeGenError(f"{name} is {quote(value)}, but must be a whole number from {least} to {most}.")
    return int(value)

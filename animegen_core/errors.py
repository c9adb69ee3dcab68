"""The exception with messages for users, and common checks that raise it."""

from numbers import Integral


class AnimeGenError(ValueError):
    """Bad input. The message is one sentence that quotes the bad value and lists the good ones.

    The command lines print it and exit with code 2; the studio shows it as a message in the page.
    """


def quote(value: object) -> str:
    """A bad value for a message: its ``repr``, cut after 50 characters."""
    try:
        return f"{value!r:.50}"
    except (ValueError, RecursionError):  # for example a number with thousands of digits, or deeply nested lists
        return f"an endless {type(value).__name__}"


def printable(text: str) -> str:
    """A name for a message: control characters and invalid UTF-8 are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def check_whole(name: str, value: object, least: int, most: int) -> int:
    """Return ``value`` as an int if it is a whole number in [least, most], of Python or NumPy.

    Raises:
        AnimeGenError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most:
        raise AnimeGenError(f"{name} is {quote(value)}, but must be a whole number from {least} to {most}.")
    return int(value)

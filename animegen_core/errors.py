"""The one exception a user is meant to read."""


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

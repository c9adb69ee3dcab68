"""The one exception a user is meant to read."""


class AnimeGenError(ValueError):
    """Bad input, told in one sentence that quotes the bad value and lists the good ones.

    The command lines print it and exit with code 2; the studio shows it as a message in the page.
    """

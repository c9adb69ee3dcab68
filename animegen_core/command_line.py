"""What both command lines share: how they fail."""

import sys

from typer.core import TyperGroup

from animegen_core.errors import AnimeGenError


class ExitOnError(TyperGroup):
    """A command group that turns bad input into one sentence on standard error and exit code 2, without a traceback."""

    def invoke(self, ctx):  # noqa: ANN001, ANN201 - the signature is click's
        try:
            return super().invoke(ctx)
        except AnimeGenError as error:
            message = str(error)
        except OSError as error:  # a folder that cannot be written, a disk that is full
            if not error.filename:
                raise
            message = f"'{error.filename}': {error.strerror}."
        print(f"Error: {message}", file=sys.stderr)
        return ctx.exit(2)

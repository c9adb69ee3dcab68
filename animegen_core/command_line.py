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
            print(f"Error: {error}", file=sys.stderr)
            ctx.exit(2)

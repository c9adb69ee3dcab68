"""What both command lines share: how they fail, and paths and messages that no shell or terminal gets in the way of."""

import os
import re
import sys

from typer.core import TyperGroup

from animegen_core.errors import AnimeGenError


class ExitOnError(TyperGroup):
    """A command group that turns bad input into one sentence on standard error and exit code 2, without a traceback."""

    def get_params(self, ctx):  # noqa: ANN001, ANN201 - the signature is click's
        params = super().get_params(ctx)
        if " " in (ctx.info_name or ""):  # a shell completes the name of a program, which "python -m package" is not
            params = [param for param in params if param.name not in ("install_completion", "show_completion")]
        return params

    def parse_args(self, ctx, args):  # noqa: ANN001, ANN201 - the signature is click's
        # Shells expand a tilde at the beginning of a word only, not in --data=~/faces.
        expanded = [re.sub(r"^(--[\w-]+=)?(~/.*)", lambda m: (m[1] or "") + os.path.expanduser(m[2]), arg) for arg in args]  # noqa: PTH111
        return super().parse_args(ctx, expanded)

    def invoke(self, ctx):  # noqa: ANN001, ANN201 - the signature is click's
        if hasattr(sys.stdout, "reconfigure"):  # a file name that the terminal cannot show must not end a run
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except AnimeGenError as error:
            message = str(error)
        except OSError as error:  # a folder that cannot be written, a disk that is full
            if not error.strerror:
                raise
            file = error.filename2 or error.filename  # of a renaming, where to
            message = f"'{file}': {error.strerror}." if file else f"{error.strerror}."
        print(f"Error: {message}", file=sys.stderr)
        return ctx.exit(2)

"""Errors, paths and output of both command lines."""

import os
import re
import sys

from typer.core import TyperGroup

from animegen_core.errors import AnimeGenError


class ExitOnError(TyperGroup):
    """A command group that prints bad input as one sentence on standard error and exits with code 2, without a traceback."""

    def get_params(self, ctx):  # noqa: ANN001, ANN201 - the signature is click's
        params = super().get_params(ctx)
        if " " in (ctx.info_name or ""):  # shell completion needs the name of a program, and "python -m package" is none
            params = [param for param in params if param.name not in ("install_completion", "show_completion")]
        return params

    def parse_args(self, ctx, args):  # noqa: ANN001, ANN201 - the signature is click's
        # Shells expand a tilde only at the beginning of a word, not in --data=~/faces.
        expanded = [re.sub(r"^(--[\w-]+=)?(~/.*)", lambda m: (m[1] or "") + os.path.expanduser(m[2]), arg) for arg in args]  # noqa: PTH111
        return super().parse_args(ctx, expanded)

    def invoke(self, ctx):  # noqa: ANN001, ANN201 - the signature is click's
        if hasattr(sys.stdout, "reconfigure"):  # a file name that the terminal cannot print must not stop a run
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except AnimeGenError as error:
            message = str(error)
        except OSError as error:  # for example a read-only folder or a full disk
            if not error.strerror:
                raise
            file = error.filename2 or error.filename  # filename2 is the target of a renaming
            message = f"'{file}': {error.strerror}." if file else f"{error.strerror}."
        print(f"Error: {message}", file=sys.stderr)
        return ctx.exit(2)

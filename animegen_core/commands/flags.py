"""Flags made from the fields of a dataclass of options."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Annotated, Any

import typer

Flag = tuple[str, Any, Any, str]  # name, type, default and help


def flags_of(options_class: type) -> list[Flag]:
    """A flag for each field, with the help text of ``options.option``."""
    return [(f.name, f.type, f.default, f.metadata["help"]) for f in fields(options_class)]


def give_flags(command: Callable, flags: Iterable[Flag]) -> None:
    """Add these flags to a command, after its own, in place of its ``**given``."""
    signature = inspect.signature(command)
    parameters = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    parameters += [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[kind, typer.Option(help=help_text)],
        )
        for name, kind, default, help_text in flags
    ]
    command.__signature__ = signature.replace(parameters=parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}


def explicit(context: typer.Context, given: dict[str, Any]) -> dict[str, Any]:
    """The values that were given on the command line."""
    # Compared by name, because newer versions of typer have their own ParameterSource.
    return {name: value for name, value in given.items() if context.get_parameter_source(name).name == "COMMANDLINE"}

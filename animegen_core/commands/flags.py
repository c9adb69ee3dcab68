"""Flags made from the fields of a dataclass of options."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Annotated, Any

import typer

Flag = tuple[str, Any, Any, str]  # name, type, default and help


def flags_of(options_class: type) -> list[Flag]:
    """A flag for each field, with the help text that ``options.option`` gave it."""
    return [(f.name, f.type, f.default, f.metadata["help"]) for f in fields(options_class)]


def give_flags(command: Callable, flags: Iterable[Flag]) -> None:
    """Give a command these flags in the place of its ``**given``, after those that it has."""
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
    """Those of the values that stand on the command line."""
    # By name, as newer versions of typer bring a ParameterSource of their own.
    return {name: value for name, value in given.items() if context.get_parameter_source(name).name == "COMMANDLINE"}

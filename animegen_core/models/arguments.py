"""Records the constructor arguments of networks, from which config.json rebuilds them."""

import functools
import inspect
from typing import Any, TypeVar

from torch import nn

Network = TypeVar("Network", bound=type[nn.Module])


def records_arguments(network_class: Network) -> Network:
    """Class decorator: ``config`` of an instance has the arguments of its constructor by name, defaults included.

    Sequences are recorded as lists, so that ``config`` is JSON-able. Subclasses are decorated too.
    """
    build = network_class.__init__
    signature = inspect.signature(build)

    @functools.wraps(build)
    def build_and_record(self: nn.Module, *arguments: Any, **named: Any) -> None:
        build(self, *arguments, **named)
        given = signature.bind(self, *arguments, **named)
        given.apply_defaults()
        _, *values = given.arguments.items()
        self.config = {name: list(value) if isinstance(value, (tuple, list)) else value for name, value in values}

    network_class.__init__ = build_and_record
    return network_class

"""How the studio in the browser runs: environment variables, which a Space has on its settings page."""

import argparse
import inspect
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from animegen_core.checkpoint import DEFAULT_CHECKPOINT
from animegen_core.errors import AnimeGenError, quote

_QUEUE = (1, 10_000)
_PORTS = (1, 65_535)
_ON, _OFF = ("on", "1", "true", "yes"), ("off", "0", "false", "no")


@dataclass(frozen=True)
class Settings:
    """What ``app.py`` reads before it starts. A variable that is empty counts as one that is not set.

    Attributes:
        checkpoint: ``ANIMEGEN_CHECKPOINT``, what the studio opens with: a bundled name, a folder, or user/repo[@revision].
        queue: ``ANIMEGEN_QUEUE``, how many requests may wait at once; whoever comes later is told to come back. It is always
            given to Gradio, whose own limit is none at home and 1 on ZeroGPU.
        hub: ``ANIMEGEN_HUB``, on or off: whether visitors may name a repository of the Hub as a checkpoint. It is off on a
            Space, where strangers would fill memory and disk, and on elsewhere.
        vote: ``ANIMEGEN_VOTE``, on or off: whether there is the tab where visitors vote; off on a Space, on elsewhere.
        device: no variable of its own: the CPU on a ZeroGPU Space, where torch reports a GPU that is only lent to functions
            that ask for it, and waiting for one takes longer than drawing a face; elsewhere None, the best device present.
    """

    checkpoint: str = DEFAULT_CHECKPOINT
    queue: int = 128
    hub: bool = True
    vote: bool = True
    device: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that the variables give; ``SPACE_ID`` and ``SPACES_ZERO_GPU`` tell where the program runs.

        Raises:
            AnimeGenError: a variable has a value that cannot be.
        """
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        at_home = "SPACE_ID" not in given
        return cls(
            checkpoint=given.get("ANIMEGEN_CHECKPOINT", cls.checkpoint),
            queue=_whole_number(given, "ANIMEGEN_QUEUE", cls.queue, *_QUEUE),
            hub=_switch(given, "ANIMEGEN_HUB", at_home),
            vote=_switch(given, "ANIMEGEN_VOTE", at_home),
            device="cpu" if given.get("SPACES_ZERO_GPU", "").lower() in _ON else None,
        )


def read_command_line(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Settings, int | None]:
    """Settings and port of ``python app.py``: flags win over variables. ``--help`` prints both and exits.

    Args:
        arguments: by default those of this process.

    Returns:
        The settings, and the port to listen on, or None for Gradio's choice.

    Raises:
        AnimeGenError: a flag or variable has a value that cannot be.
    """
    parser = argparse.ArgumentParser(
        "python app.py",
        description="Start the studio in the browser.",
        epilog=f"Settings and their environment variables:\n{inspect.getdoc(Settings).partition('Attributes:')[2]}\n"
        "GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where to listen, ANIMEGEN_VOTES in which file votes are kept, and\n"
        "ANIMEGEN_VOTE_PICTURES which folder or zip of real pictures takes part in the vote.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", help="What to open, instead of ANIMEGEN_CHECKPOINT.")
    parser.add_argument(
        "--port", help="Where to listen, instead of GRADIO_SERVER_PORT; by default the first free one from 7860."
    )
    given = parser.parse_args(arguments)
    settings = Settings.from_environment(environment)
    if given.checkpoint:
        settings = replace(settings, checkpoint=given.checkpoint)
    return settings, None if given.port is None else _whole_number({"--port": given.port}, "--port", 0, *_PORTS)


def _whole_number(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise AnimeGenError(f"{name} is {quote(text)}, but must be a whole number from {least} to {most}.")
    return int(text)


def _switch(given: Mapping[str, str], name: str, default: bool) -> bool:
    text = given.get(name, "on" if default else "off")
    if text.lower() not in _ON + _OFF:
        raise AnimeGenError(f"{name} is {quote(text)}, but must be on or off.")
    return text.lower() in _ON

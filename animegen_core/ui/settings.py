"""Settings of the studio: flags and environment variables. A Space has the variables on its settings page."""

import argparse
import inspect
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from animegen_core.checkpoint import DEFAULT_CHECKPOINT
from animegen_core.errors import AnimeGenError, quote

_QUEUE = (1, 10_000)
_PORTS = (1, 65_535)
_PRIVATE = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
_ON, _OFF = ("on", "1", "true", "yes"), ("off", "0", "false", "no")


@dataclass(frozen=True)
class Settings:
    """Settings of ``app.py``. An empty variable counts as not set.

    Attributes:
        checkpoint: ``ANIMEGEN_CHECKPOINT``, the first checkpoint: a bundled name, a folder, or user/repo[@revision].
        queue: ``ANIMEGEN_QUEUE``, maximum number of waiting requests; further ones are refused. Gradio's own default is no
            limit, or 1 on ZeroGPU.
        hub: ``ANIMEGEN_HUB``, on or off: whether visitors may open a repository of the Hub. Off by default on a Space, where
            strangers would fill memory and disk.
        vote: ``ANIMEGEN_VOTE``, on or off: the Vote tab. Off by default on a Space.
        proxies: ``FORWARDED_ALLOW_IPS``, addresses and networks of trusted proxies, separated by commas. Only their
            X-Forwarded-For decides who the visitor is. By default this computer; on a Space, where every visitor comes through
            the proxy of the Hub, private networks too. With * every X-Forwarded-For is trusted, also a forged one.
        device: has no variable. The CPU on a ZeroGPU Space, where waiting for a GPU takes longer than drawing a face;
            elsewhere the best available device (None).
    """

    checkpoint: str = DEFAULT_CHECKPOINT
    queue: int = 128
    hub: bool = True
    vote: bool = True
    proxies: str = "127.0.0.1,::1"
    device: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Settings from environment variables. ``SPACE_ID`` and ``SPACES_ZERO_GPU`` are set on a Space.

        Raises:
            AnimeGenError: a variable has an invalid value.
        """
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        at_home = "SPACE_ID" not in given
        return cls(
            checkpoint=given.get("ANIMEGEN_CHECKPOINT", cls.checkpoint),
            queue=whole_number("ANIMEGEN_QUEUE", given.get("ANIMEGEN_QUEUE", str(cls.queue)), *_QUEUE),
            hub=_switch(given, "ANIMEGEN_HUB", at_home),
            vote=_switch(given, "ANIMEGEN_VOTE", at_home),
            proxies=_networks(given, "FORWARDED_ALLOW_IPS", cls.proxies if at_home else f"{cls.proxies},{_PRIVATE}"),
            device="cpu" if given.get("SPACES_ZERO_GPU", "").lower() in _ON else None,
        )


def read_command_line(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Settings, int | None]:
    """Settings and port of ``python app.py``, from flags and environment variables; flags win. ``--help`` exits.

    Args:
        arguments: by default those of this process.

    Returns:
        The settings, and the port to listen on, or None for Gradio's choice.

    Raises:
        AnimeGenError: a flag or variable has an invalid value.
    """
    parser = argparse.ArgumentParser(
        "python app.py",
        description="Start the studio in the browser.",
        epilog=f"Settings and their environment variables:\n{inspect.getdoc(Settings).partition('Attributes:')[2]}\n"
        "GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set address and port, ANIMEGEN_VOTES the file of the votes, and\n"
        "ANIMEGEN_VOTE_PICTURES a folder or zip of real images that take part in the vote. ANIMEGEN_VOTE_CHECKPOINTS lists\n"
        "the checkpoints that take part. ANIMEGEN_VOTE_PAIRS is a number of pairs, equal for every visitor.\n"
        "ANIMEGEN_UPSCALER is an upscaler to use instead of the bundled one: a .safetensors, .pth or .ckpt file, or a folder\n"
        "of train.py upscaler.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", help="First checkpoint, instead of ANIMEGEN_CHECKPOINT.")
    parser.add_argument("--port", help="Port, instead of GRADIO_SERVER_PORT; by default the first free one from 7860.")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment(environment)
    if given.checkpoint:
        settings = replace(settings, checkpoint=given.checkpoint)
    return settings, None if given.port is None else whole_number("--port", given.port, *_PORTS)


def whole_number(name: str, text: str, least: int, most: int) -> int:
    """Parse the number of a setting.

    Raises:
        AnimeGenError: it is not a whole number from ``least`` to ``most``.
    """
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise AnimeGenError(f"{name} is {quote(text)}, but must be a whole number from {least} to {most}.")
    return int(text)


def _networks(given: Mapping[str, str], name: str, default: str) -> str:
    text = given.get(name, default)
    for one in text.split(",") if text != "*" else ():
        try:
            ip_network(one.strip())
        except ValueError as error:
            raise AnimeGenError(f"{name} has {quote(one)}, but must have addresses or networks such as 10.0.0.0/8.") from error
    return text


def _switch(given: Mapping[str, str], name: str, default: bool) -> bool:
    text = given.get(name, "on" if default else "off")
    if text.lower() not in _ON + _OFF:
        raise AnimeGenError(f"{name} is {quote(text)}, but must be on or off.")
    return text.lower() in _ON

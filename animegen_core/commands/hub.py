"""The commands that talk to the Hugging Face Hub: ``push`` and ``pull``."""

from typing import Annotated

import typer


def push(
    name: Annotated[str, typer.Argument(help="A bundled checkpoint's name, or a checkpoint folder.")],
    repo: Annotated[str, typer.Argument(help="Target, as user/repo or user/repo@branch; created if missing.")],
    private: Annotated[bool, typer.Option("--private", help="Create a private repository.")] = False,
    message: Annotated[str | None, typer.Option(help="Commit message.")] = None,
) -> None:
    """Publish a checkpoint on the Hugging Face Hub, with its card. Log in first: hf auth login."""
    from animegen_core import hub

    typer.echo(hub.push(name, repo, private, message))


def pull(
    repo: Annotated[str, typer.Argument(help="A model on the Hub, as user/repo or user/repo@revision.")],
) -> None:
    """Download a checkpoint from the Hugging Face Hub, or update it. It can then be used without a network."""
    from animegen_core import hub

    typer.echo(hub.pull(repo))

"""The commands that talk to the Hugging Face Hub: ``push`` and ``pull``."""

from typing import Annotated

import typer


def push(
    name: Annotated[str, typer.Argument(help="A bundled checkpoint's name, or a checkpoint folder.")],
    repo: Annotated[str, typer.Argument(help="Where to, as user/repo or user/repo@branch; made if there is none.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository that only its owner sees.")] = False,
    message: Annotated[str | None, typer.Option(help="What the commit says.")] = None,
) -> None:
    """Publish a checkpoint on the Hugging Face Hub, with its card; log in before with: hf auth login."""
    from animegen_core import hub

    typer.echo(hub.push(name, repo, private, message))


def pull(
    repo: Annotated[str, typer.Argument(help="A model on the Hub, as user/repo or user/repo@revision.")],
) -> None:
    """Fetch a checkpoint from the Hugging Face Hub for use without a network, or bring it up to date."""
    from animegen_core import hub

    typer.echo(hub.pull(repo))

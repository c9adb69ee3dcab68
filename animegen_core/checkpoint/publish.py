"""Publishing a checkpoint on the Hugging Face Hub."""

from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

from animegen_core.checkpoint.format import Checkpoint, card_for, load_checkpoint
from animegen_core.checkpoint.hub import LOG_IN, TIMEOUT, plain_errors
from animegen_core.checkpoint.names import CARD, CONFIG, DIRECTIONS, HubName
from animegen_core.checkpoint.weights import INDEX, WEIGHTS, is_weights_file, weight_files
from animegen_core.errors import AnimeGenError


def push(name: str | Path, repo: str, private: bool = False, message: str | None = None) -> str:
    """Publish a checkpoint in one commit and return the commit's address.

    Uploads config, weights, directions if there are any, all PNGs of the folder, and the card; an edited card keeps its text
    and gets complete front matter. Weights and directions of an earlier push that no longer exist are removed.

    Args:
        name: any checkpoint that can be loaded.
        repo: "user/repo" or "user/repo@branch", created if missing.
        private: whether a new repository is private.
        message: of the commit.

    Raises:
        AnimeGenError: the checkpoint is damaged, nobody is logged in, there is no permission or no network, or ``private``
            is set and the repository is public.
    """
    checkpoint, target, api = load_checkpoint(name), HubName.require(repo), HfApi()
    if get_token() is None:
        raise AnimeGenError(f"Nobody is logged in to the Hugging Face Hub; {LOG_IN}")
    operations = _uploads(checkpoint, target.repo)
    with plain_errors(target, "nothing was published"):
        api.create_repo(target.repo, private=private or None, exist_ok=True)
        if target.revision is not None:
            api.create_branch(target.repo, branch=target.revision, exist_ok=True)
        info = api.model_info(target.repo, revision=target.revision, timeout=TIMEOUT)
        if private and not info.private:
            raise AnimeGenError(
                f"'{target.repo}' is public already; make it private on the Hub first, or push without --private."
            )
        stale = {file.rfilename for file in info.siblings or ()} - {operation.path_in_repo for operation in operations}
        operations += [CommitOperationDelete(file) for file in sorted(stale) if is_weights_file(file) or file == DIRECTIONS]
        message = message or f"Upload {checkpoint.name}"
        commit = api.create_commit(target.repo, operations, commit_message=message, revision=target.revision)
    return str(commit.commit_url)


def _uploads(checkpoint: Checkpoint, repo: str) -> list[CommitOperationAdd | CommitOperationDelete]:
    folder = checkpoint.path
    weights = weight_files(folder)
    index = [] if weights[0].name == WEIGHTS else [folder / INDEX]
    files = [folder / CONFIG, *weights, *index, *folder.glob(DIRECTIONS), *sorted(folder.glob("*.png"))]
    card = card_for(checkpoint, repo).encode()
    return [*(CommitOperationAdd(path.name, str(path)) for path in files), CommitOperationAdd(CARD, card)]

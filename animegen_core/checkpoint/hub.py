"""Downloads checkpoints of the Hugging Face Hub into its own cache; then they can be used without a network.

Only config.json, model.safetensors (or its shards), directions.safetensors and README.md are downloaded.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, ModelInfo, errors, try_to_load_from_cache

from animegen_core.checkpoint.names import CARD, CONFIG, DIRECTIONS, HubName
from animegen_core.checkpoint.weights import INDEX, MAX_JSON, WEIGHTS, is_weights_file, read_json, weight_files
from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_write_text

_MAX_WEIGHTS = 2**30  # bytes; larger generators cannot be loaded
TIMEOUT = 10  # seconds
LOG_IN = "log in with: hf auth login"


def find(name: HubName, public: bool = False) -> Path:
    """The folder of a model: a complete copy in the cache, even if the Hub has newer files, else a download.

    Args:
        public: for names from strangers. The Hub is asked without this computer's token, and a copy is used only if everybody
            may read the model: today, or, if the Hub cannot be reached, when it was last asked.

    Raises:
        AnimeGenError: as in ``fetch``.
    """
    cached = _cached(name)
    if cached is None:
        return fetch(name, public)
    if public:
        _check_public(name, cached)
    return cached


def pull(name: str) -> Path:
    """Download a model for use without a network, or update the copy of a branch.

    Args:
        name: "user/repo" or "user/repo@revision".

    Raises:
        AnimeGenError: as in ``fetch``, or the name is invalid.
    """
    parsed = HubName.require(name)
    return find(parsed) if re.fullmatch(r"[0-9a-f]{40}", parsed.revision or "") else fetch(parsed)  # a commit never changes


def fetch(name: HubName, public: bool = False) -> Path:
    """Download the files of a model's current commit that are not cached. Returns the folder in the cache.

    With ``public`` the Hub is asked without this computer's token. Weights are downloaded only if the config is of AnimeGen
    and they are not too large.

    Raises:
        AnimeGenError: there is no network, no such model, revision or permission, or it is not a model of AnimeGen.
    """
    api = HfApi(token=False if public else None)
    here = "the copy on this computer is unchanged" if _cached(name) else f"'{name}' is not on this computer either"
    with plain_errors(name, here):
        info = api.model_info(name.repo, revision=name.revision, files_metadata=True, timeout=TIMEOUT)
        files = _choose_files(name, {file.rfilename: file.size or 0 for file in info.siblings or ()})
        for file in files:
            path = Path(api.hf_hub_download(name.repo, file, revision=info.sha))
            if file == CONFIG:
                _check_config(name, path)
    folder = path.parent
    if name.revision != info.sha:  # last, after all files: the cache's record of the branch's or tag's commit
        atomic_write_text(folder.parents[1] / "refs" / (name.revision or "main"), info.sha)
    _note_public(info, folder)
    return folder


def _cached(name: HubName) -> Path | None:
    """The folder of a complete copy in the cache, for a branch or tag as of its last download; else None."""
    config = try_to_load_from_cache(name.repo, CONFIG, revision=name.revision)
    if not isinstance(config, str):
        return None
    try:
        weight_files(Path(config).parent)
    except AnimeGenError:  # an interrupted download
        return None
    return Path(config).parent


def _check_public(name: HubName, cached: Path) -> None:
    """Check that a cached model is public."""
    note = _public_note(cached)
    with plain_errors(name, f"it is unknown whether everybody may read '{name.repo}'"):
        try:
            info = HfApi(token=False).model_info(name.repo, revision=name.revision, timeout=TIMEOUT)
        except errors.HfHubHTTPError as error:
            if isinstance(error, errors.RepositoryNotFoundError):
                note.unlink(missing_ok=True)
            raise
        except (errors.HTTPError, errors.OfflineModeIsEnabled):
            if note.exists():
                return
            raise
    _note_public(info, cached)
    if not note.exists():
        raise AnimeGenError(f"'{name.repo}' on the Hugging Face Hub is not public; request access on its page.")


def _public_note(folder: Path) -> Path:
    """The file in the Hub's cache that marks a model as public when the Hub was last asked."""
    return folder.parents[1] / "animegen-public"


def _note_public(info: ModelInfo, folder: Path) -> None:
    note = _public_note(folder)
    if info.private or info.gated:
        note.unlink(missing_ok=True)
    elif not note.exists():
        atomic_write_text(note, "")


def _choose_files(name: HubName, sizes: dict[str, int]) -> list[str]:
    """The files of a checkpoint in a repository, the config first; model.safetensors is preferred to shards."""
    weights = [WEIGHTS] if WEIGHTS in sizes else sorted(filter(is_weights_file, sizes))
    for missing in [file for file in (CONFIG,) if file not in sizes] or ([] if weights else [WEIGHTS]):
        raise AnimeGenError(f"'{name}' on the Hugging Face Hub is not an AnimeGen model: it has no {missing}.")
    chosen = [CONFIG, *(file for file in (CARD, DIRECTIONS) if file in sizes), *weights]
    for file in chosen:
        most = MAX_JSON if file in (CONFIG, CARD, INDEX) else _MAX_WEIGHTS
        if sizes[file] > most:
            raise AnimeGenError(f"{file} of '{name}' has {sizes[file]:,} bytes, more than the maximum of {most:,}.")
    if sum(sizes[file] for file in weights) > _MAX_WEIGHTS:
        raise AnimeGenError(f"The weights of '{name}' are larger than {_MAX_WEIGHTS:,} bytes, the maximum.")
    return chosen


def _check_config(name: HubName, path: Path) -> None:
    """Check that a config is of AnimeGen, before weights are downloaded; loading validates it fully."""
    config = read_json(path)
    if not isinstance(config, dict) or not isinstance(config.get("family"), str):
        raise AnimeGenError(f"'{name}' on the Hugging Face Hub is not an AnimeGen model: its {CONFIG} is of another program.")


@contextmanager
def plain_errors(name: HubName, unreached: str) -> Iterator[None]:
    """Convert errors of the Hub's client to one sentence; ``unreached`` is the consequence if the Hub cannot be reached."""
    try:
        yield
    except errors.GatedRepoError as error:  # before its parent, RepositoryNotFoundError
        reason = f"Request access to '{name.repo}' on its page on the Hugging Face Hub; then {LOG_IN}"
        raise AnimeGenError(reason) from error
    except errors.RepositoryNotFoundError as error:
        reason = f"There is no model '{name.repo}' on the Hugging Face Hub, or it is private; if it is yours, {LOG_IN}"
        raise AnimeGenError(reason) from error
    except errors.RevisionNotFoundError as error:
        raise AnimeGenError(f"'{name.repo}' on the Hugging Face Hub has no revision '{name.revision}'.") from error
    except errors.HfHubHTTPError as error:
        raise AnimeGenError(_refusal(name, error.response.status_code)) from error
    # ``errors.HTTPError`` is the base class of the client's HTTP package, which differs between versions.
    except (errors.HTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        why = "HF_HUB_OFFLINE is set" if isinstance(error, errors.OfflineModeIsEnabled) else "no network, or it is down"
        raise AnimeGenError(f"The Hugging Face Hub cannot be reached ({why}); {unreached}.") from error
    except AnimeGenError:
        raise
    except (ValueError, KeyError, TypeError, RuntimeError, OSError) as error:  # an invalid answer
        if getattr(error, "filename", None):  # an error of this computer
            raise
        cause = error.__cause__ if isinstance(error, RuntimeError) else error  # which says more
        reason = " ".join(str(cause).split())[:200]
        raise AnimeGenError(f"The answer of the Hugging Face Hub about '{name}' is invalid: {reason}") from error


def _refusal(name: HubName, status: int) -> str:
    if status == 401:
        return f"The Hugging Face Hub rejects the current token; {LOG_IN}"
    if status == 403:
        return f"You have no permission for '{name.repo}' on the Hugging Face Hub; log in as another user: hf auth login"
    return f"The Hugging Face Hub answered {status} about '{name}'; try again later."

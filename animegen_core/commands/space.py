"""Publishes the studio as a Hugging Face Space: the files of this clone that ``app.py`` needs.

The front matter of README.md sets what the Space runs, and its versions of Python and Gradio. The bundled checkpoints are
included. For another one set ``ANIMEGEN_CHECKPOINT`` to user/repo on the Space's settings page (see ``settings``). In the front
matter, ``models: [user/repo]`` links the two pages, and ``preload_from_hub: [user/repo]`` downloads the checkpoint when the
    Space
is built instead of at each start.
"""

import re
import subprocess
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

from animegen_core.checkpoint.hub import LOG_IN, TIMEOUT, plain_errors
from animegen_core.checkpoint.names import HubName
from animegen_core.errors import AnimeGenError, quote

ROOT = Path(__file__).resolve().parents[2]
_FILES = ("app.py", "requirements.txt", "README.md", "LICENSE")
_FOLDERS = ("animegen_core", "checkpoints")
_PICTURE = re.compile(r"""[("']([\w-][\w./-]*\.(?:png|jpg|gif|webp|svg))[)"']""")  # a link in Markdown or HTML


def space_files() -> list[str]:
    """Paths of the files that a Space needs: the program, the checkpoints, and the README with its images.

    Untracked files are left out: they may be notes, secrets or incomplete checkpoints.

    Raises:
        AnimeGenError: this is not a clone, for example because the package was installed with pip.
    """
    if missing := [name for name in (*_FILES, *_FOLDERS) if not (ROOT / name).exists()]:
        raise AnimeGenError(f"A Space is made from a clone of AnimeGen, but '{ROOT}' has no {missing[0]}.")
    pictures = set(_PICTURE.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    wanted = {name for name in _tracked() if name in {*_FILES, *pictures} or name.partition("/")[0] in _FOLDERS}
    return sorted(name for name in wanted if (ROOT / name).is_file())


def _tracked() -> list[str]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise AnimeGenError(
            f"A Space is made from the files that git tracks, but '{ROOT}' is not a clone, or git is missing."
        ) from error
    return listed.decode("utf-8", "replace").split("\0")


def publish(space: str, private: bool = False) -> str:
    """Create or update a Space in one commit. Returns its address.

    Files of an earlier version that no longer exist are removed.

    Args:
        space: "user/name".
        private: whether a new Space is private.

    Raises:
        AnimeGenError: this is not a clone, nobody is logged in, there is no permission or no network, the Space has another
            program, or ``private`` is set and the Space is public.
    """
    name = HubName.parse(space)
    if name is None or name.revision is not None:
        raise AnimeGenError(f"{quote(space)} cannot be a Space on the Hugging Face Hub; write user/name.")
    if get_token() is None:
        raise AnimeGenError(f"Nobody is logged in to the Hugging Face Hub; {LOG_IN}")
    files, api = space_files(), HfApi()
    with plain_errors(name, "nothing was published"):
        url = api.create_repo(name.repo, repo_type="space", space_sdk="gradio", private=private or None, exist_ok=True)
        info = api.space_info(name.repo, timeout=TIMEOUT)
        if private and not info.private:
            raise AnimeGenError(f"'{name}' is public already; make it private on the Hub first, or leave --private out.")
        there = {file.rfilename for file in info.siblings or ()}
        if "app.py" in there and not any(file.startswith("animegen_core/") for file in there):
            raise AnimeGenError(f"The Space '{name}' has another program than AnimeGen; give another name.")
        stale = [file for file in sorted(there - set(files)) if file.partition("/")[0] in _FOLDERS]
        operations = [CommitOperationAdd(file, str(ROOT / file)) for file in files] + list(map(CommitOperationDelete, stale))
        api.create_commit(name.repo, operations, commit_message="Upload AnimeGen", repo_type="space")
    return str(url)

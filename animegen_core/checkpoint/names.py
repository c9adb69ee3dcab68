"""Names: a checkpoint's files, the folder of bundled checkpoints, and models on the Hugging Face Hub."""

import re
from dataclasses import dataclass
from pathlib import Path

from animegen_core.errors import AnimeGenError, quote

BUNDLED = Path(__file__).resolve().parents[2] / "checkpoints"
CONFIG, CARD, DIRECTIONS = "config.json", "README.md", "directions.safetensors"
DEFAULT_CHECKPOINT = "portraits-64"  # loaded if no other is named


@dataclass(frozen=True)
class HubName:
    """A model on the Hub.

    Attributes:
        repo: "user/name".
        revision: a branch, tag or commit; None means the main branch.
    """

    repo: str
    revision: str | None

    @classmethod
    def parse(cls, text: str) -> "HubName | None":
        """Parse "user/repo" or "user/repo@revision"; None if the text is not such a name."""
        match = re.fullmatch(r"(\w[\w.-]*/\w[\w.-]*)(?:@(\w[\w.-]*(?:/\w[\w.-]*)*))?", text, re.ASCII)
        if match is None or len(text) > 200 or ".." in (match[2] or ""):
            return None
        from huggingface_hub import errors  # slow to import, and not needed for a local checkpoint
        from huggingface_hub.utils import validate_repo_id

        try:
            validate_repo_id(match[1])
        except errors.HFValidationError:
            return None
        return cls(match[1], match[2])

    @classmethod
    def require(cls, text: str) -> "HubName":
        """As ``parse``, but raises AnimeGenError if the text is not such a name."""
        name = cls.parse(text)
        if name is None:
            raise AnimeGenError(
                f"{quote(text)} cannot be a model on the Hugging Face Hub; write user/repo or user/repo@revision."
            )
        return name

    def __str__(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"

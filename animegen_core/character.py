"""Character: the small saved description of which a picture is a function."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from animegen_core.errors import AnimeGenError
from animegen_core.latents import check_seed


@dataclass(frozen=True)
class Character:
    """A face, described. The same description on the same checkpoint gives the same picture.

    Args:
        seed: whole number in [0, 4294967295]; the latent is drawn from it.

    Raises:
        AnimeGenError: a value is out of range.
    """

    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", check_seed(self.seed))  # NumPy's integers become plain ones, which JSON knows

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description, the inverse of ``from_dict``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> "Character":
        """Read a description back.

        Raises:
            AnimeGenError: it is no mapping, or a field is missing, unknown or out of range.
        """
        known = [f.name for f in fields(cls)]
        if not isinstance(description, dict):
            raise AnimeGenError(f"A character is described by the fields {', '.join(known)}, not by {description!r:.80}.")
        if unknown := sorted(set(description) - set(known)):
            raise AnimeGenError(f"Unknown field '{unknown[0]:.80}' in a character; known are: {', '.join(known)}.")
        if "seed" not in description:
            raise AnimeGenError("A character needs the field 'seed'.")
        return cls(**description)

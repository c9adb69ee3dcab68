"""Studio: a checkpoint plus what can be made with it. The interface and the command line talk to nothing else."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from animegen_core import images
from animegen_core.character import Character
from animegen_core.checkpoint import Checkpoint, load_checkpoint
from animegen_core.devices import find_device
from animegen_core.errors import AnimeGenError
from animegen_core.latents import seeds_to_z

_PROGRAM = "AnimeGen"


class Studio:
    """Renders characters with one checkpoint; safe to call from several threads.

    Args:
        checkpoint: the loaded generator.
        device: a torch device; by default CUDA if present, else the CPU.
    """

    def __init__(self, checkpoint: Checkpoint, device: str | torch.device | None = None) -> None:
        self.checkpoint = checkpoint
        self.device = find_device(device)
        self._generator = checkpoint.generator.to(self.device)
        self._lock = threading.Lock()  # torch's own threads fight when several callers render at once

    @classmethod
    def load(cls, name: str | Path, device: str | torch.device | None = None) -> "Studio":
        """Open a bundled checkpoint by name, or any by its folder.

        Raises:
            AnimeGenError: there is no such checkpoint, or it is damaged.
        """
        return cls(load_checkpoint(name), device)

    def render(self, character: Character) -> Image.Image:
        """The character's face: an RGB picture of the checkpoint's resolution."""
        return next(self.render_many([character]))

    def render_many(self, characters: Sequence[Character]) -> Iterator[Image.Image]:
        """The faces of several characters, one by one as they are drawn.

        Each goes through the network alone: convolutions of another batch size may round differently, and a face must not
        depend on its neighbours. On a CPU this is also no slower, as one face's activations stay in the cache.
        """
        for character in characters:
            z = seeds_to_z([character.seed], self._generator.latent_dim).to(self.device)
            with self._lock, torch.inference_mode():
                tensor = self._generator(z)
            yield images.to_pil(tensor)[0]

    def describe(self, character: Character) -> dict[str, Any]:
        """The description that a saved picture carries: program, checkpoint, weights' hash and character."""
        return {
            "program": _PROGRAM,
            "checkpoint": self.checkpoint.name,
            "checkpoint_hash": self.checkpoint.hash,
            "character": character.to_dict(),
        }


def read_character(description: dict[str, Any]) -> tuple[str, Character]:
    """Checkpoint name and character from a description made by ``Studio.describe``.

    Raises:
        AnimeGenError: the description is of another origin or damaged.
    """
    checkpoint = description.get("checkpoint")
    if description.get("program") != _PROGRAM or not isinstance(checkpoint, str):
        raise AnimeGenError("This description was not written by AnimeGen.")
    return checkpoint, Character.from_dict(description.get("character"))

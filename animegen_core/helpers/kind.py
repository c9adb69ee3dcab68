"""Saving and loading of helper networks: colour classifiers, the feature network and the upscaler.

Like a generator's checkpoint, each is a folder with config.json and model.safetensors, and is validated as strictly.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from animegen_core.checkpoint import CONFIG, find_checkpoint, load_network
from animegen_core.checkpoint.weights import read_json, save_weights
from animegen_core.errors import AnimeGenError, quote
from animegen_core.files import atomic_write_text


@dataclass(frozen=True)
class HelperKind:
    """One kind of helper network.

    Attributes:
        title: its name in messages, with an article.
        family: in config.json.
        key: of the network's arguments in config.json.
        network_class: class with a ``config`` of its arguments.
    """

    title: str
    family: str
    key: str
    network_class: type[nn.Module]

    def save(self, folder: str | Path, network: nn.Module, facts: dict[str, Any]) -> Path:
        """Write a network as config.json and model.safetensors, the config last.

        Args:
            facts: further entries of the config, such as data, licence and held-out figures.
        """
        folder = Path(folder)
        save_weights(folder, network)
        config = {"family": self.family, self.key: network.config, **facts}
        atomic_write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")
        return folder

    def load(self, name: str | Path) -> nn.Module:
        """Load a bundled network by name, or another by folder: on the CPU, in float32, in eval mode.

        Raises:
            AnimeGenError: it does not exist, is of another kind, or is damaged.
        """
        folder = find_checkpoint(name)
        config = read_json(folder / CONFIG)
        family = config.get("family") if isinstance(config, dict) else None
        if family != self.family or not isinstance(config.get(self.key), dict):
            raise AnimeGenError(f"'{name}' is not {self.title}: its {CONFIG} names the family {quote(family)}.")
        return load_network(folder, self.network_class, config[self.key])

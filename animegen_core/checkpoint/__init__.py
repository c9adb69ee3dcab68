"""Checkpoints: folders with config.json, safetensors and a card, local or on the Hugging Face Hub. No pickle."""

from animegen_core.checkpoint.format import (
    Checkpoint,
    bundled_configs,
    bundled_names,
    find_checkpoint,
    load_checkpoint,
    load_network,
    save_checkpoint,
)
from animegen_core.checkpoint.names import BUNDLED, CARD, CONFIG, DEFAULT_CHECKPOINT

__all__ = [
    "BUNDLED",
    "CARD",
    "CONFIG",
    "DEFAULT_CHECKPOINT",
    "Checkpoint",
    "bundled_configs",
    "bundled_names",
    "find_checkpoint",
    "load_checkpoint",
    "load_network",
    "save_checkpoint",
]

"""Checkpoints from and to the Hugging Face Hub: ``pull`` and ``push``."""

from animegen_core.checkpoint.hub import find, pull
from animegen_core.checkpoint.names import HubName
from animegen_core.checkpoint.publish import push

__all__ = ["HubName", "find", "pull", "push"]

"""Modules under the names that they had in earlier versions, such as ``animegen_core.labelling``."""

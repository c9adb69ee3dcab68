"""Modules under their names of earlier versions, such as ``animegen_core.labelling``."""

"""Finds directions in w: shifts that recolour hair and eyes, and named sliders."""

from animegen_core.steering.making import make_directions

__all__ = ["make_directions"]

"""Steers faces: directions in w that recolour hair and eyes, named sliders, and lines of words."""

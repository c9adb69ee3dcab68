"""``animegen_core.upscaling`` is ``animegen_core.helpers.upscaling``."""

from animegen_core.helpers.upscaling import *

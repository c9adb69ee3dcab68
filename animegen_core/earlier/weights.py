"""``animegen_core.weights`` is ``animegen_core.checkpoint.weights``."""

from animegen_core.checkpoint.weights import *

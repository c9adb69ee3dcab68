"""``animegen_core.labelling`` is ``animegen_core.helpers.labelling``."""

from animegen_core.helpers.labelling import *

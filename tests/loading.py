"""How tests open a checkpoint that they have damaged."""

import json

import pytest

from animegen_core.checkpoint import load_checkpoint
from animegen_core.errors import AnimeGenError


def refused(folder):
    """The sentence with which loading is refused."""
    with pytest.raises(AnimeGenError) as error:
        load_checkpoint(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def told_or_loaded(folder):
    """Whether loading worked; if not, it must have been told in one sentence."""
    try:
        json.dumps(load_checkpoint(folder).info())
    except AnimeGenError as error:
        assert len(str(error)) < 1000 and str(error).isprintable()
        return False
    return True

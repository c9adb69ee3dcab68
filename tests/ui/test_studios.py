"""A description's checkpoint is found by its name or by the hash of its weights."""

import shutil

import pytest

from animegen_core.errors import AnimeGenError
from animegen_core.studio import Studio
from animegen_core.ui.studios import Studios


@pytest.fixture
def trained(tiny_checkpoint, tmp_path):
    """A studio open with what a run wrote."""
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "00007-dcgan-64" / "checkpoint")
    return Studio.load(folder, "cpu")


def test_own_files_of_before_open_by_the_hash_of_their_weights(trained):
    studios = Studios(trained, hub=False)
    wanted = trained.checkpoint.hash
    for name in ("00007-dcgan-64", "checkpoint", "renamed"):
        assert studios.find(name, wanted) == "00007-dcgan-64"
    assert studios.find("dcgan-64", wanted) == "dcgan-64"  # a name that is here goes first
    assert studios.find("checkpoint", "000000000000") == "00007-dcgan-64"  # trained on since, as its user is told


@pytest.mark.parametrize("name, wanted", [("elsewhere", "abcdef012345"), ("elsewhere", ["a"]), ("elsewhere", "x" * 1000)])
def test_what_is_not_here_is_told_with_its_hash(trained, name, wanted):
    with pytest.raises(AnimeGenError, match=r"Unknown checkpoint 'elsewhere'.* The hash of its weights is") as error:
        Studios(trained, hub=False).find(name, wanted)
    assert str(wanted)[:12] in str(error.value) and len(str(error.value)) < 400

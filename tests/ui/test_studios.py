"""A description's checkpoint is found by its name or by the hash of its weights."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import test_hub
from waiting import eventually

from animegen_core.errors import AnimeGenError
from animegen_core.studio import Studio
from animegen_core.ui.studios import Studios

hub, published = test_hub.hub, test_hub.published  # fixtures: a Hub of this test's own, and a model there


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


def test_nobody_waits_for_the_download_of_another(trained, published):
    studios = Studios(trained)
    published.open.clear()
    with ThreadPoolExecutor(2) as visitors:
        both = [visitors.submit(studios.get, test_hub.REPO) for _ in range(2)]
        eventually(lambda: any("/resolve/" in request for request in published.requests))
        assert studios.get("dcgan-64").checkpoint.name == "dcgan-64"
        with pytest.raises(AnimeGenError):
            studios.get("nonesuch")
        assert not any(one.done() for one in both)
        published.open.set()
        first, second = (one.result() for one in both)
    assert first is second is studios.get(test_hub.REPO)
    assert sum(request.endswith("model.safetensors") for request in published.requests if request.startswith("GET")) == 1


def test_a_failed_download_is_told_to_all_and_tried_again(trained, published):
    studios = Studios(trained)
    published.private[test_hub.REPO] = True
    for _ in range(2):
        with pytest.raises(AnimeGenError, match="There is no model 'me/faces'"):
            studios.get(test_hub.REPO)
    published.private[test_hub.REPO] = False
    assert studios.get(test_hub.REPO).checkpoint.name == test_hub.REPO

"""What several files of this folder share."""

import pytest


@pytest.fixture(autouse=True)
def _quick_snapshots(quick_snapshots):
    """In all tests of this folder."""


@pytest.fixture
def tags(pictures):
    """A tag file of all of the pictures."""
    path = pictures.parent / "tags.csv"
    rows = [f"{p.name},{'pink' if i % 2 else ''},blue" for i, p in enumerate(sorted(pictures.iterdir()))]
    path.write_text("\n".join(["file,hair,eyes", *rows]))
    return path

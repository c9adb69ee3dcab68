"""The card of a checkpoint, which somebody else may have written."""

import re
import shutil

import pytest

from animegen_core.studio import Studio
from animegen_core.ui.about import _card


@pytest.mark.parametrize(
    "text",
    [
        "text ![t](http://example.com/a.png) more",
        "text !![t](http://example.com/a.png)",
        "![t][1]\n\n[1]: http://example.com/a.png",
        "<img src=http://example.com/a.png>",
        "<<b>img src=http://example.com/a.png>",
        "text <iframe src='http://example.com/a'",
        "text <img src='http://example.com/a'\nonerror=x",
        "```mermaid\nA@{ img: 'http://example.com/a.png' }\n```",
        "- > ~~~ mermaid\nA\n~~~",
    ],
)
def test_nothing_in_a_card_is_fetched_when_it_is_shown(tiny_checkpoint, tmp_path, text):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    (folder / "README.md").write_text(f"# Title\n\nFine words.\n\n{text}\n", encoding="utf-8")
    shown = _card(Studio.load(folder, "cpu"))
    assert "Fine words." in shown
    assert not re.search(r"!\s*\[|<|mermaid\n", shown)


def test_nor_in_what_a_config_says(tiny_checkpoint):
    studio = Studio.load(tiny_checkpoint, "cpu")
    studio.checkpoint.config["licence"] = "mit ![t](http://example.com/a.png) <img src=http://example.com/b.png>"
    assert "mit [t](http://example.com/a.png)" in _card(studio)
    assert "<img" not in _card(studio)

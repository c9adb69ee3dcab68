"""What the controls of colours mean while a face is kept."""

import pytest

from animegen_core import Character
from animegen_core.ui.change import recoloured, shown_colours

PINK = Character(3, "pink", lineage=((7, "all", 0.5),))


@pytest.mark.parametrize(
    "hair, eyes, expected",
    [
        ("blue", "any", ("blue", None)),
        ("pink", "any", (None, None)),  # its own
        ("any", "green", (None, "green")),
    ],
)
def test_colours_of_the_controls_recolour_a_kept_face(hair, eyes, expected):
    kept = recoloured(PINK, hair, eyes)
    assert (kept.hair, kept.eyes, kept.lineage) == ("pink", None, PINK.lineage)
    assert (kept.recolour_hair, kept.recolour_eyes) == expected
    assert recoloured(kept, "any", "any") == PINK
    assert recoloured(PINK, *shown_colours(kept)) == kept

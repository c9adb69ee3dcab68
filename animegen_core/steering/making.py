"""Makes the directions of a checkpoint, and writes them beside its weights and into its card."""

import re
from pathlib import Path
from typing import Any

import torch

from animegen_core.checkpoint import CARD
from animegen_core.checkpoint.directions import Directions, save_directions
from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_write_text
from animegen_core.steering.faces import Faces
from animegen_core.steering.judging import Recoloured, judge_recolouring
from animegen_core.steering.recolouring import learn_recolouring
from animegen_core.steering.sliders import fit, judge_sliders, sample
from animegen_core.studio import Studio

_TITLE = "## Recolouring and sliders"
_SECTION = re.compile(rf"^{_TITLE}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def make_directions(
    studio: Studio, steps: int = 300, learned_on: int = 240, count: int = 1800, judged: int = 100, measured: int = 24
) -> str:
    """Find directions, and write directions.safetensors and a section of the card. Returns the section.

    Args:
        studio: of a checkpoint with styles in a folder of this computer.
        steps: of learning to recolour.
        learned_on: number of faces for that.
        count: number of faces from which sliders are found.
        judged: number of faces on which recolouring is measured.
        measured: number of faces on which each slider is measured.

    Raises:
        AnimeGenError: the checkpoint has no styles, or no colours with their frequencies.
    """
    checkpoint = studio.checkpoint
    if not studio.capabilities.styles or "label_frequencies" not in checkpoint.config:
        raise AnimeGenError(f"Checkpoint '{checkpoint.name}' has no styles, or no hair and eye colours, so no directions.")
    faces = Faces(checkpoint, studio.usual_psi)
    recolouring = learn_recolouring(faces, steps, learned_on)
    with torch.no_grad():
        found, explained = fit(faces, sample(faces, recolouring, count))
        sliders, facts = judge_sliders(faces, recolouring, found, explained, measured)
    save_directions(checkpoint.path, Directions(checkpoint.hash, sliders, recolouring, facts))
    section = section_of(judge_recolouring(faces, recolouring, judged), judged, facts, measured)
    write_section(checkpoint.path / CARD, section)
    return section


def section_of(figures: dict[str, Recoloured], judged: int, facts: dict[str, dict[str, Any]], measured: int) -> str:
    """The section of a checkpoint's card that says how well recolouring works, in Markdown."""
    lines = [
        _TITLE,
        "",
        f"{judged} faces recoloured to every colour but their own, against choosing another label, which draws another face.",
        "Colour: fraction that `judge-64` sees as wanted. Distance to the face before: in features of EfficientNet-Lite1 of",
        "the grey image; for hair, its pixels are masked.",
        "",
        "| | colour, recoloured | colour, another label | distance, recoloured | distance, another label |",
        "|---|---|---|---|---|",
    ]
    for attribute, each in figures.items():
        colours, distances = (
            f"{each.accuracy:.0%} | {each.label_accuracy:.0%}",
            f"{each.distance:.1f} | {each.label_distance:.1f}",
        )
        lines.append(f"| {attribute} | {colours} | {distances} |")
    lines += [
        "",
        f"Sliders at strength 1, measured on {measured} faces, in standard deviations of the measure over faces. Broken:",
        "faces, at strength 1 or -1, farther from all others (features of `features-64`) than 95 % of unmoved ones; 5 % at",
        "strength 0. Explained: of the measure's variance, by the regression on other faces.",
        "",
        "| slider | measure | effect | also moves | broken | explained |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in facts.items():
        moved = f"{each['also moves']} {each['by']:+.2f}"
        figures = f"{each['effect']:.2f} | {moved} | {each['broken']:.0%} | {each['explained']:.0%}"
        lines.append(f"| {name} | {each['measure']} | {figures} |")
    return "\n".join([*lines, ""])


def write_section(card: Path, section: str) -> None:
    """Put the section into a card, in place of an earlier one, else before the known flaws or at the end."""
    text = card.read_text(encoding="utf-8") if card.exists() else ""
    if _SECTION.search(text):
        text = _SECTION.sub(lambda _: f"{section}\n", text)
    else:
        before, flaws, after = text.partition("## Known flaws\n")
        text = f"{before}{section}\n{flaws}{after}" if flaws else f"{text.rstrip()}\n\n{section}"
    atomic_write_text(card, text.rstrip() + "\n")

"""Tests the measures: real images with increasing damage must score increasingly worse.

python -m animegen_core.evaluation.sensitivity PICTURES TAGS
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from animegen_core.data import load_pictures
from animegen_core.data.tags import read_labels
from animegen_core.evaluation import spectrum
from animegen_core.evaluation.damages import apply, blurred, chequered, eyes_smeared, noised
from animegen_core.evaluation.distances import frechet_distance, kernel_distance
from animegen_core.evaluation.manifolds import manifold_scores
from animegen_core.evaluation.splits import split
from animegen_core.helpers.features import extract, random_space, real_features, trained_space
from animegen_core.labels import ANY

DAMAGES: dict[str, tuple[Callable[[Tensor, float], Tensor], tuple[float, ...]]] = {
    "blurred, sigma {:g} px": (blurred, (0.5, 1, 2)),
    "noise of {:g} levels": (noised, (5, 15, 30)),
    "chequered by {:g} levels": (chequered, (1, 2, 5)),
    "eyes smeared over {:g} px": (eyes_smeared, (5, 9, 17)),
}


def sensitivity(path: str | Path, tags: str | Path, samples: int = 2000) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and scores of each damaged set, the undamaged first.

    Args:
        path: real images.
        tags: a tag file, for leaving out hair colours.
        samples: images in each set; the other images are the reference.
    """
    cache = load_pictures(path)
    chosen = split(len(cache.names), samples)
    spaces = (trained_space(), random_space())
    parts = {space.title: chosen.parts(real_features(cache, space)) for space in spaces}
    pictures = cache.pictures[np.sort(chosen.floor_images)]
    usual = spectrum.fold_spectra(cache.pictures[np.sort(chosen.reference[:samples])])

    def scores(features: dict[str, Tensor], changed: np.ndarray | None) -> dict[str, float]:
        found = {}
        for title, (reference, _) in parts.items():
            own = features[title]
            manifold = manifold_scores(reference[: chosen.count], own)
            found |= {
                f"FD-{title}": frechet_distance(reference, own),
                f"KID-{title} x 1000": 1000 * kernel_distance(reference[: chosen.count], own),
                **{f"{name}-{title}": float(values.mean()) for name, values in vars(manifold).items()},
            }
        if changed is not None:
            spectra = spectrum.fold_spectra(changed)
            found |= {name: getattr(spectrum, name)(spectra, usual) for name in ("sharpness", "checkerboard")}
        return found

    own = {title: floor_images for title, (_, floor_images) in parts.items()}
    yield "undamaged", scores(own, pictures)
    for name, (damage, strengths) in DAMAGES.items():
        for strength in strengths:
            changed = apply(damage, pictures, strength)
            yield name.format(strength), scores({s.title: extract(s.network, changed) for s in spaces}, changed)
    for kept in (chosen.count // 4, chosen.count // 16, chosen.count // 64):
        again = torch.arange(chosen.count) % kept
        yield f"only {kept} different faces", scores({title: features[again] for title, features in own.items()}, None)
    hair = read_labels(tags, cache.names)[:, 0]
    frequent = torch.bincount(hair[hair != ANY]).argsort(descending=True)
    others = torch.from_numpy(chosen.reference[chosen.count :])  # a larger set, with enough images of every colour
    for left_out in (1, 3, 6):
        rows = others[~torch.isin(hair[others], frequent[:left_out])][: chosen.count]
        features = {space.title: real_features(cache, space)[rows] for space in spaces}
        yield f"without the {left_out} most frequent hair colours", scores(features, None)


def main(
    pictures: Annotated[Path, typer.Argument(help="Folder or zip of faces.")],
    tags: Annotated[Path, typer.Argument(help="Tag file of them.")],
) -> None:
    """Print the table of docs/evaluation.md."""
    for name, scores in sensitivity(pictures, tags):
        typer.echo(f"{name:45}" + "  ".join(f"{key} {value:.4g}" for key, value in scores.items()))


if __name__ == "__main__":
    typer.run(main)

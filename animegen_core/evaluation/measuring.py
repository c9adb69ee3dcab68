"""``evaluate``: all measures of a checkpoint."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from animegen_core.character import Character
from animegen_core.data import load_pictures
from animegen_core.data.cache import PictureCache
from animegen_core.data.tags import LEAST_PROBABILITY, read_labels
from animegen_core.errors import AnimeGenError
from animegen_core.evaluation import spectrum
from animegen_core.evaluation.colours import ColourScore, colour_scores, known_accuracies, real_accuracies
from animegen_core.evaluation.distances import frechet_distance, frechet_interval, kernel_interval
from animegen_core.evaluation.drawing import characters, draw
from animegen_core.evaluation.inception import inception_scores
from animegen_core.evaluation.intervals import Interval, bootstrap, jackknife, of_mean
from animegen_core.evaluation.manifolds import manifold_scores, nearest
from animegen_core.evaluation.path_length import path_length
from animegen_core.evaluation.results import Evaluation, Measure
from animegen_core.evaluation.similarity import pair_similarities
from animegen_core.evaluation.splits import LEAST, Split, split
from animegen_core.evaluation.wasserstein import sliced_wasserstein
from animegen_core.helpers.features import FeatureSpace, extract, imagenet_space, random_space, real_features, trained_space
from animegen_core.helpers.upscaling import loaded_enlarger
from animegen_core.latents import MAX_SEED
from animegen_core.studio import Studio

MOST = 100_000  # faces; the tables of distances grow with the square
_SWD_PICTURES, _SWD_FOLDS = 4096, 4
_NEIGHBOURS = 2000  # faces whose nearest real image is searched
_CLOSEST = 16  # pairs on the sheet of neighbours
_SHOWN = 500  # points of a plot


class _Comparison:
    """The faces, the real images, and common data of several measures."""

    def __init__(
        self,
        studio: Studio,
        cache: PictureCache,
        chosen: Split,
        drawn: list[Character],
        held_out: PictureCache | None = None,
    ) -> None:
        self.studio, self.cache, self.chosen, self.drawn, self.held_out = studio, cache, chosen, drawn, held_out
        self.fakes = draw(studio, drawn)
        self.floor_images = cache.pictures[np.sort(chosen.floor_images)]
        self.trained, self.untrained = trained_space(), random_space()
        self.spaces, self.notes = [self.trained, self.untrained], []
        try:
            self.spaces.insert(0, imagenet_space(cache.pictures.shape[1]))
        except AnimeGenError as error:
            self.notes.append(f"FD-imagenet and the other measures in ImageNet features were left out: {error}")
        for space in self.spaces:
            space.network.to(studio.device)
        self.measures: dict[str, Measure] = {}
        self.curves: dict[str, Any] = {}
        self.features: tuple[Tensor, Tensor, Tensor] = ()  # of reference, floor images and faces

    def measure(self) -> None:
        """Run all measures except those of colours."""
        steps: list[Callable[[], None]] = [
            *(partial(self.distances, space) for space in self.spaces),
            self.patches,
            self.similarity,
            self.path_length,
            self.spectra,
            self.neighbours,
            self.map,
        ]
        for step in tqdm(steps, "measuring", unit="step", leave=False):
            step()

    def inception(self) -> None:
        """FID, KID and IS, if the Inception weights are installed, or a note with the reason."""
        found, sentence = inception_scores(self.floor_images, self.fakes)
        for key, interval in found.items():
            self.add(key, interval)
        self.notes += [sentence] if sentence else []

    def add(self, key: str, interval: Interval, floor: float | None = None) -> None:
        self.measures[key] = Measure.of(key, interval, floor)

    def distances(self, space: FeatureSpace) -> None:
        """FD, KID, precision, recall, density and coverage in one space."""
        reference, floor_images = self.chosen.parts(real_features(self.cache, space))
        fakes = extract(space.network, self.fakes, f"faces ({space.title})")
        if space is self.trained:
            self.features = reference, floor_images, fakes
        self.add(f"fd_{space.title}", frechet_interval(reference, fakes), frechet_distance(reference, floor_images))
        self.add(f"kid_{space.title}", kernel_interval(reference, fakes), kernel_interval(reference, floor_images).value)
        equal = reference[: self.chosen.count]
        scores, floors = vars(manifold_scores(equal, fakes)), vars(manifold_scores(equal, floor_images))
        for name, values in scores.items():
            self.add(f"{name}_{space.title}", of_mean(values), floors[name].mean())
        if self.held_out is not None and space is self.spaces[0]:
            self.copying(real_features(self.cache, space), fakes, real_features(self.held_out, space))

    def copying(self, real: Tensor, fakes: Tensor, held_out: Tensor) -> None:
        """Distance of faces to the nearest of all real images, relative to that of images kept out of training."""
        near_fake, near_new = nearest(fakes[:_NEIGHBOURS], real)[0], nearest(held_out, real)[0]
        self.add("nearest_held_out", bootstrap(_ratio_of_medians, near_fake, near_new), 1)

    def patches(self) -> None:
        """Sliced Wasserstein distance."""
        real = self.cache.pictures[np.sort(self.chosen.reference[:_SWD_PICTURES])]
        levels = sliced_wasserstein(real, self.fakes)
        parts = zip(np.array_split(real, _SWD_FOLDS), np.array_split(self.fakes[:_SWD_PICTURES], _SWD_FOLDS))
        # Smaller sets have larger distances, so parts are only used for the variance.
        folds = of_mean([_mean(sliced_wasserstein(*part)) for part in parts])
        error = folds.value - folds.low
        value = _mean(levels)
        self.add("swd", Interval(value, value - error, value + error), _mean(sliced_wasserstein(real, self.floor_images)))
        self.curves["swd"] = {str(side): level for side, level in levels.items()}

    def similarity(self) -> None:
        """MS-SSIM of pairs."""
        self.add("ms_ssim", of_mean(pair_similarities(self.fakes)), pair_similarities(self.floor_images).mean())

    def path_length(self) -> None:
        """Perceptual path length."""
        self.add("path_length", path_length(self.studio.checkpoint.generator, self.trained.network))

    def spectra(self) -> None:
        """Checkerboard and sharpness."""
        real = self.cache.pictures[np.sort(self.chosen.reference[: self.chosen.count])]
        real, floor_images, fakes = (spectrum.fold_spectra(pictures) for pictures in (real, self.floor_images, self.fakes))
        for name, measure in (("checkerboard", spectrum.checkerboard), ("sharpness", spectrum.sharpness)):
            ratio = jackknife(lambda folds, measure=measure: measure(fakes, real, folds), spectrum.FOLDS)
            self.add(name, ratio, measure(floor_images, real))
        frequency, power = spectrum.radial(real)
        self.curves["spectrum"] = {
            "frequency": frequency.tolist(),
            "real": power.tolist(),
            "faces": spectrum.radial(fakes)[1].tolist(),
        }

    def neighbours(self) -> None:
        """Distance to the nearest real image."""
        reference, floor_images, fakes = self.features
        near_fake, whose = nearest(fakes[:_NEIGHBOURS], reference)
        near_real, _ = nearest(floor_images[:_NEIGHBOURS], reference)
        self.add("nearest_ratio", bootstrap(_ratio_of_medians, near_fake, near_real), 1)
        self.curves["closest"] = [
            {
                "character": self.drawn[face].to_dict(),
                "file": self.cache.names[self.chosen.reference[whose[face]]],
                "distance": round(float(near_fake[face]), 3),
            }
            for face in near_fake.argsort()[:_CLOSEST].tolist()
        ]
        self.curves["nearest"] = {"real": _rounded(near_real[:_SHOWN]), "faces": _rounded(near_fake[:_SHOWN])}

    def map(self) -> None:
        """Faces and real images on the first two principal components of real features."""
        reference, _, fakes = self.features
        mean = reference.mean(0)
        axes = torch.linalg.eigh(torch.cov((reference - mean).T.double())).eigenvectors[:, -2:].float()
        axes = axes * axes[axes.abs().argmax(0), [0, 1]].sign()  # the sign of eigenvectors is arbitrary
        self.curves["map"] = {
            name: _rounded((part[:_SHOWN] - mean) @ axes) for name, part in (("real", reference), ("faces", fakes))
        }


def evaluate(
    studio: Studio | str | Path,
    real_path: str | Path,
    samples: int = 10_000,
    seed: int = 0,
    psi: float = 1.0,
    tags: str | Path | None = None,
    inception: bool = False,
    upscale_small: bool = False,
    held_out: str | Path | None = None,
) -> Evaluation:
    """Measure a checkpoint's faces, without downloads.

    The real images are usually the training data, as is the custom of the field. They are resized to the checkpoint's
    resolution.

    Args:
        studio: a studio, or a checkpoint's name or folder.
        real_path: a folder or zip of real images.
        samples: number of faces; at most half the number of real images are used.
        seed: of the first face; the others follow.
        psi: truncation psi; distances are usually measured at 1.
        tags: a tag file of the real images. A conditional checkpoint then gets colours with these frequencies, and none for
            tags below the probability threshold, as in training.
        inception: also FID, KID and IS, if the Inception weights are installed; slow on a CPU.
        upscale_small: as in ``load_real_pictures``.
        held_out: a folder or zip of images like the real ones, but kept out of training, to detect copying.

    Raises:
        AnimeGenError: a path or number is invalid, or there are too few images.
    """
    began = time.monotonic()
    _check_numbers(samples, seed)
    studio = studio if isinstance(studio, Studio) else Studio.load(studio)
    cache = load_real_pictures(studio, real_path, upscale_small)
    chosen = split(len(cache.names), samples)
    labels = None if tags is None else read_labels(tags, cache.names, LEAST_PROBABILITY)
    new = None if held_out is None else load_real_pictures(studio, held_out, upscale_small)
    comparison = _Comparison(studio, cache, chosen, characters(studio, chosen.count, seed, psi, labels), new)
    comparison.measure()
    if inception:
        comparison.inception()
    return Evaluation(
        checkpoint=studio.checkpoint.info(),
        real=Path(real_path).name,
        real_pictures=len(cache.names),
        samples=chosen.count,
        seed=seed,
        psi=float(psi),
        looks=_looks(studio, labels),
        measures=comparison.measures,
        colours=_colours(studio, cache, psi, seed, labels),
        curves=comparison.curves,
        notes=_notes(cache, chosen, samples) + comparison.notes,
        seconds=round(time.monotonic() - began, 1),
    )


def load_real_pictures(studio: Studio, path: str | Path, upscale_small: bool = False) -> PictureCache:
    """Real images in the resolution of a checkpoint.

    Args:
        path: a folder or zip.
        upscale_small: enlarge smaller ones with the upscaler, as ``train.py --upscale-small``, instead of by interpolation.

    Raises:
        AnimeGenError: the path has no images, or there is no upscaler.
    """
    return load_pictures(path, studio.checkpoint.generator.resolution, enlarge=loaded_enlarger() if upscale_small else None)


def _check_numbers(samples: int, seed: int) -> None:
    """Raise AnimeGenError if a number is out of range."""
    if not LEAST <= samples <= MOST:
        raise AnimeGenError(f"samples is {samples}, but must be from {LEAST} to {MOST:,}.")
    if not 0 <= seed <= MAX_SEED - MOST:
        raise AnimeGenError(
            f"seed is {seed}, but must be from 0 to {MAX_SEED - MOST}, because the faces have the following seeds."
        )


def _colours(
    studio: Studio, cache: PictureCache, psi: float, seed: int, labels: Tensor | None
) -> dict[str, dict[str, ColourScore]] | None:
    """How often faces have the chosen colours; None without labels."""
    if not studio.capabilities.labels:
        return None
    real = known_accuracies() if labels is None else real_accuracies(cache.pictures, labels)
    return colour_scores(studio, psi, seed, labels, real)


def _notes(cache: PictureCache, chosen: Split, samples: int) -> list[str]:
    notes = [cache.skipped_message] if cache.skipped else []
    if cache.enlarged:
        way = "interpolation" if cache.interpolated else "the upscaler"
        notes.append(
            f"{cache.enlarged:,} of the real images were smaller than {cache.pictures.shape[1]} px: {way} enlarged them."
        )
    if chosen.count < samples:
        notes.append(
            f"{chosen.count:,} faces were compared, not {samples:,}: at most half as many as the {len(cache.names):,} real "
            "images, because the other half gives the floor."
        )
    return notes


def _looks(studio: Studio, labels: Tensor | None) -> str:
    if not studio.capabilities.labels:
        return "no colours to choose"
    return "any colours" if labels is None else "colours as frequent as the tags'"


def _ratio_of_medians(a: Tensor, b: Tensor) -> float:
    return float(a.median() / b.median())


def _mean(levels: dict[int, float]) -> float:
    return sum(levels.values()) / len(levels)


def _rounded(values: Tensor) -> list:
    return np.round(values.numpy().astype(float), 3).tolist()

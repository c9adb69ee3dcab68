"""Measures a run's faces during training and keeps its best snapshot."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from animegen_core.checkpoint import Checkpoint
from animegen_core.errors import AnimeGenError
from animegen_core.evaluation.distances import frechet_distance
from animegen_core.evaluation.drawing import characters, draw
from animegen_core.evaluation.splits import LEAST
from animegen_core.files import atomic_write_text
from animegen_core.helpers.features import extract, imagenet_space, real_features, trained_space
from animegen_core.studio import Studio

SCORE = "score.json"
FACES = 2000  # enough to rank snapshots of one run; ``evaluate`` uses 10,000


class BestSnapshot:
    """Scores generators by a Frechet distance (lower is better) and keeps the best checkpoint of a run.

    The faces have the first 2,000 seeds at psi 1; a conditional family draws labels as frequent as in the data. They are
    compared with all training images. ``evaluate`` draws more faces, so its scores are mostly lower: compare within a run only.
    Measuring draws no random numbers from torch, so it does not change training.

    Args:
        folder: where the best checkpoint is kept, with ``score.json``. A resumed run continues from the score there if it has
            the same features and number of faces.
        dataset: with an attribute ``pictures``, a uint8 array (N, H, W, 3), as ``data.make_loader`` makes it. Features of an
            image cache are saved beside it; ``evaluate`` uses the same file.
        labels: int64 (N, attributes) of these images; None for a family without labels.
        device: where faces are drawn and their features computed.
        features: "anime" for FD-anime, "imagenet" for FD-imagenet.

    Raises:
        AnimeGenError: the dataset has no images, or too few; or the feature network is missing.
    """

    def __init__(
        self, folder: Path, dataset: Dataset, labels: Tensor | None, device: torch.device, features: str = "anime"
    ) -> None:
        pictures = getattr(dataset, "pictures", None)
        if not isinstance(pictures, np.ndarray):
            raise AnimeGenError(
                f"evaluate_every needs a dataset of images as animegen_core.data.make_loader makes it, "
                f"not a {type(dataset).__name__}."
            )
        if len(pictures) < LEAST:
            raise AnimeGenError(f"There are {len(pictures)} images, but evaluate_every needs at least {LEAST}.")
        self.folder, self.labels, self.device = folder, labels, device
        self.space = trained_space() if features == "anime" else imagenet_space(pictures.shape[1])
        self.key, self.title = f"fd_{features}", f"FD-{features}"
        self.space.network.to(device)
        cached = isinstance(pictures, np.memmap)
        self.real = real_features(dataset, self.space) if cached else extract(self.space.network, pictures)
        self.facts = {"faces": FACES, "features": self.space.key}
        self.score = self._found()

    def measure(self, family: str, generator: nn.Module) -> float:
        """The Frechet distance of a generator in eval mode."""
        studio = Studio(Checkpoint("the run's", generator, {"family": family}, "", self.folder), self.device)
        faces = draw(studio, characters(studio, FACES, 0, 1.0, self.labels))
        return frechet_distance(self.real, extract(self.space.network, faces, "faces"))

    def keep(self, score: float, images_seen: int, save: Callable[[Path], object]) -> bool:
        """Call ``save`` with the folder if the score is the best so far, and return whether it is."""
        if self.score is not None and score >= self.score:
            return False
        save(self.folder)
        # The score is written last. A run killed in between has a checkpoint with an older score, which the next best one
        # replaces.
        facts = {self.key: score, "images_seen": images_seen, **self.facts}
        atomic_write_text(self.folder / SCORE, json.dumps(facts, indent=2) + "\n")
        self.score = score
        return True

    def _found(self) -> float | None:
        """The best score of the run so far; None if no comparable one was saved."""
        try:
            found = json.loads((self.folder / SCORE).read_text(encoding="utf-8"))
            return float(found[self.key]) if self.facts.items() <= found.items() else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

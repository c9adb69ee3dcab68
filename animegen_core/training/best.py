"""How good a run's faces are while it trains, and which of its snapshots was best."""

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
FACES = 2000  # enough to tell snapshots of one run apart; a final figure deserves the 10,000 of ``evaluate``


class BestSnapshot:
    """Scores generators by a Frechet distance, the lower the better, and keeps the best checkpoint of a run.

    The faces are those that the studio shows for the first 2,000 seeds at creativity 1, of a conditional family in colours as
    frequent as the data's; they are compared with all training pictures. Scores of one run compare with each other; those of
    ``evaluate``, which draws more faces, are mostly lower. No random number of torch's is drawn, so training goes on unchanged.

    Args:
        folder: the best checkpoint's, with ``score.json`` beside its weights. A score that is found there, of the same
            features and as many faces, is one to beat: so a resumed run remembers.
        dataset: with ``pictures``, a uint8 array (N, H, W, 3), as ``data.make_loader`` makes it. Features of a picture cache
            are kept in a file beside it, which ``evaluate`` shares.
        labels: int64 (N, attributes) of these pictures; None for a family without.
        device: where faces are drawn and looked at.
        features: "anime" for FD-anime, "imagenet" for FD-imagenet.

    Raises:
        AnimeGenError: the dataset has no pictures, or too few; or the feature network is missing.
    """

    def __init__(
        self, folder: Path, dataset: Dataset, labels: Tensor | None, device: torch.device, features: str = "anime"
    ) -> None:
        pictures = getattr(dataset, "pictures", None)
        if not isinstance(pictures, np.ndarray):
            raise AnimeGenError(
                f"evaluate_every needs a dataset of pictures as animegen_core.data.make_loader makes it, "
                f"not a {type(dataset).__name__}."
            )
        if len(pictures) < LEAST:
            raise AnimeGenError(f"There are {len(pictures)} pictures, but evaluate_every needs at least {LEAST}.")
        self.folder, self.labels, self.device = folder, labels, device
        self.space = trained_space() if features == "anime" else imagenet_space(pictures.shape[1])
        self.key, self.title = f"fd_{features}", f"FD-{features}"
        self.space.network.to(device)
        cached = isinstance(pictures, np.memmap)
        self.real = real_features(dataset, self.space) if cached else extract(self.space.network, pictures)
        self.facts = {"faces": FACES, "features": self.space.key}
        self.score = self._found()

    def measure(self, family: str, generator: nn.Module) -> float:
        """The distance of a generator in eval mode."""
        studio = Studio(Checkpoint("the run's", generator, {"family": family}, "", self.folder), self.device)
        faces = draw(studio, characters(studio, FACES, 0, 1.0, self.labels))
        return frechet_distance(self.real, extract(self.space.network, faces, "faces"))

    def keep(self, score: float, images_seen: int, save: Callable[[Path], object]) -> bool:
        """Let ``save`` write the checkpoint into the folder if its score is the best so far, and say whether it was."""
        if self.score is not None and score >= self.score:
            return False
        save(self.folder)
        # Last: a run that is killed in between has a checkpoint better than its score, which the next best one replaces.
        facts = {self.key: score, "images_seen": images_seen, **self.facts}
        atomic_write_text(self.folder / SCORE, json.dumps(facts, indent=2) + "\n")
        self.score = score
        return True

    def _found(self) -> float | None:
        """The best score of the run so far; None if there is none that compares."""
        try:
            found = json.loads((self.folder / SCORE).read_text(encoding="utf-8"))
            return float(found[self.key]) if self.facts.items() <= found.items() else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

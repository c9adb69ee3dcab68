"""Training of the feature network on three tasks at once, which need only faces and their colours.

1. Two views of an image, one with changed colours, must find each other in a batch (SimCLR, Chen et al. 2020,
   https://arxiv.org/abs/2002.05709). This makes features represent shape.
2. A view may be warped, contain a piece of another face, be soft or noisy; the network must recognise which. This makes
   features represent typical faults of generators.
3. The network must recognise hair and eye colours. This makes features represent missing colours.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.data import load_pictures
from animegen_core.data.tags import read_labels
from animegen_core.evaluation.damages import apply, blurred, noised
from animegen_core.helpers.features import FEATURE_NETWORK, FeatureNetwork
from animegen_core.images import to_images
from animegen_core.labels import ANY, LABEL_DIMS
from animegen_core.training.helpers.labelled import LabelledOptions, LabelledTrainer
from animegen_core.training.helpers.runs import HelperRun, run_in
from animegen_core.training.options import option
from animegen_core.training.resumable import Stats

DAMAGES = ("none", "warped", "pasted", "soft", "noisy")
_TEMPERATURE = 0.2  # softmax temperature of the similarities between views
_STANDARD, _SLIGHTLY_CHANGED = 4096, 2000  # images from which features are standardised, and balanced
_SLIGHT = ((blurred, 0.7), (noised, 8))  # changes to which features should react little: blur in px, noise in levels of 255
_JUDGED = 1024  # held-out images on which the tasks are evaluated


@dataclass(frozen=True, kw_only=True)
class PretrainingOptions(LabelledOptions):
    """How a feature network is trained.

    Raises:
        AnimeGenError: a value is out of range.
    """

    epochs: float = option(3.0, "Passes over the images.")
    least_probability: float = option(0.5, "Colours of a lower probability count as unknown.")


class Tasks(nn.Module):
    """The heads of the three tasks; they are needed for training only.

    Args:
        feature_dim: length of the features.
    """

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(feature_dim, affine=False)
        self.damage = nn.Linear(feature_dim, len(DAMAGES))
        self.colours = nn.Linear(feature_dim, sum(LABEL_DIMS))
        self.project = nn.Sequential(
            nn.Linear(feature_dim, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 64)
        )

    def losses(self, features: Tensor, damages: Tensor, labels: Tensor) -> Tensor:
        """Losses of the three tasks, (3,).

        Args:
            features: (2 N, D), of the N views in true colours, then of the N views in changed colours.
            damages: int64 (2 N,), the damage of each view, an index into ``DAMAGES``.
            labels: int64 (N, 2), -1 where unknown.
        """
        features = self.norm(features)
        logits = self.colours(features[: len(labels)]).split(LABEL_DIMS, 1)
        colours = [F.cross_entropy(part, labels[:, c], ignore_index=ANY) for c, part in enumerate(logits)]
        same = contrastive_loss(self.project(features))
        return torch.stack([same, F.cross_entropy(self.damage(features), damages), torch.stack(colours).nansum()])


def contrastive_loss(projected: Tensor) -> Tensor:
    """NT-Xent (Chen et al. 2020, eq. 1) of vectors (2 N, D); i and N + i are views of the same image."""
    count = len(projected) // 2
    unit = F.normalize(projected.float())
    similarity = (unit @ unit.T / _TEMPERATURE).fill_diagonal_(-torch.inf)
    return F.cross_entropy(similarity, torch.arange(2 * count).roll(count))


def damaged_view(images: Tensor) -> tuple[Tensor, Tensor]:
    """A random view of each image (N, 3, S, S) in [-1, 1] and its damage: int64 (N,), indices into ``DAMAGES``.

    Views are zoomed, shifted, rotated a little and mirrored.
    """
    count = len(images)
    damages = torch.randint(-1, len(DAMAGES), (count,)).clamp_min(0)  # a third is undamaged
    zoom, angle = torch.empty(count).uniform_(0.75, 1), torch.empty(count).uniform_(-0.2, 0.2)
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    shift = torch.empty(2, count).uniform_(-1, 1) * (1 - zoom)
    rows = [
        zoom * mirror * angle.cos(),
        -zoom * angle.sin(),
        shift[0],
        zoom * mirror * angle.sin(),
        zoom * angle.cos(),
        shift[1],
    ]
    grid = F.affine_grid(torch.stack(rows, 1).view(count, 2, 3), list(images.shape), align_corners=False)  # (N, S, S, 2)
    warped, pasted, soft, noisy = ((damages == place).nonzero().flatten() for place in range(1, len(DAMAGES)))

    waves = F.interpolate(0.15 * torch.randn(len(warped), 2, 6, 6), images.shape[2:], mode="bicubic", align_corners=True)
    grid[warped] += waves.permute(0, 2, 3, 1)
    images = F.grid_sample(images.contiguous(), grid, padding_mode="reflection", align_corners=False)
    images[pasted] = torch.where(_rectangles(len(pasted), images.shape[2]), images[pasted - 1], images[pasted])
    small = F.avg_pool2d(images[soft], 2)
    images[soft] = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    strength = torch.empty(len(noisy), 1, 1, 1).uniform_(0.05, 0.2)
    images[noisy] += strength * torch.randn(len(noisy), *images.shape[1:])
    return images, damages


def turned_colours(images: Tensor) -> Tensor:
    """Images (N, 3, S, S) with randomly mixed colours, which can only be recognised by shape."""
    mix = torch.eye(3) + 0.6 * torch.randn(len(images), 3, 3)
    mix = mix / mix.norm(dim=2, keepdim=True)
    return (mix @ images.flatten(2)).view_as(images).clamp(-1, 1)


def _rectangles(count: int, side: int) -> Tensor:
    """Masks of random rectangles, a quarter to half as wide and high as the image: bool (count, 1, side, side)."""
    place = torch.arange(side) / side
    start, length = torch.rand(2, count, 1) * 0.6 + 0.1, torch.rand(2, count, 1) * 0.25 + 0.25
    down, right = ((place >= s) & (place < s + n) for s, n in zip(start, length))
    return down[:, None, :, None] & right[:, None, None, :]


class FeatureTrainer(LabelledTrainer):
    """A feature network and its heads, which learn the three tasks at once."""

    def __init__(
        self, network: FeatureNetwork, tasks: Tasks, pictures: np.ndarray, labels: Tensor, options: PretrainingOptions
    ) -> None:
        super().__init__({"network": network, "tasks": tasks}, pictures, labels, options)

    def losses(self, images: np.ndarray, labels: Tensor) -> Stats:
        """Losses of the three tasks for two views of each image, one with its colours turned."""
        images = to_images(images)
        (first, one), (second, other) = damaged_view(images), damaged_view(images)
        views = torch.cat([first, turned_colours(second)]).contiguous(memory_format=torch.channels_last)
        with self._autocast():
            features = self.networks["network"].raw(views)
        losses = self.networks["tasks"].losses(features, torch.cat([one, other]), labels)
        return dict(zip(("loss_same", "loss_damage", "loss_colours"), losses))


def pretrain(network: FeatureNetwork, pictures: np.ndarray, labels: Tensor, options: PretrainingOptions, folder: Path) -> Tasks:
    """Train ``network`` in place, on the CPU, balance its features and leave it in eval mode. Returns the trained heads.

    Args:
        pictures: uint8 (N, S, S, 3).
        labels: int64 (N, 2), -1 where unknown.
        folder: the run folder; a state there is resumed.
    """
    torch.manual_seed(options.seed)
    tasks = Tasks(network.feature_dim)
    trainer = FeatureTrainer(network, tasks, pictures, labels, options)
    run_in(folder, trainer, trainer.batches(), trainer.target)
    network.eval().requires_grad_(False)
    _balance(network, pictures)
    return tasks.eval()


@torch.inference_mode()
def _balance(network: FeatureNetwork, pictures: np.ndarray) -> None:
    def raw(part: np.ndarray) -> Tensor:
        return torch.cat([network.raw(to_images(chunk)) for chunk in np.array_split(part, max(1, len(part) // 128))])

    few = pictures[:_SLIGHTLY_CHANGED]
    shifts = [raw(apply(damage, few, strength)) - raw(few) for damage, strength in _SLIGHT]
    network.balance(raw(pictures[:_STANDARD]), torch.cat(shifts))


@torch.no_grad()
def judge(network: FeatureNetwork, tasks: Tasks, pictures: np.ndarray, labels: Tensor) -> dict[str, float | None]:
    """Accuracy of each task on images, uint8 (N, S, S, 3); None for a colour that no image has."""
    images = to_images(pictures)
    torch.manual_seed(0)
    (first, one), (second, other) = damaged_view(images), damaged_view(images)
    features = tasks.norm(torch.cat([network.raw(part) for part in torch.cat([first, turned_colours(second)]).split(128)]))
    a, b = F.normalize(tasks.project(features)).chunk(2)
    found = (a @ b.T).argmax(1) == torch.arange(len(images))
    damage = tasks.damage(features).argmax(1) == torch.cat([one, other])
    report = {"picture_of": len(images), "picture": _share(found), "damage": _share(damage)}
    for c, (name, part) in enumerate(zip(("hair", "eyes"), tasks.colours(features[: len(images)]).split(LABEL_DIMS, 1))):
        known = labels[:, c] != ANY
        report[name] = _share(part.argmax(1)[known] == labels[known, c])
    return report


def _share(right: Tensor) -> float | None:
    return round(float(right.float().mean()), 4) if len(right) else None


def held_out_tenth(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices of a tenth of ``count`` images, and of the others; they depend only on the count."""
    order = np.random.RandomState(0).permutation(count)
    return np.sort(order[: count // 10]), np.sort(order[count // 10 :])


def fit_and_save(asked: HelperRun, runs: Path) -> dict[str, float | None]:
    """Train a feature network on nine tenths of the images and save it with its accuracies on the last tenth.

    Args:
        asked: with the paths "data", "labels" and "out", where the network is written when training stops.
        runs: where the run folder is made.

    Returns:
        The held-out accuracies, which are also written into the config.
    """
    options, settings = asked.options, asked.settings
    torch.manual_seed(options.seed)
    network = FeatureNetwork()
    cache = load_pictures(settings["data"], network.resolution)
    labels = read_labels(settings["labels"], cache.names, options.least_probability)
    asked = asked.with_data(cache, labels)
    held_out, used = held_out_tenth(len(cache.names))
    tasks = pretrain(network, cache.pictures[used], labels[used], options, asked.start(runs, "features-64"))
    held_out = held_out[:_JUDGED]
    report = judge(network, tasks, cache.pictures[held_out], labels[held_out])
    counts = {"pictures": len(used), "held_out_pictures": len(cache.names) - len(used), "epochs": options.epochs}
    FEATURE_NETWORK.save(settings["out"], network, {**asked.facts, **counts, "seed": options.seed, "held_out_accuracy": report})
    return report

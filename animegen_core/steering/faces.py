"""Faces drawn in batches, with their w: what directions are found and measured on."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.checkpoint import Checkpoint
from animegen_core.devices import autocast_dtype
from animegen_core.images import to_images, to_uint8
from animegen_core.labels import ANY, ATTRIBUTES
from animegen_core.latents import seed_to_labels, seed_to_noise, seeds_to_z
from animegen_core.models.stylegan import StyleBasedGenerator
from animegen_core.renderers import mean_face

SIDE = 64  # px, at which faces are classified and measured
_BATCH = 24
_MEAN_OVER = 512  # faces


class Faces:
    """The faces of seeds of one checkpoint with styles, as ``Studio`` draws them, but in batches.

    Args:
        checkpoint: a style-based one.
        psi: truncation psi of the faces.
    """

    def __init__(self, checkpoint: Checkpoint, psi: float) -> None:
        self.generator: StyleBasedGenerator = checkpoint.generator
        self.psi = psi
        self._frequencies = [list(values.values()) for values in checkpoint.config.get("label_frequencies", {}).values()]
        self._means: dict[tuple[int, ...] | None, Tensor] = {}
        self._shapes = self.generator.noise_shapes()
        dtype = autocast_dtype("auto", torch.device("cpu")) or torch.float32
        fast = hasattr(self.generator, "for_inference")
        self._drawing = self.generator.for_inference(dtype) if fast else self.generator

    def labels(self, seeds: Sequence[int]) -> Tensor | None:
        """Colours of the seeds' own faces, int64 (N, attributes), or None if the generator has none."""
        if not self.generator.label_dims:
            return None
        if not self._frequencies:
            return torch.full((len(seeds), len(ATTRIBUTES)), ANY)
        return torch.tensor([seed_to_labels(seed, self._frequencies) for seed in seeds])

    def means(self, labels: Tensor | None, count: int) -> Tensor:
        """Mean faces of labels (N, attributes), or of none: (N, w_dim)."""
        keys = [None] * count if labels is None else list(map(tuple, labels.tolist()))
        for key in set(keys) - self._means.keys():
            self._means[key] = mean_face(self.generator, None if key is None else torch.tensor([key]))
        return torch.stack([self._means[key] for key in keys])

    def mean_of_colour(self, attribute: str, colour: int) -> Tensor:
        """Mean w (w_dim,) of faces with a colour; the other attribute has its frequencies in training."""
        z, labels = self._random
        labels = labels.clone()
        labels[:, list(ATTRIBUTES).index(attribute)] = colour
        return self.generator.map(z, labels).mean(0)

    @cached_property
    def _random(self) -> tuple[Tensor, Tensor]:
        """Latents and labels over which the mean of a colour is computed."""
        seeds = range(_MEAN_OVER)
        return seeds_to_z(seeds, self.generator.latent_dim), self.labels(seeds)

    def ways(self, seeds: Sequence[int], labels: Tensor | None) -> Tensor:
        """From the mean faces of the labels to the seeds' faces, truncated: (N, w_dim)."""
        w = self.generator.map(seeds_to_z(seeds, self.generator.latent_dim), labels)
        return self.psi * (w - self.means(labels, len(seeds)))

    def ws(self, seeds: Sequence[int]) -> Tensor:
        """ws of the seeds' own faces, (N, layers, w_dim)."""
        labels = self.labels(seeds)
        return self.in_all_layers(self.means(labels, len(seeds)) + self.ways(seeds, labels))

    def in_all_layers(self, w: Tensor) -> Tensor:
        """w (N, w_dim) to ws (N, layers, w_dim)."""
        return w.unsqueeze(1).repeat(1, self.generator.num_layers, 1)

    def noise(self, seeds: Sequence[int]) -> list[Tensor]:
        """Noise of the seeds for each layer."""
        counts = [shape[2] * shape[3] for shape in self._shapes]
        parts = torch.stack([seed_to_noise(seed, sum(counts)) for seed in seeds]).split(counts, dim=1)
        return [part.unflatten(1, shape[1:]) for part, shape in zip(parts, self._shapes)]

    def draw(self, ws: Tensor, seeds: Sequence[int]) -> np.ndarray:
        """Images of ws (N, layers, w_dim) with the noise of seeds: uint8 (N, 64, 64, 3)."""
        pictures = []
        for start in range(0, len(ws), _BATCH):
            batch = slice(start, start + _BATCH)
            pictures.append(reduced(to_uint8(self._drawing.synthesize(ws[batch], self.noise(seeds[batch])))))
        return np.concatenate(pictures)


def reduced(pictures: np.ndarray) -> np.ndarray:
    """uint8 images (N, S, S, 3) at ``SIDE``."""
    return pictures if pictures.shape[1] == SIDE else to_uint8(resized(to_images(pictures)))


def resized(images: Tensor) -> Tensor:
    """Images (N, 3, S, S) at ``SIDE``."""
    if images.shape[-1] == SIDE:
        return images
    return F.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)

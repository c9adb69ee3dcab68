"""Draws characters with each kind of generator: ``locate`` returns a character's point, ``draw`` the image of a point.

A point has all that a face depends on, as vectors that can be interpolated: an animation moves from point to point.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from animegen_core.character import BANDS, Character
from animegen_core.checkpoint.directions import Directions
from animegen_core.devices import autocast_dtype
from animegen_core.labels import ANY, ATTRIBUTES, label_index
from animegen_core.latents import linear_interpolate, seed_to_labels, seed_to_noise, seeds_to_z, unpack_latent, variation
from animegen_core.models.dcgan import one_hot
from animegen_core.models.stylegan import StyleBasedGenerator

Frequencies = Mapping[str, Mapping[str, float]]  # of each colour, by attribute

_COLOURS_FROM = 16  # px, from which mean faces of colours recolour; lower layers change pose and shape
MEAN_OVER = 1024  # latents over which a label's mean w is computed; its error is 3 % of the standard deviation of w


class Point(NamedTuple):
    """The point of a character; ``centre + psi * direction`` is drawn.

    Attributes:
        direction: from the mean face to the character's, (D,).
        centre: the mean face, (D,).
        psi: truncation psi, a scalar.
        labels: weight of each colour, (L,); empty unless the generator takes labels beside the latent.
        noise: of all layers, (M,); empty if the generator takes none.
    """

    direction: Tensor
    centre: Tensor
    psi: Tensor
    labels: Tensor
    noise: Tensor


def make_renderer(
    generator: nn.Module, labelled: bool, device: torch.device, frequencies: Frequencies | None = None
) -> "LatentRenderer | StyleRenderer":
    """The renderer for a generator in eval mode.

    Args:
        labelled: whether the generator takes hair and eye colours.
        frequencies: of the colours in training. A colour that a character leaves open is then drawn by its seed; with None
            the generator gets "any", as it was shown images without labels.
    """
    kind = StyleRenderer if isinstance(generator, StyleBasedGenerator) else LatentRenderer
    return kind(generator, _Labels(frequencies) if labelled else None, device)


def truncated(centre: Tensor, direction: Tensor, psi: Tensor) -> Tensor:
    """The truncation trick (Karras et al. 2019, appendix B) from the mean face ``centre`` (..., D) along ``direction``.

    ``latents.truncate`` rounds differently, but images of old descriptions must not change.
    """
    return centre + psi * direction


def descended(way: Tensor, other: Tensor, spread: float) -> Tensor:
    """A relative's latent or way from the mean face: moved toward another's by the spread, of the same variance.

    Weights whose squares sum to 1 keep the variance of independent vectors; those of a linear interpolation would lower it.
    """
    return math.sqrt(1 - spread**2) * way + spread * other


def mean_face(generator: StyleBasedGenerator, labels: Tensor | None) -> Tensor:
    """The mean face of labels (1, attributes): the mean w (w_dim,) of fixed latents, on the CPU.

    Without labels, the running mean of training.
    """
    if labels is None:
        return generator.w_avg.cpu()
    return _map_on_cpu(generator, _mean_latents(generator.latent_dim), labels.expand(MEAN_OVER, -1)).mean(0)


@cache
def _mean_latents(dim: int) -> Tensor:
    """The latents (``MEAN_OVER``, dim) of every mean face. Drawing them takes longer than mapping them."""
    with torch.inference_mode(False):  # a caller may need gradients later
        return seeds_to_z(range(MEAN_OVER), dim)


def _map_on_cpu(generator: StyleBasedGenerator, z: Tensor, labels: Tensor | None) -> Tensor:
    """w (N, w_dim), computed on the generator's device and moved to the CPU."""
    where = generator.w_avg.device
    return generator.map(z.to(where), None if labels is None else labels.to(where)).cpu()


class _Labels:
    """The labels of a character: its own, and for colours that are not chosen those of ``make_renderer``."""

    def __init__(self, frequencies: Frequencies | None) -> None:
        self._frequencies = None
        if frequencies is not None:
            self._frequencies = [[frequencies[name][colour] for colour in colours] for name, colours in ATTRIBUTES.items()]

    def of(self, character: Character, seed: int | None) -> Tensor:
        """int64 (1, attributes) for a seed; with mixed styles it is not always the character's own.

        None is an own latent, for which colours that are not chosen stay "any".
        """
        asked = [label_index(attribute, getattr(character, attribute)) for attribute in ATTRIBUTES]
        if self._frequencies is not None and seed is not None:
            drawn = seed_to_labels(seed, self._frequencies)
            asked = [value if index == ANY else index for index, value in zip(asked, drawn)]
        return torch.tensor([asked])


class LatentRenderer:
    """Renderer of DCGANs, from z and, if conditional, soft labels. psi scales z; with psi 0, z is 0."""

    def __init__(self, generator: nn.Module, labels: _Labels | None, device: torch.device) -> None:
        self._generator = generator.to(device)
        self._labels = labels
        self._device = device

    def locate(self, character: Character, directions: Directions | None = None) -> Point:
        """The character's point, on the CPU. There are no directions in z."""
        z = _varied_z(character, self._generator.latent_dim)[0]
        for seed, _, spread in character.lineage:
            z = descended(z, seeds_to_z([seed], self._generator.latent_dim)[0], spread)
        labels = torch.empty(0)
        if self._labels is not None:
            given = self._labels.of(character, character.seed if character.latent is None else None)
            labels = one_hot(given, self._generator.label_dims, 1, labels.device)[0]
        return Point(z, torch.zeros_like(z), torch.tensor(character.psi), labels, torch.empty(0))

    def draw(self, point: Point) -> Tensor:
        """The image of a point: (1, 3, H, W) in [-1, 1]."""
        z = truncated(point.centre, point.direction, point.psi)[None].to(self._device)
        return self._generator(z, point.labels[None].to(self._device)) if self._labels else self._generator(z)


class StyleRenderer:
    """Renderer of StyleGAN and StyleGAN2: w is truncated toward the labels' mean and mixed by layers.

    Points have a w for each layer. On a CPU a generator is replaced by its faster inference form, if it has one, in bfloat16
    if the CPU computes that in hardware; emulated bfloat16 is slower than float32.
    """

    def __init__(self, generator: StyleBasedGenerator, labels: _Labels | None, device: torch.device) -> None:
        if device.type == "cpu" and hasattr(generator, "for_inference"):
            generator = generator.for_inference(autocast_dtype("auto", device) or torch.float32)
        self._generator = generator.to(device)
        self._labels = labels
        self._device = device
        # In one tensor: small ones between the large temporary ones of mean_face kept 90 MB of freed memory from the system.
        self._means = torch.empty(math.prod(count + 1 for count in generator.label_dims), generator.w_dim)
        self._known: dict[tuple[int, ...] | None, Tensor] = {}  # rows of it
        self._noise_shapes = generator.noise_shapes()
        self._noise_counts = [shape[2] * shape[3] for shape in self._noise_shapes]

    def locate(self, character: Character, directions: Directions | None = None) -> Point:
        """The character's point, on the CPU.

        Args:
            directions: of this generator; needed for sliders. Without them, mean faces recolour.
        """
        own = self._own_face(character)
        seeds = [getattr(character, band) for band in BANDS]
        faces = [own if s is None else self._seeds_face(character, s) for s in seeds]
        ws, centres = (self._by_layers(parts, character.crossovers) for parts in zip(*faces))  # (layers, w_dim)
        ways = ws - centres
        for seed, band, spread in character.lineage:
            layers = self._layers_of(band, character.crossovers)
            ways[layers] = descended(ways[layers], self._way(character, seed), spread)
        for attribute, colour in character.recolours.items():
            if colour is not None:
                shifts = [self._recolouring(character, seed, attribute, directions) for seed in seeds]
                centres = centres + self._by_layers(shifts, character.crossovers)
        for name, strength in character.sliders:
            centres = centres + strength * directions.sliders[name]
        return Point(
            ways.flatten(),
            centres.flatten(),
            torch.tensor(character.psi),
            torch.empty(0),  # w includes them
            seed_to_noise(character.seed, sum(self._noise_counts)),
        )

    def draw(self, point: Point) -> Tensor:
        """The image of a point: (1, 3, H, W), about [-1, 1]."""
        ws = truncated(point.centre, point.direction, point.psi).view(1, self._generator.num_layers, -1)
        noise = [part.view(shape) for part, shape in zip(point.noise.split(self._noise_counts), self._noise_shapes)]
        return self._generator.synthesize(ws.to(self._device), [layer.to(self._device) for layer in noise])

    def _by_layers(self, parts: Sequence[Tensor], crossovers: tuple[int, int]) -> Tensor:
        """w of coarse, middle and fine layers, each (1 or layers, w_dim), as one w for each layer (layers, w_dim)."""
        layers = self._generator.num_layers
        first, second = map(self._generator.first_layer, crossovers)
        bands = (slice(first), slice(first, second), slice(second, layers))
        return torch.cat([w.expand(layers, -1)[band] for w, band in zip(parts, bands)])

    def _layers_of(self, band: str, crossovers: tuple[int, int]) -> slice:
        first, second = map(self._generator.first_layer, crossovers)
        return {"coarse": slice(first), "middle": slice(first, second), "fine": slice(second, None)}.get(band, slice(None))

    def _way(self, character: Character, seed: int) -> Tensor:
        """From the mean face of the character's colours to the face that another seed has with them: (1, w_dim)."""
        own = None if character.latent is not None else character.seed
        labels = None if self._labels is None else self._labels.of(character, own)
        z = seeds_to_z([seed], self._generator.latent_dim)
        return _map_on_cpu(self._generator, z, labels) - self._mean(labels)

    def _own_face(self, character: Character) -> tuple[Tensor, Tensor]:
        """w of its own latent or of its seed's, (1 or layers, w_dim), and the mean face of its labels (1, w_dim)."""
        if character.latent is None:
            return self._face(character, character.seed, _varied_z(character, self._generator.latent_dim))
        centre = self._mean(None if self._labels is None else self._labels.of(character, None))[None]
        w = centre + own_latent(character).view(self._generator.num_layers, -1)
        if character.variation_strength == 0:
            return w, centre
        other, _ = self._seeds_face(character, character.variation_seed)
        return linear_interpolate(w, other, character.variation_strength), centre

    def _seeds_face(self, character: Character, seed: int) -> tuple[Tensor, Tensor]:
        return self._face(character, seed, seeds_to_z([seed], self._generator.latent_dim))

    def _face(self, character: Character, seed: int, z: Tensor) -> tuple[Tensor, Tensor]:
        """w of z (1, latent_dim), and the mean face of its labels: both (1, w_dim)."""
        labels = None if self._labels is None else self._labels.of(character, seed)
        return _map_on_cpu(self._generator, z, labels), self._mean(labels)[None]

    def _recolouring(self, character: Character, seed: int | None, attribute: str, directions: Directions | None) -> Tensor:
        """What recolours a seed's face or, with None, the character's own, added to w: (layers, w_dim); whatever psi is."""
        if seed is None and character.latent is None:
            seed = character.seed
        column = list(ATTRIBUTES).index(attribute)
        old = int(self._labels.of(character, seed)[0, column])
        new = label_index(attribute, character.recolours[attribute])
        if directions is not None and attribute in directions.recolouring:
            table = directions.recolouring[attribute]
            return table[new] - (table.mean(0) if old == ANY else table[old])
        shift = torch.zeros(self._generator.num_layers, self._generator.w_dim)
        shift[self._generator.first_layer(_COLOURS_FROM) :] = self._colour(column, new) - self._colour(column, old)
        return shift

    def _colour(self, column: int, colour: int) -> Tensor:
        """The mean face of a colour, whatever the other attribute is."""
        labels = torch.full((1, len(ATTRIBUTES)), ANY)
        labels[0, column] = colour
        return self._mean(labels)

    def _mean(self, labels: Tensor | None) -> Tensor:
        """``mean_face``, cached for each label."""
        key = None if labels is None else tuple(labels[0].tolist())
        if key not in self._known:
            self._known[key] = self._means[len(self._known)].copy_(mean_face(self._generator, labels))
        return self._known[key]


def latent_size(generator: nn.Module) -> int:
    """Number of values of a character's own latent."""
    return generator.num_layers * generator.w_dim if isinstance(generator, StyleBasedGenerator) else generator.latent_dim


def own_latent(character: Character) -> Tensor:
    """The values of a character's own latent, float32 (D,)."""
    return torch.from_numpy(unpack_latent(character.latent)[1])


def _varied_z(character: Character, dim: int) -> Tensor:
    """z (1, dim) of the character's own latent or of its seed's, moved toward that of the variation."""
    z = seeds_to_z([character.seed], dim) if character.latent is None else own_latent(character)[None]
    if character.variation_strength == 0:
        return z
    return variation(z, seeds_to_z([character.variation_seed], dim), character.variation_strength)

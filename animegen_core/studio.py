"""Studio: draws with a checkpoint. Interface and command line use only this."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from animegen_core import images
from animegen_core.character import EVERY_BAND, Animation, Character, Matrix, relatives
from animegen_core.checkpoint import Checkpoint, bundled_configs, load_checkpoint
from animegen_core.checkpoint.directions import Directions, read_directions
from animegen_core.checkpoint.names import HubName
from animegen_core.devices import find_device
from animegen_core.drawing import draw
from animegen_core.errors import AnimeGenError, check_whole, quote
from animegen_core.families import Capabilities
from animegen_core.helpers.reconstruction import FeatureDistance
from animegen_core.helpers.upscaling import enlarge, sizes_of
from animegen_core.inversion import MAX_STEPS, Found, WSpace, encoded, load_encoder, refine
from animegen_core.latents import pack_latent, path_points, path_weights, unpack_latent
from animegen_core.models.styles import CROSSOVERS
from animegen_core.renderers import Point, latent_size, make_renderer
from animegen_core.version import __version__

PROGRAM = "AnimeGen"
INVERSION_STEPS = 100
_MAX_NAME = 200  # characters of a checkpoint's name, such as "user/name@revision"


class Studio:
    """Renders characters with one checkpoint; safe to call from several threads.

    Args:
        checkpoint: the loaded generator.
        device: a torch device; by default CUDA if present, else the CPU.

    Attributes:
        capabilities: what this checkpoint supports.
    """

    def __init__(self, checkpoint: Checkpoint, device: str | torch.device | None = None) -> None:
        self.checkpoint = checkpoint
        self.device = find_device(device)
        self.capabilities = Capabilities.of(checkpoint.config["family"], checkpoint.generator.config)
        frequencies = checkpoint.config.get("label_frequencies")
        self._renderer = make_renderer(checkpoint.generator, self.capabilities.labels, self.device, frequencies)

    @classmethod
    def load(cls, name: str | Path | HubName, device: str | torch.device | None = None, local_folders: bool = True) -> "Studio":
        """Load a checkpoint: a bundled name, user/repo[@revision] of the Hub, or a folder.

        Use ``local_folders=False`` for names from strangers (see ``load_checkpoint``).

        Raises:
            AnimeGenError: there is no such checkpoint, or it is damaged.
        """
        return cls(load_checkpoint(name, local_folders), device)

    @property
    def usual_psi(self) -> float:
        """The default psi: the config's, or else .7 with styles, where a little truncation improves many faces."""
        return self.checkpoint.config.get("usual_psi", 0.7 if self.capabilities.styles else 1.0)

    @cached_property
    def directions(self) -> Directions | None:
        """Sliders and recolouring that were made for this checkpoint's weights, or None.

        Raises:
            AnimeGenError: the file is damaged, or was made for other weights.
        """
        generator = self.checkpoint.generator
        if not self.capabilities.styles:
            return None
        found = read_directions(self.checkpoint.path, generator.num_layers, generator.w_dim)
        if found is not None and found.checkpoint_hash != self.checkpoint.hash:
            name = self.checkpoint.name
            raise AnimeGenError(
                f"The directions of '{name}' were made for weights with the hash {quote(found.checkpoint_hash)}, but it has "
                f"{self.checkpoint.hash}; make them again: python -m animegen_core directions {name}"
            )
        return found

    @property
    def sliders(self) -> tuple[str, ...]:
        """Names of the sliders that a character may use; empty if the checkpoint has none for its weights."""
        try:
            return () if self.directions is None else tuple(self.directions.sliders)
        except AnimeGenError:
            return ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Possible sizes in pixels: the checkpoint's own, then enlarged ones (see ``upscaling``)."""
        return sizes_of(self.checkpoint.generator.resolution)

    def render(self, character: Character, size: int | None = None) -> Image.Image:
        """Draw a character: an RGB image of the checkpoint's resolution, or enlarged to ``size``, one of ``sizes``.

        Raises:
            AnimeGenError: the checkpoint does not support one of the character's fields (the message names bundled ones that
                do), or there is no such size.
        """
        return next(self.render_many([character], size))

    def render_many(self, characters: Sequence[Character], size: int | None = None) -> Iterator[Image.Image]:
        """Yield the faces of several characters as they are drawn.

        Each is drawn alone, because another batch size may round differently, and a face must not depend on others. On a CPU
        this is not slower, because the activations of one face fit into the cache.

        Raises:
            AnimeGenError: as in ``render``, before the first face is drawn.
        """
        self._check_size(size)
        for character in characters:
            self.check(character)
        for character in characters:
            yield draw(lambda who=character: self._draw(self._locate(who), size))

    def render_at(self, character: Character, sizes: Sequence[int]) -> list[Image.Image]:
        """Draw one face at several sizes, with one pass of the generator.

        Raises:
            AnimeGenError: as in ``render``.
        """
        for size in sizes:
            self._check_size(size)
        self.check(character)
        picture = draw(lambda: self._draw(self._locate(character), None))
        return [enlarge(picture, size) for size in sizes]

    def mix(self, coarse: int, middle: int, fine: int, crossovers: tuple[int, int] = CROSSOVERS) -> Image.Image:
        """Draw a face with the pose and shape of a first seed, the features of a second and the colours of a third.

        Raises:
            AnimeGenError: the checkpoint has no styles, or an argument is out of range (see ``Character``).
        """
        return self.render(Character(coarse, middle=middle, fine=fine, crossovers=crossovers))

    def relatives(
        self, character: Character, count: int = 8, spread: float = 0.4, band: str = EVERY_BAND, seed: int = 0
    ) -> list[Character]:
        """Relatives of a character (see ``character.relatives``) that this checkpoint can draw.

        Raises:
            AnimeGenError: as in ``character.relatives``, or the checkpoint has no layers of styles.
        """
        found = relatives(character, count, spread, band, seed)
        self.check(found[0])
        return found

    def animate(self, animation: Animation, size: int | None = None) -> Iterator[Image.Image]:
        """Yield the ``animation.frames`` images as they are drawn.

        The path is in z for DCGANs, and for style-based models in w of each layer, relative to the mean face. psi and labels
        are interpolated too. Noise moves on a sphere, so that its distribution stays the same. A frame at a key is that
        character's face, except on a circle, which has a constant distance from the mean face.

        Raises:
            AnimeGenError: as in ``render``, before the first frame is drawn.
        """
        return self.interpolate(animation.keys, animation.positions(), animation.path, animation.closed, size)

    def interpolate(
        self,
        keys: Sequence[Character],
        positions: Sequence[float] | np.ndarray,
        path: str = "slerp",
        closed: bool = False,
        size: int | None = None,
    ) -> Iterator[Image.Image]:
        """Faces between characters.

        Args:
            keys: at least two characters.
            positions: on the path: 0 is the first key, 2.5 halfway from the third to the fourth.
            path, closed: kind of path (see ``latents.latent_path`` and ``latents.path_positions``).
            size: as in ``render``.

        Raises:
            AnimeGenError: as in ``render``, before the first face is drawn.
        """
        self._check_size(size)
        for key in keys:
            self.check(key)
        points = draw(lambda: [self._locate(key) for key in keys])
        directions, centres, psis, labels, noises = map(torch.stack, zip(*points))
        positions = np.asarray(positions, dtype=float)
        way = path_points(directions, positions, path, closed)  # (F, D)
        if path == "circular":  # has radius sqrt(D), for latents; w has another norm
            way = way * (directions.norm(dim=1).mean() / math.sqrt(directions.shape[1]))
        weights = path_weights(len(keys), positions, path, closed)  # (F, K)
        noise_path = "slerp" if path == "linear" else path  # a linear path would halve the noise's variance
        for position, direction, weight in zip(positions, way, weights):
            noise = noises[0]
            if len(noise):  # frame by frame, because all at once need too much memory
                noise = path_points(noises, position[None], noise_path, closed)[0]
            point = Point(direction, weight @ centres, weight @ psis, weight @ labels, noise)
            yield draw(partial(self._draw, point, size))

    def search(self, picture: Image.Image | str | Path, steps: int = INVERSION_STEPS) -> Iterator[Character]:
        """Yield characters whose faces come nearer to a picture: before the first step of a search, and after each.

        A VAE finds its face at once. A style-based model begins with the guess of its encoder, or at the mean face if it has
        none, and improves it.

        Args:
            picture: a file, or an image of any mode; its centre square is used.
            steps: of gradient descent, 0 to 1,000.

        Raises:
            AnimeGenError: the picture cannot be read, or the checkpoint cannot do it; before the first face.
        """
        from animegen_core.data.decoding import square  # its package is slow to import, and only needed here

        steps = check_whole("steps", steps, 0, MAX_STEPS)
        if not self.capabilities.inverts:
            self._refuse("way to find the latent of a picture", "inverts")
        image = images.to_images(square(picture, self.checkpoint.generator.resolution)[None])
        found = draw(lambda: self._search(image, steps))
        for _ in range(1 if found is None else steps + 1):
            values = draw(lambda: encoded(self.checkpoint.generator, image) if found is None else next(found).values)
            yield Character(0, latent=pack_latent(self.checkpoint.hash, values.numpy()))

    def invert(self, picture: Image.Image | str | Path, steps: int = INVERSION_STEPS) -> Character:
        """The character whose face is nearest to a picture, the last of ``search``.

        Raises:
            AnimeGenError: as in ``search``.
        """
        *_, last = self.search(picture, steps)
        return last

    def _search(self, image: Tensor, steps: int) -> Iterator[Found] | None:
        """The steps of ``refine``; None for a VAE."""
        generator = self.checkpoint.generator
        if not self.capabilities.styles:
            return None
        encoder, space = load_encoder(self.checkpoint), WSpace(generator, self.capabilities.labels)
        with torch.no_grad():
            start = None if encoder is None else encoder(image)[0]
        return refine(generator, space, FeatureDistance.of_faces().to(self.device), image, start, 0, steps)

    def check(self, character: Character) -> None:
        """Check that the checkpoint supports a character's fields.

        Raises:
            AnimeGenError: it does not; the message names bundled ones that do.
        """
        if (character.hair or character.eyes) and not self.capabilities.labels:
            self._refuse("hair and eye colours", "labels")
        if character.mixes_styles and not self.capabilities.styles:
            self._refuse("styles to mix", "styles")
        if character.latent is not None:
            self._check_latent(character.latent)
        if any(character.recolours.values()):
            if not self.capabilities.labels:
                self._refuse("hair and eye colours", "labels")
            if not self.capabilities.styles:
                self._refuse("styles, by which faces are recoloured", "styles")
        if character.sliders:
            self._check_sliders(character)
        if not self.capabilities.styles and any(band != EVERY_BAND for _, band, _ in character.lineage):
            self._refuse("layers of styles to move", "styles")

    def describe(self, described: Character | Animation | Matrix, size: int | None = None) -> dict[str, Any]:
        """The description to embed in a file: program, checkpoint, hash of its weights, of the directions if a face uses
        them, and ``described``.

        Args:
            size: of the file's images; included if it is not the checkpoint's own.
        """
        return {
            "program": PROGRAM,
            "version": __version__,
            "checkpoint": self.checkpoint.name,
            "checkpoint_hash": self.checkpoint.hash,
            **self._directions_hash(described),
            type(described).__name__.lower(): described.to_dict(),
            **({} if size in (None, self.sizes[0]) else {"size": size}),
        }

    def _directions_hash(self, described: Character | Animation | Matrix) -> dict[str, str]:
        characters = {Animation: lambda: described.keys, Matrix: lambda: [described.template]}
        for character in characters.get(type(described), lambda: [described])():
            if (used := self._directions_of(character)) is not None:
                return {"directions_hash": used.hash}
        return {}

    def _check_sliders(self, character: Character) -> None:
        name, directions = self.checkpoint.name, self.directions
        if directions is None:
            if not self.capabilities.styles:
                self._refuse("sliders", "styles")
            raise AnimeGenError(f"Checkpoint '{name}' has no sliders yet; make them: python -m animegen_core directions {name}")
        for slider, _ in character.sliders:
            if slider not in directions.sliders:
                known = ", ".join(directions.sliders)
                raise AnimeGenError(f"Checkpoint '{name}' has no slider {quote(slider)}; it has: {known}.")

    def _directions_of(self, character: Character) -> Directions | None:
        """The directions that a character uses."""
        if character.sliders:
            return self.directions
        if not any(character.recolours.values()):
            return None
        try:
            return self.directions
        except AnimeGenError:  # mean faces recolour too
            return None

    def _locate(self, character: Character) -> Point:
        with torch.inference_mode():
            return self._renderer.locate(character, self._directions_of(character))

    def _draw(self, point: Point, size: int | None) -> Image.Image:
        with torch.inference_mode():
            picture = images.to_pil(self._renderer.draw(point))[0]
        return picture if size is None else enlarge(picture, size)

    def _check_size(self, size: int | None) -> None:
        if size is not None and (isinstance(size, bool) or size not in self.sizes):
            good = ", ".join(map(str, self.sizes))
            raise AnimeGenError(f"The size is {quote(size)}, but '{self.checkpoint.name}' draws images of {good} px.")

    def _check_latent(self, latent: str) -> None:
        made_for, values = unpack_latent(latent)
        if made_for != self.checkpoint.hash:
            raise AnimeGenError(
                f"This face's own latent was made for other weights ({made_for}) than those of '{self.checkpoint.name}' "
                f"({self.checkpoint.hash}); invert its picture again."
            )
        if len(values) != latent_size(self.checkpoint.generator):
            size = latent_size(self.checkpoint.generator)
            raise AnimeGenError(
                f"This face's own latent has {len(values):,} values, but '{self.checkpoint.name}' has {size:,}."
            )

    def _refuse(self, wish: str, capability: str) -> None:
        able = [
            name
            for name, config in bundled_configs().items()
            if getattr(Capabilities.of(config["family"], config["generator"]), capability)
        ]
        advice = f"use {' or '.join(able)}" if able else "no bundled checkpoint has them"
        raise AnimeGenError(f"Checkpoint '{self.checkpoint.name}' has no {wish}; {advice}.")


def read_described(description: dict[str, Any]) -> tuple[str, Character | Animation | Matrix]:
    """Checkpoint name, and character, animation or matrix, from a description of ``Studio.describe``.

    Raises:
        AnimeGenError: the description is damaged or not of AnimeGen.
    """
    checkpoint = description.get("checkpoint") if isinstance(description, dict) else None
    if not isinstance(checkpoint, str) or description.get("program") != PROGRAM:
        raise AnimeGenError("This description was not written by AnimeGen.")
    if not 0 < len(checkpoint) <= _MAX_NAME or not checkpoint.isprintable():
        raise AnimeGenError(f"The description names the checkpoint {quote(checkpoint)}, which cannot be a name.")
    for kind in (Animation, Matrix):
        if kind.__name__.lower() in description:
            return checkpoint, kind.from_dict(description[kind.__name__.lower()])
    return checkpoint, Character.from_dict(description.get("character"))


def read_character(description: dict[str, Any]) -> tuple[str, Character]:
    """As ``read_described``, for the description of a character."""
    checkpoint, described = read_described(description)
    if not isinstance(described, Character):
        kind = "an animation" if isinstance(described, Animation) else "a matrix"
        raise AnimeGenError(f"This description is {kind}'s; a character's is needed.")
    return checkpoint, described

"""Finds the latent of an image, so that its face can be drawn, varied and animated like a seed's.

A VAE has an encoder. For a style-based generator the search begins with its encoder's guess, or without one at the mean face,
and improves w of each layer by gradient descent (w+ of Abdal, Qin and Wonka 2019, https://arxiv.org/abs/1904.03189).
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from animegen_core.checkpoint import CONFIG, Checkpoint
from animegen_core.checkpoint.weights import read_json
from animegen_core.devices import autocast_dtype
from animegen_core.errors import AnimeGenError, quote
from animegen_core.helpers.kind import HelperKind
from animegen_core.helpers.reconstruction import FeatureDistance, laplacian_distance
from animegen_core.labels import ANY, ATTRIBUTES, LABEL_DIMS
from animegen_core.latents import seed_to_noise, seeds_to_z
from animegen_core.models.encoder import StyleEncoder
from animegen_core.models.stylegan import StyleBasedGenerator
from animegen_core.renderers import mean_face

_LR = 0.08  # Adam's highest learning rate, in standard deviations of w
_PRIOR = 0.003  # weight of the squared distance from the mean face, in variances of w
_MEASURED = 1024  # latents from which the standard deviation of w is measured
_FEATURES = 1.0  # weight of the distance in features
_LIMIT = 4.0  # standard deviations that w may be from the mean face
MAX_STEPS = 1000

ENCODER = HelperKind("an encoder", "style-encoder", "network", StyleEncoder)
ENCODER_FOLDER = "encoder"  # in the checkpoint's folder


class Found(NamedTuple):
    """The state of a search.

    Attributes:
        values: the latent so far, as ``Character.latent`` has it: float32 (D,), on the CPU.
        distance: from the image: Laplacian L1 and features; nan before the first step.
    """

    values: Tensor
    distance: float


class WSpace:
    """The space in which latents of a style-based generator are searched: w of each layer, relative to the mean face.

    Args:
        generator: in eval mode.
        labelled: whether it takes hair and eye colours.

    Attributes:
        centre: the mean face of any colours (w_dim,), from which own latents are measured.
        scale: standard deviation of each dimension of w (w_dim,).
    """

    def __init__(self, generator: StyleBasedGenerator, labelled: bool) -> None:
        where = generator.w_avg.device
        with torch.no_grad():
            self.centre = mean_face(generator, torch.full((1, len(ATTRIBUTES)), ANY) if labelled else None).to(where)
            ws = generator.map(seeds_to_z(range(_MEASURED), generator.latent_dim).to(where), _all_labels(labelled, where))
        self.scale = ws.std(0).clamp_min(1e-4)

    def ws(self, standard: Tensor) -> Tensor:
        """Standardised offsets (N, layers, w_dim) to w of each layer (N, layers, w_dim)."""
        return self.centre + self.scale * standard

    def standard(self, ws: Tensor) -> Tensor:
        """The inverse of ``ws``."""
        return (ws - self.centre) / self.scale


def _all_labels(labelled: bool, device: torch.device) -> Tensor | None:
    """Random labels (``_MEASURED``, attributes), because colours are a large part of w's variance."""
    if not labelled:
        return None
    random = torch.Generator().manual_seed(0)
    columns = [torch.randint(0, count, (_MEASURED,), generator=random) for count in LABEL_DIMS]
    return torch.stack(columns, 1).to(device)


def load_encoder(checkpoint: Checkpoint) -> StyleEncoder | None:
    """The encoder in a checkpoint's folder, on the CPU in eval mode; None if it has none.

    Raises:
        AnimeGenError: it is damaged, or was trained for other weights.
    """
    folder = checkpoint.path / ENCODER_FOLDER
    if not (folder / CONFIG).is_file():
        return None
    encoder, made_for = ENCODER.load(folder), read_json(folder / CONFIG).get("checkpoint_hash")
    generator = checkpoint.generator
    sizes = [(each.resolution, each.num_layers, each.w_dim) for each in (encoder, generator)]
    if made_for != checkpoint.hash or sizes[0] != sizes[1]:
        raise AnimeGenError(
            f"The encoder of '{checkpoint.name}' was trained for other weights ({quote(made_for)}) than these "
            f"({checkpoint.hash}); train it again with: python train.py encoder --checkpoint {checkpoint.name}"
        )
    return encoder


def refine(
    generator: StyleBasedGenerator,
    space: WSpace,
    features: FeatureDistance,
    target: Tensor,
    start: Tensor | None,
    seed: int,
    steps: int,
) -> Iterator[Found]:
    """Yield the latent at the start and after each step of gradient descent.

    Args:
        generator: in eval mode; its weights do not change.
        space: of the generator.
        features: on the generator's device.
        target: the image (1, 3, resolution, resolution) in [-1, 1].
        start: standardised offsets (layers, w_dim) to begin with; None begins at the mean face.
        seed: of the noise, which is that of the drawn face.
        steps: number of steps.
    """
    device = generator.w_avg.device
    start = torch.zeros(generator.num_layers, generator.w_dim) if start is None else start
    standard = start.to(device).clamp(-_LIMIT, _LIMIT).clone().requires_grad_()
    noise, target = _noise(generator, seed, device), target.to(device)
    optimizer, dtype = torch.optim.Adam([standard], _LR, betas=(0.9, 0.99)), autocast_dtype("auto", device)
    yield Found(_values(standard, space), math.nan)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = _LR * min(1.0, 2 * (1 - step / steps))  # falls to zero in the second half
        with torch.enable_grad(), torch.autocast(device.type, dtype, enabled=dtype is not None):
            drawn = generator.synthesize(space.ws(standard[None]), noise)
            distance = (laplacian_distance(target, drawn) + _FEATURES * features(target, drawn)).mean()
            loss = distance + _PRIOR * standard.square().mean()
        (standard.grad,) = torch.autograd.grad(loss, standard)
        optimizer.step()
        with torch.no_grad():
            standard.clamp_(-_LIMIT, _LIMIT)
        yield Found(_values(standard, space), float(distance.detach()))


def encoded(vae: nn.Module, image: Tensor) -> Tensor:
    """The mean of a VAE's posterior (D,), on the CPU, for an image (1, 3, resolution, resolution) in [-1, 1]."""
    with torch.no_grad():
        return vae.encode(image.to(next(vae.parameters()).device))[0][0].cpu()


def _values(standard: Tensor, space: WSpace) -> Tensor:
    return (standard.detach() * space.scale).flatten().cpu()


def _noise(generator: StyleBasedGenerator, seed: int, device: torch.device) -> list[Tensor]:
    shapes = generator.noise_shapes()
    counts = [shape[2] * shape[3] for shape in shapes]
    parts = seed_to_noise(seed, sum(counts)).split(counts)
    return [part.view(shape).to(device) for part, shape in zip(parts, shapes)]

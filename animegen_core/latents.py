"""Latents of seeds, and paths between latents.

A latent is ``numpy.random.RandomState(seed).standard_normal(dim)``. NumPy guarantees this stream, so a seed gives the same face
on every device, in every batch and with every later version.

All other functions have tensors of float32 or float64 on any device, with the latent's axis last, for z and for w. A parameter
``t`` is a number, or a tensor that broadcasts with the latents without their last axis: latents (D,) with t of shape (T,) give
(T, D), latents (N, D) with t of shape (N,) give (N, D).
"""

import base64
import binascii
import math
import re
from collections.abc import Sequence
from numbers import Real

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.errors import AnimeGenError, quote
from animegen_core.models.styles import CROSSOVERS, first_layer

MAX_LATENT = 18 * 512  # values in a text: w of each layer of the largest StyleGAN2
_TEXT = re.compile(r"([0-9a-f]{12}):([A-Za-z0-9_-]*)")
_LIMIT = float(np.finfo(np.float16).max)
MAX_SEED = 2**32 - 1
PATH_KINDS = ("slerp", "linear", "circular")
_MAX_SEEDS = 1_000_000  # seeds at once, against typing errors
_PARALLEL = 1e-3  # sine of the angle below which the direction is not accurate in float32


def check_seed(seed: object) -> int:
    """Return ``seed`` as an int in [0, 4294967295], or raise AnimeGenError."""
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MAX_SEED:
        raise AnimeGenError(f"Seed {quote(seed)} is not a whole number from 0 to {MAX_SEED}.")
    return int(seed)


def parse_seeds(text: str) -> list[int]:
    """Parse seeds and inclusive ranges: "0-3,100" is [0, 1, 2, 3, 100].

    Raises:
        AnimeGenError: a part is neither a seed nor a range, or there are too many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part.strip())
        if match is None:
            raise AnimeGenError(
                f"'{part.strip()}' in '{text}' is not a seed; write seeds and ranges from 0 to {MAX_SEED}, such as 0-63,100."
            )
        low, high = check_seed(int(match[1])), check_seed(int(match[2] or match[1]))
        if high < low:
            raise AnimeGenError(f"The range '{part.strip()}' is descending; write {high}-{low}.")
        if len(seeds) + high - low + 1 > _MAX_SEEDS:
            raise AnimeGenError(f"'{text}' has more than {_MAX_SEEDS:,} seeds, the maximum.")
        seeds += range(low, high + 1)
    return seeds


def check_number(name: str, value: object, least: float, most: float) -> float:
    """Return ``value`` as a float in [least, most], or raise AnimeGenError."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= value <= most:
        raise AnimeGenError(f"{name} is {quote(value)}, but must be a number from {least} to {most}.")
    return float(value)


def seed_to_z(seed: int, dim: int) -> np.ndarray:
    """One latent of N(0, 1): float64 array (dim,)."""
    return np.random.RandomState(check_seed(seed)).standard_normal(dim)


def seeds_to_z(seeds: Sequence[int], dim: int) -> Tensor:
    """Latents of N(0, 1) for several seeds, each from its own stream: float32 tensor (len(seeds), dim)."""
    return torch.from_numpy(np.stack([seed_to_z(seed, dim) for seed in seeds])).float()


def seed_to_noise(seed: int, count: int) -> Tensor:
    """Noise of N(0, 1) for the layers of a synthesis network, float32 (count,), from another stream than the latent."""
    return torch.from_numpy(np.random.RandomState([check_seed(seed), 1]).standard_normal(count)).float()


def seed_to_labels(seed: int, frequencies: Sequence[Sequence[float]]) -> list[int]:
    """Labels for one seed, drawn with the given frequencies from another stream than the latent.

    Args:
        frequencies: for each attribute, how often each of its values occurs; they need not sum to 1.
    """
    draws = np.random.RandomState([check_seed(seed), 2]).random_sample(len(frequencies))
    sums = [np.cumsum(np.asarray(values, dtype=float)) for values in frequencies]
    return [int(np.searchsorted(total, draw * total[-1], side="right")) for total, draw in zip(sums, draws)]


def linear_interpolate(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Linear interpolation, (1 - t) a + t b, exact at both ends. For w; in z the norm falls between the ends."""
    return torch.lerp(*torch.broadcast_tensors(a, b, _column(t, a)))


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Spherical interpolation (Shoemake 1985), exact at t = 0 and t = 1; the norm changes linearly from |a| to |b|.

    Nearly parallel latents use normalised linear interpolation; opposite ones turn through a fixed orthogonal vector. So no
    point of the path is zero or NaN. The direction of a zero latent is the first axis.

    Args:
        a, b: latents (..., D) with D of at least 2.
        t: 0 at a, 1 at b.
    """
    t = _column(t, a)
    u, v = _unit(a), _unit(b)
    # Unlike acos(u . v) this is accurate for small angles and near pi (Kahan 2006, section 12).
    angle = 2 * torch.atan2(_norm(u - v), _norm(u + v))  # (..., 1)
    around = torch.cos(t * angle) * u + torch.sin(t * angle) * _orthonormal(u, v)
    direction = _unit(torch.where(angle < 2 * _PARALLEL, u + t * (v - u), around))
    way = torch.lerp(*torch.broadcast_tensors(_norm(a), _norm(b), t)) * direction
    return torch.where(t == 0, a, torch.where(t == 1, b, way))


def circular_interpolate(u: Tensor, v: Tensor, t: float | Tensor) -> Tensor:
    """A point of the circle sqrt(D) (u cos 2 pi t + v sin 2 pi t), with u and v made orthonormal first.

    All points have the norm sqrt(D), about that of a random latent, and t = 1 is exactly t = 0.

    Args:
        u: latents (..., D); the circle starts in their direction.
        v: latents (..., D) that define the plane; near the quarter turn.
        t: in turns.
    """
    angle = 2 * math.pi * (_column(t, u) % 1)
    u = _unit(u)
    return math.sqrt(u.shape[-1]) * (torch.cos(angle) * u + torch.sin(angle) * _orthonormal(u, _unit(v)))


def latent_path(keys: Tensor, frames: int, kind: str = "slerp", closed: bool = True) -> Tensor:
    """Latents of an animation through key latents: ``path_points`` at ``path_positions``.

    With at least as many frames as keys, every key is a frame. A closed path continues from the last key to the first and stops
    one frame before it, so that a loop repeats no frame. An open path starts and ends at its outer keys.

    Args:
        keys: at least two latents (K, D).
        frames: number of frames, at least 1.
        kind: "slerp" or "linear" from key to key. "circular" is slerp on the sphere of radius sqrt(D); a closed path of two
            keys is the full circle of ``circular_interpolate``.
        closed: whether the path returns to the first key.

    Returns:
        Tensor (frames, D).

    Raises:
        AnimeGenError: too few keys or frames, or an unknown kind.
    """
    if keys.ndim != 2 or len(keys) < 2:
        raise AnimeGenError(f"A path needs key points of shape (K, D) with K of at least 2, not {tuple(keys.shape)}.")
    if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
        raise AnimeGenError(f"frames is {quote(frames)}, but must be a whole number from 1.")
    return path_points(keys, path_positions(len(keys), frames, kind, closed), kind, closed)


path = latent_path  # its earlier name


def path_positions(keys: int, frames: int, kind: str, closed: bool) -> np.ndarray:
    """Positions of the frames on the path, float64 (frames,): 2.5 is halfway from key 2 to key 3.

    On the full circle of two keys, positions 0 to 3 are the first key, the second, and their opposites.
    """
    circle = is_circle(keys, kind, closed)
    segments = 4 if circle else keys if closed else keys - 1
    steps = frames if closed else frames - 1
    if steps >= segments and not circle:  # shift positions slightly, so that every key is a frame
        return np.interp(np.arange(frames), [k * steps // segments for k in range(segments + 1)], range(segments + 1))
    return np.arange(frames) * segments / max(steps, 1)


def path_points(keys: Tensor, positions: np.ndarray, kind: str, closed: bool) -> Tensor:
    """Points (F, D) of the path through ``keys`` (K, D) at ``positions`` (F,) (see ``path_positions``).

    Raises:
        AnimeGenError: the kind of path is unknown.
    """
    if kind not in PATH_KINDS:
        raise AnimeGenError(f"Unknown path {quote(kind)}; known are: {', '.join(PATH_KINDS)}.")
    if is_circle(len(keys), kind, closed):
        return circular_interpolate(keys[0], keys[1], torch.as_tensor(positions / 4, dtype=keys.dtype, device=keys.device))
    if kind == "circular":
        keys = math.sqrt(keys.shape[1]) * _unit(keys)
    start = positions.astype(int)
    t = torch.as_tensor(positions - start, dtype=keys.dtype, device=keys.device)
    a, b = keys[start % len(keys)], keys[(start + 1) % len(keys)]
    return linear_interpolate(a, b, t) if kind == "linear" else slerp(a, b, t)


def path_weights(keys: int, positions: np.ndarray, kind: str, closed: bool) -> Tensor:
    """Weights of the keys at each point of a path: float32 (F, K); rows sum to 1.

    On the full circle u cos a + v sin a the weights are cos^2 a and sin^2 a.
    """
    weights = torch.zeros(len(positions), keys)
    if is_circle(keys, kind, closed):
        weights[:, 1] = torch.from_numpy(np.sin(positions * np.pi / 2) ** 2)
        weights[:, 0] = 1 - weights[:, 1]
        return weights
    start = positions.astype(int)
    t = torch.from_numpy(positions - start).float()
    rows = torch.arange(len(positions))
    weights[rows, start % keys] = 1 - t
    weights[rows, (start + 1) % keys] += t
    return weights


def is_circle(keys: int, kind: str, closed: bool) -> bool:
    """Whether a path is one full circle, instead of segments from key to key."""
    return kind == "circular" and closed and keys == 2


def variation(z: Tensor, variation_z: Tensor, strength: float) -> Tensor:
    """A variation of z (..., D): ``slerp`` toward another latent. Strength 0 is exactly z, 1 exactly the other.

    Raises:
        AnimeGenError: the strength is not in [0, 1].
    """
    return slerp(z, variation_z, check_number("The variation's strength", strength, 0, 1))


def truncate(w: Tensor, w_mean: Tensor, psi: float) -> Tensor:
    """The truncation trick, w_mean + psi (w - w_mean) (Karras et al. 2019, appendix B).

    Args:
        w: (..., w_dim).
        w_mean: mean of w, or of a label's w: (..., w_dim).
        psi: 1 gives exactly w, 0 exactly the mean, negative values the opposite face. Below 1 faces are more usual and have
            fewer faults.

    Raises:
        AnimeGenError: psi is not in [-2, 2].
    """
    return linear_interpolate(w_mean, w, check_number("psi", psi, -2, 2))


def style_mixing(
    coarse: Tensor, middle: Tensor, fine: Tensor, num_layers: int, crossovers: tuple[int, int] | None = None
) -> Tensor:
    """Layer styles from up to three faces (Karras et al. 2019, section 3.1): pose and shape, features, colours.

    Args:
        coarse, middle, fine: w of each source, (N, w_dim), or (1, w_dim) for all.
        num_layers: of the generator.
        crossovers: the layers at which middle and fine styles begin; by default those of a generator with two layers for each
            size. Other generators have an attribute ``crossovers``.

    Returns:
        ws (N, num_layers, w_dim).

    Raises:
        AnimeGenError: the crossovers are not two ascending layers in [0, num_layers].
    """
    if crossovers is None:
        crossovers = tuple(first_layer(size, 2, num_layers) for size in CROSSOVERS)
    layers = [layer for layer in crossovers if isinstance(layer, int) and 0 <= layer <= num_layers]
    if len(layers) != 2 or len(crossovers) != 2 or layers[0] > layers[1]:
        raise AnimeGenError(f"Crossovers are {crossovers!r}, but must be two ascending whole numbers from 0 to {num_layers}.")
    first, second = layers
    sources, counts = torch.broadcast_tensors(coarse, middle, fine), (first, second - first, num_layers - second)
    return torch.cat([w.unsqueeze(1).expand(-1, count, -1) for w, count in zip(sources, counts)], dim=1)


def _column(t: float | Tensor, like: Tensor) -> Tensor:
    """t with the type and device of the latents and a last axis of 1."""
    return torch.as_tensor(t, dtype=like.dtype, device=like.device).unsqueeze(-1)


def _norm(x: Tensor) -> Tensor:
    return x.norm(dim=-1, keepdim=True)


def _unit(x: Tensor) -> Tensor:
    """x (..., D) normalised to 1; the first axis if x is zero."""
    norm = _norm(x)
    axis = F.one_hot(torch.tensor(0, device=x.device), x.shape[-1]).to(x.dtype)
    return torch.where(norm > 0, x / norm.clamp_min(torch.finfo(x.dtype).tiny), axis)


def _orthonormal(u: Tensor, v: Tensor) -> Tensor:
    """The unit vector orthogonal to u in the plane of unit vectors u and v (..., D), on v's side.

    If they are parallel it is u with each pair of coordinates rotated by a right angle: that is still like a random latent,
    unlike an axis.
    """
    u, v = torch.broadcast_tensors(u, v)
    rest = v - (u * v).sum(-1, keepdim=True) * u
    rest = rest - (u * rest).sum(-1, keepdim=True) * u  # a second pass, to remove the rounding error of the first
    odd = u.shape[-1] % 2
    pairs = u[..., : u.shape[-1] - odd].unflatten(-1, (-1, 2))
    turned = F.pad(torch.stack([-pairs[..., 1], pairs[..., 0]], dim=-1).flatten(-2), (0, odd))  # an odd last one becomes 0
    return _unit(torch.where(_norm(rest) < _PARALLEL, turned, rest))


def pack_latent(checkpoint_hash: str, values: np.ndarray) -> str:
    """The text of a latent in a description: hash of the weights, a colon, and float16 values in URL-safe base64.

    A latent of z or w means nothing to other weights, so it carries their hash.

    Args:
        checkpoint_hash: 12 hex digits of the weights (``Checkpoint.hash``).
        values: float array of at most ``MAX_LATENT`` values, rounded to float16.

    Raises:
        AnimeGenError: a value is not a number or too large, or there are too few or too many.
    """
    values = np.asarray(values, dtype=np.float32).ravel()
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > _LIMIT:
        raise AnimeGenError("A latent has values that are not finite or too large.")
    text = f"{checkpoint_hash}:{base64.urlsafe_b64encode(values.astype('<f2').tobytes()).decode().rstrip('=')}"
    unpack_latent(text)
    return text


def unpack_latent(text: object) -> tuple[str, np.ndarray]:
    """Hash of the weights, and values, float32 (D,).

    Raises:
        AnimeGenError: it is not the text of a latent.
    """
    match = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) <= _longest() else None
    try:
        data = base64.b64decode(f"{match[2]}{'=' * (-len(match[2]) % 4)}", "-_", validate=True) if match else b""
    except binascii.Error:
        data = b""
    values = np.frombuffer(data if len(data) % 2 == 0 else b"", "<f2").astype(np.float32)
    if not 0 < len(values) <= MAX_LATENT or not np.isfinite(values).all():
        raise AnimeGenError(
            f"The latent is {quote(text)}, but must be 12 hex digits of the weights, a colon, and 1 to {MAX_LATENT:,} "
            "finite float16 values in URL-safe base64."
        )
    return match[1], values


def _longest() -> int:
    return len("0123456789ab:") + -(-2 * MAX_LATENT * 4 // 3)

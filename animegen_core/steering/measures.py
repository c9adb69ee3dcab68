"""Measures drawn faces without a detector: where recolouring changes the image is hair or iris, what it leaves is the face.

All positions and sizes are fractions of the image's side or area, colours are in [0, 1].
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from animegen_core.labels import ATTRIBUTES
from animegen_core.steering.faces import SIDE, Faces

_HAIR = ("black", "white", "red", "blue")  # far from each other
_EYES = ("red", "green", "blue")
_HAIR_MOVES, _FACE_MOVES = 30 / 255, 22 / 255  # standard deviation of a pixel from which it is hair; up to which it is face
_IRIS_MOVES = 0.08  # less is no iris
_LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
_rows, _columns = torch.meshgrid(torch.linspace(0, 1, SIDE), torch.linspace(0, 1, SIDE), indexing="ij")

POSE, FEATURES, COLOURS = (0,), (0, 1), (1, 2)  # ranges of layers in which a measure may move: coarse, middle, fine
MEASURES = {  # name: what it is, and its ranges
    "face size": ("area of the face", POSE),
    "face right": ("position of the face, from left to right", POSE),
    "face down": ("position of the face, from top to bottom", POSE),
    "turn": ("position of the eyes in the face, from left to right", POSE),
    "tilt": ("how much lower the right eye is than the left one", POSE),
    "eye size": ("area of the irises", FEATURES),
    "eyes open": ("height of the irises", FEATURES),
    "mouth": ("dark and red pixels below the eyes", FEATURES),
    "hair length": ("area of the hair in the lowest third", POSE),
    "hair volume": ("area of the hair in the upper two thirds", POSE),
    "hair lightness": ("lightness of the hair", COLOURS),
    "skin lightness": ("lightness of the face", COLOURS),
    "skin warmth": ("red and yellow in the face", COLOURS),
    "saturation": ("saturation of the image", COLOURS),
    "contrast": ("standard deviation of lightness", COLOURS),
    "sharpness": ("mean difference of neighbouring pixels", COLOURS),
}


def measure(faces: Faces, recolouring: dict[str, Tensor], ws: Tensor, labels: Tensor, seeds: Sequence[int]) -> Tensor:
    """Measure faces: float32 (N, len(MEASURES)). Draws each eight times.

    Args:
        recolouring: of ``learn_recolouring``.
        ws: (N, layers, w_dim).
        labels: the colours that they have, (N, attributes).
        seeds: of their noise.
    """
    plain = _draw(faces, ws, seeds)
    hair = _recoloured(faces, recolouring["hair"], "hair", _HAIR, ws, labels, seeds).std(0).mean(1, keepdim=True)
    iris = _recoloured(faces, recolouring["eyes"], "eyes", _EYES, ws, labels, seeds).std(0).mean(1, keepdim=True)
    return _measured(plain, hair, iris)


def _draw(faces: Faces, ws: Tensor, seeds: Sequence[int]) -> Tensor:
    return torch.from_numpy(faces.draw(ws, seeds)).permute(0, 3, 1, 2) / 255


def _recoloured(
    faces: Faces, table: Tensor, attribute: str, colours: Sequence[str], ws: Tensor, labels: Tensor, seeds: Sequence[int]
) -> Tensor:
    old = table[labels[:, list(ATTRIBUTES).index(attribute)]]
    indices = [ATTRIBUTES[attribute].index(colour) for colour in colours]
    return torch.stack([_draw(faces, ws + table[index] - old, seeds) for index in indices])


def _measured(plain: Tensor, hair: Tensor, iris: Tensor) -> Tensor:
    """Measures of images (N, 3, S, S) from how much hair and irises recolour in them, (N, 1, S, S) each."""
    luma, face = (plain * _LUMA).sum(1, keepdim=True), _face(hair)
    is_hair = (hair > _HAIR_MOVES).float() * (1 - face)
    iris = (iris - _IRIS_MOVES).clamp(0) * face * (_rows < 0.85)
    x, y = _mean(_columns, face), _mean(_rows, face)
    eyes_x, eyes_y = _mean(_columns, iris), _mean(_rows, iris)
    left, right = (iris * side for side in (_columns < eyes_x.view(-1, 1, 1, 1), _columns >= eyes_x.view(-1, 1, 1, 1)))
    below = face * (_rows > eyes_y.view(-1, 1, 1, 1) + 0.12) * ((_columns - eyes_x.view(-1, 1, 1, 1)).abs() < 0.15)
    skin, colourful = _mean(luma, face), plain.amax(1, keepdim=True) - plain.amin(1, keepdim=True)
    everything = torch.ones_like(luma)
    values = {
        "face size": face.mean((1, 2, 3)),
        "face right": x,
        "face down": y,
        "turn": eyes_x - x,
        "tilt": _mean(_rows, right) - _mean(_rows, left),
        "eye size": iris.mean((1, 2, 3)),
        "eyes open": _mean((_rows - eyes_y.view(-1, 1, 1, 1)).square(), iris).sqrt(),
        "mouth": _mean((skin.view(-1, 1, 1, 1) - luma).clamp(0) + (plain[:, :1] - plain[:, 1:2]).clamp(0), below),
        "hair length": is_hair[:, :, 2 * SIDE // 3 :].mean((1, 2, 3)),
        "hair volume": is_hair[:, :, : 2 * SIDE // 3].mean((1, 2, 3)),
        "hair lightness": _mean(luma, is_hair),
        "skin lightness": skin,
        "skin warmth": _mean(plain[:, :1] - plain[:, 1:].mean(1, keepdim=True), face),
        "saturation": _mean(colourful, everything),
        "contrast": luma.std((1, 2, 3)),
        "sharpness": sum(luma.diff(dim=axis).abs().mean((1, 2, 3)) for axis in (2, 3)),
    }
    return torch.stack([values[name] for name in MEASURES], dim=1)


def _face(hair: Tensor) -> Tensor:
    """The face, (N, 1, S, S) of 0 and 1: pixels that recolouring leaves alone, connected with the middle of the image."""
    still = (F.avg_pool2d(hair, 3, 1, 1) < _FACE_MOVES).float()
    face = still * ((_rows - 0.6).abs() < 0.12) * ((_columns - 0.5).abs() < 0.12)
    for _ in range(SIDE // 3):
        face = F.max_pool2d(face, 3, 1, 1) * still
    return F.max_pool2d(-F.max_pool2d(-F.max_pool2d(face, 5, 1, 2), 5, 1, 2), 1)  # closed: brows and eyes belong to it


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean over each image, (N,)."""
    return (values * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3)).clamp_min(1e-6)


def standardised(measures: Tensor, like: Tensor) -> Tensor:
    """Measures in standard deviations from the mean of ``like``, within five."""
    return ((measures - like.mean(0)) / like.std(0).clamp_min(1e-6)).clamp(-5, 5)

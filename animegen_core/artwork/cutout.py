"""Faces without their background, where that is white."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from animegen_core.artwork.oklab import picture_to_oklab
from animegen_core.errors import AnimeGenError

_NEAR = 0.055  # OKLab distance from the background's colour up to which a pixel may be background
_LIGHT, _GREY = 0.88, 0.05  # least lightness and most chroma of white
_LEAST = 0.1  # of the border, without the bottom, that must be white
_MOST_OF_THE_MIDDLE = 0.05  # of the middle that may be taken for background
_SIDE = 256  # px at which the background is followed from the border
_SOFT = 1 / 100  # of the side: half the width of an edge


def cut_out(picture: Image.Image) -> Image.Image:
    """The face as an RGBA image with a transparent background.

    The background is all that has the colour of the border's white, compared in OKLab, and is connected to the border; the
    left, right and upper border count, because a bust touches the lower one. Along the edge, alpha rises with the distance
    from that colour, relative to the face's own nearby; the white is removed (matting equation, Porter and Duff 1984).

    Raises:
        AnimeGenError: the border is not white, or hair or skin is as light.
    """
    lab = picture_to_oklab(picture)
    border = np.concatenate([lab[:3].reshape(-1, 3), lab[:, :3].reshape(-1, 3), lab[:, -3:].reshape(-1, 3)])
    white = border[(border[:, 0] > _LIGHT) & (np.hypot(border[:, 1], border[:, 2]) < _GREY)]
    if len(white) < _LEAST * len(border):
        raise AnimeGenError(
            f"The background cannot be removed, because it is not white: only {len(white) / len(border):.0%} of the border is, "
            f"and {_LEAST:.0%} are needed."
        )
    background = np.median(white, axis=0)
    distance = torch.from_numpy(np.linalg.norm(lab - background, axis=2)).float()[None, None]
    outside = _connected_to_border(distance)
    height, width = distance.shape[2:]
    middle = outside[..., height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    if float(middle.mean()) > _MOST_OF_THE_MIDDLE:
        raise AnimeGenError("The background cannot be removed: hair or skin is as light and would vanish with it.")
    alpha = _matte(distance, outside)[0, 0].numpy()
    return _without(picture, _background_of(picture, alpha), alpha)


def _connected_to_border(distance: torch.Tensor) -> torch.Tensor:
    """1 where pixels (1, 1, H, W) are near to the background's colour and connected to the border, elsewhere 0."""
    scale = min(1.0, _SIDE / max(distance.shape[2:]))
    size = [max(1, round(side * scale)) for side in distance.shape[2:]]
    like = (F.interpolate(distance, size, mode="area") < _NEAR).float()
    reached = torch.zeros_like(like)
    reached[..., 0, :] = reached[..., :, 0] = reached[..., :, -1] = 1
    reached *= like
    while True:  # dilation within the pixels that are like the background, until nothing is added
        grown = F.max_pool2d(reached, 3, 1, 1) * like
        if torch.equal(grown, reached):
            return F.interpolate(reached, distance.shape[2:], mode="bilinear")
        reached = grown


def _matte(distance: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """Alpha (1, 1, H, W): 0 outside, 1 inside, and by colour where they meet.

    There a pixel is a mixture, and its distance from the background's colour is that fraction of the face's own distance,
    which is the largest nearby. Alpha never falls on the way inwards: behind an outline, hair that is lighter is whole.
    """
    reach = max(2, round(max(distance.shape[2:]) * _SOFT * 2))
    own = F.max_pool2d(distance, 2 * reach + 1, 1, reach).clamp(min=2 * _NEAR)
    by_colour = ((distance - _NEAR / 2) / (own - _NEAR / 2)).clamp(0, 1)
    region, alpha = (outside > 0.5).float(), torch.zeros_like(distance)
    for _ in range(reach):
        wider = F.max_pool2d(region, 3, 1, 1)
        ring = wider > region
        alpha = torch.where(ring, torch.maximum(by_colour, F.max_pool2d(alpha, 3, 1, 1)), alpha)
        region = wider
    return torch.where(region > 0, alpha, torch.ones_like(alpha))


def _background_of(picture: Image.Image, alpha: np.ndarray) -> np.ndarray:
    """The mean sRGB colour (3,) of 0 to 255 where ``alpha`` is 0."""
    return np.asarray(picture.convert("RGB"), dtype=float)[alpha < 0.01].mean(axis=0)


def _without(picture: Image.Image, background: np.ndarray, alpha: np.ndarray) -> Image.Image:
    """The picture with ``alpha`` (H, W), and without the background's colour in half-transparent pixels."""
    colours = np.asarray(picture.convert("RGB"), dtype=float)
    part = np.maximum(alpha, 0.05)[..., None]
    own = np.clip((colours - (1 - part) * background) / part, 0, 255)
    own[alpha < 0.01] = background
    return Image.fromarray(np.dstack([own, alpha * 255]).round().astype(np.uint8), "RGBA")

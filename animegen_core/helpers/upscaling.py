"""Enlarges faces with the bundled upscaler, another one, or by Lanczos interpolation without one.

Each image is enlarged alone, so that the result depends on nothing else.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling

from animegen_core import images
from animegen_core.checkpoint import BUNDLED, CONFIG
from animegen_core.devices import autocast_dtype
from animegen_core.errors import AnimeGenError, quote
from animegen_core.helpers.kind import HelperKind
from animegen_core.helpers.own_upscaler import load_own_upscaler
from animegen_core.images import to_model_range
from animegen_core.models.upscaler import Upscaler

UPSCALER_NETWORK = HelperKind("an upscaler", "upscaler", "upscaler", Upscaler)
UPSCALER = "upscaler-x4"
METHODS = ("upscaler", "lanczos")
_FACTORS = (1, 2, 4, 8, 16, 32)
_ALWAYS, _LARGEST = 8, 2048  # all factors up to 8 are allowed, and larger ones up to 2048 px

OWN = "ANIMEGEN_UPSCALER"  # environment variable: another upscaler, a weights file or a folder of train.py upscaler

_loaded: dict[Path, Callable[[Image.Image], Image.Image]] = {}
_LOCK = Lock()  # the network loads once, and only one thread uses it


def upscaler_available() -> bool:
    """Whether an upscaler is bundled, or named by ``ANIMEGEN_UPSCALER``."""
    return _own() is not None or (BUNDLED / UPSCALER / CONFIG).is_file()


def sizes_of(side: int) -> tuple[int, ...]:
    """Sizes in pixels to which an image of this size can be enlarged, its own first."""
    return tuple(side * factor for factor in _FACTORS if factor <= _ALWAYS or side * factor <= _LARGEST)


def enlarge(picture: Image.Image, size: int, method: str | None = None) -> Image.Image:
    """A square image at 1, 2, 4 or 8 times its size, or at 16 or 32 times if that is at most 2048 px.

    The upscaler enlarges four times. Twice is that reduced, which is sharper than interpolation, and eight times is that
    interpolated. From 16 times on the upscaler runs twice. The same image gives the same bytes on the same computer.

    Args:
        picture: RGB.
        size: of the result in pixels, one of ``sizes_of(picture.width)``.
        method: "upscaler" or "lanczos"; by default the upscaler if one is bundled.

    Raises:
        AnimeGenError: the image is not square RGB, the size or method is unknown, or no upscaler is bundled.
    """
    _check(picture, size)
    if _chosen(method) == "upscaler" and size > picture.width:
        twice = size >= 16 * picture.width
        picture = enlarge_fourfold(picture)
        if twice:
            picture = enlarge_fourfold(picture)
    if size < picture.width:
        return picture.reduce(picture.width // size)  # the mean of each square of pixels
    return picture.resize((size, size), Resampling.LANCZOS)  # a copy if the size is already right


def enlarge_fourfold(picture: Image.Image) -> Image.Image:
    """An RGB image of any shape at four times its size, by the bundled upscaler or the one that ``ANIMEGEN_UPSCALER`` names.

    Raises:
        AnimeGenError: there is none, or it is damaged.
    """
    with _LOCK:
        return _chosen_upscaler()(picture)


def loaded_enlarger() -> Callable[[Image.Image], Image.Image]:
    """``enlarge_fourfold`` with its network loaded, so that errors appear now and not at the first image.

    Raises:
        AnimeGenError: none is bundled, or it is damaged.
    """
    with _LOCK:
        _chosen_upscaler()
    return enlarge_fourfold


def _own() -> Path | None:
    text = os.environ.get(OWN, "").strip()
    return Path(text).expanduser() if text else None


def _chosen_upscaler() -> Callable[[Image.Image], Image.Image]:
    own = _own()
    path = own or BUNDLED / UPSCALER
    if path not in _loaded:
        if own is not None and not own.is_dir():
            _loaded[path] = load_own_upscaler(own)
        else:
            _loaded[path] = partial(run_upscaler, for_inference(load_upscaler(path)))
    return _loaded[path]


def load_upscaler(name: str | Path = UPSCALER) -> Upscaler:
    """Load the bundled upscaler, or another by folder.

    Raises:
        AnimeGenError: there is no such upscaler, or it is damaged.
    """
    return UPSCALER_NETWORK.load(name)


def run_upscaler(upscaler: Upscaler, picture: Image.Image) -> Image.Image:
    """Enlarge one RGB image with a network of ``for_inference``."""
    weight = upscaler.tail.weight
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].to(weight.device)  # (1, 3, H, W), channels last
    with torch.inference_mode():
        return images.to_pil(upscaler(to_model_range(pixels)))[0]


def for_inference(upscaler: Upscaler) -> Upscaler:
    """The network in its fastest form: channels last, and bfloat16 if the device computes it in hardware."""
    device = upscaler.tail.weight.device
    return upscaler.eval().to(dtype=autocast_dtype("auto", device), memory_format=torch.channels_last)


def _check(picture: Image.Image, size: int) -> None:
    if picture.mode != "RGB" or picture.width != picture.height:
        raise AnimeGenError(
            f"The image is {picture.mode} of {picture.width} x {picture.height} pixels, but must be square and RGB."
        )
    good = sizes_of(picture.width)
    if isinstance(size, bool) or not isinstance(size, int) or size not in good:
        raise AnimeGenError(
            f"The size is {quote(size)}, but for an image of {picture.width} px it must be one of: {', '.join(map(str, good))}."
        )


def _chosen(method: str | None) -> str:
    if method is None:
        return "upscaler" if upscaler_available() else "lanczos"
    if method not in METHODS:
        raise AnimeGenError(f"The method is {quote(method)}, but must be one of: {', '.join(METHODS)}.")
    if method == "upscaler" and not upscaler_available():
        raise AnimeGenError("The method is 'upscaler', but none is bundled; use 'lanczos'.")
    return method

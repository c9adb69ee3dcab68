"""Upscalers that artists own already: ESRGAN, SwinIR and other networks, which spandrel recognises by their weights."""

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from animegen_core import images
from animegen_core.errors import AnimeGenError, quote
from animegen_core.images import to_model_range

SUFFIXES = (".safetensors", ".pth", ".ckpt")  # no .pt: TorchScript files have code
_FOURFOLD = 4


def load_own_upscaler(path: str | Path) -> Callable[[Image.Image], Image.Image]:
    """A function that enlarges an RGB image of any shape four times with the network in a weights file.

    A network for twice the size runs twice, and other sizes are resized to four times. No code in the file is run.

    Args:
        path: a .safetensors, .pth or .ckpt file.

    Raises:
        AnimeGenError: spandrel is not installed, or the file is missing, damaged, or not of an upscaler that it knows.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise AnimeGenError(f"There is no file {quote(str(path))}.")
    if path.suffix.lower() not in SUFFIXES:
        raise AnimeGenError(f"{quote(path.name)} cannot be an upscaler; use a file that ends in one of: {', '.join(SUFFIXES)}.")
    try:
        import spandrel
    except ImportError:
        raise AnimeGenError("Other upscalers need the package spandrel; install with: pip install -e '.[upscalers]'") from None
    try:
        model = spandrel.ModelLoader("cpu").load_from_state_dict(spandrel.canonicalize_state_dict(_weights(path)))
    except (spandrel.UnsupportedModelError, UnpicklingError, SafetensorError, RuntimeError, ValueError, OSError, EOFError):
        model = None
    if not isinstance(model, spandrel.ImageModelDescriptor) or model.input_channels != 3 or model.scale < 2:
        raise AnimeGenError(f"{quote(path.name)} is damaged, or not an upscaler of RGB images that spandrel knows.")
    return lambda picture: _fourfold(model.eval(), model.scale, picture)


def _weights(path: Path) -> dict[str, Tensor]:
    if path.suffix.lower() == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _fourfold(model: Callable[[Tensor], Tensor], scale: int, picture: Image.Image) -> Image.Image:
    size = (_FOURFOLD * picture.width, _FOURFOLD * picture.height)
    while picture.width < size[0]:
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            enlarged = model((to_model_range(pixels) + 1) / 2)  # (1, 3, H, W) in [0, 1]
        picture = images.to_pil(2 * enlarged.float() - 1)[0]
        if scale > _FOURFOLD:
            break
    return picture if picture.size == size else picture.resize(size, Resampling.LANCZOS)

"""Enlarging a face of 64 px: the upscaler against Lanczos interpolation. Float32 is beside it."""

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling

from animegen_core.helpers.upscaling import for_inference, load_upscaler, run_upscaler
from animegen_core.models import count_parameters
from benchmarks.timing import seconds_each

_SIDE, _ROUNDS = 64, 30


def main() -> None:
    """Print milliseconds of both, their ratio, and the time of a float32 network of the same size."""
    face = Image.fromarray(np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8))
    upscaler, plain = for_inference(load_upscaler()), load_upscaler()
    large = 4 * _SIDE
    seconds = seconds_each(
        {
            "lanczos": lambda: face.resize((large, large), Resampling.LANCZOS),
            "upscaler": lambda: run_upscaler(upscaler, face),
            "upscaler, fp32": lambda: run_upscaler(plain, face),
        },
        _ROUNDS,
    )
    parameters, dtype = count_parameters(upscaler), str(upscaler.tail.weight.dtype).removeprefix("torch.")
    print(f"  {_SIDE} -> {large} px, {parameters:,} parameters, {dtype}, {torch.get_num_threads()} threads")
    for name, value in seconds.items():
        print(f"  {name:16} {value * 1e3:7.2f} ms   {value / seconds['lanczos']:6.1f} x Lanczos")


if __name__ == "__main__":
    main()

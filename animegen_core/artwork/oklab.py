"""OKLab, a colour space in which equal distances look equal (Ottosson 2020, "A perceptual color space")."""

import numpy as np
from PIL import Image

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def picture_to_oklab(picture: Image.Image) -> np.ndarray:
    """An RGB image as float64 (H, W, 3): lightness in [0, 1], and two colour axes of about [-.4, .4]."""
    return to_oklab(np.asarray(picture.convert("RGB")))


def to_oklab(colours: np.ndarray) -> np.ndarray:
    """Convert sRGB colours (..., 3) of 0 to 255 to OKLab."""
    encoded = np.asarray(colours, dtype=float) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T


def from_oklab(lab: np.ndarray) -> np.ndarray:
    """Convert OKLab (..., 3) to sRGB as uint8. Colours that sRGB does not have are clipped."""
    cones = (np.asarray(lab, dtype=float) @ np.linalg.inv(_TO_LAB).T) ** 3
    linear = np.clip(cones @ np.linalg.inv(_TO_CONES).T, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255).round().astype(np.uint8)

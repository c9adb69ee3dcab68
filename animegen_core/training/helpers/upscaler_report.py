"""Compares an upscaler with interpolation on held-out images."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from animegen_core.helpers.upscaling import for_inference, run_upscaler
from animegen_core.models.upscaler import Upscaler
from animegen_core.training.helpers.degradation import degrade

Report = dict[str, dict[str, dict[str, float]]]

_EDGES = 0.9  # quantile of the differences between neighbours above which there is an edge


def held_out_report(
    upscaler: Upscaler, pictures: Sequence[np.ndarray], pairs: Sequence[tuple[np.ndarray, np.ndarray]] = ()
) -> Report:
    """PSNR and sharpness of an upscaler and of Lanczos interpolation, on clean and on degraded small images.

    Args:
        upscaler: it is not changed.
        pictures: uint8 (H, W, 3); the upscaler's scale divides their sides.
        pairs: small images, and the same ones enlarged by another upscaler.

    Returns:
        {"clean" | "degraded" | "pairs": {"upscaler" | "lanczos": {"psnr": dB, "sharpness": fraction}}}, means over all images.
        Clean images are reduced by area, degraded ones as in training; "pairs" is missing if there are none.
    """
    network, scale = for_inference(copy.deepcopy(upscaler)), upscaler.scale

    def by_area(picture: Image.Image, _index: int) -> Image.Image:
        return picture.reduce(scale)

    def as_in_training(picture: Image.Image, index: int) -> Image.Image:
        return degrade(picture, np.random.default_rng(index), scale)  # the same degradation for every upscaler

    def by_lanczos(picture: Image.Image) -> Image.Image:
        return picture.resize((scale * picture.width, scale * picture.height), Resampling.LANCZOS)

    ways = {"upscaler": lambda picture: run_upscaler(network, picture), "lanczos": by_lanczos}
    report = {
        "clean": _compare(ways, by_area, pictures),
        "degraded": _compare(ways, as_in_training, pictures),
    }
    if pairs:
        report["pairs"] = _compare(ways, lambda _, index: Image.fromarray(pairs[index][0]), [large for _, large in pairs])
    return report


def psnr(picture: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio of uint8 images in dB, over all channels together."""
    error = np.square(picture.astype(np.float64) - truth).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-10)))


def edge_sharpness(picture: np.ndarray, truth: np.ndarray) -> float:
    """Mean step between neighbours at the true image's edges (its largest tenth of steps), as a fraction of the true one.

    Below 1 is softer than the truth. Ringing and grain elsewhere do not count. An image without edges gets 1.
    """
    steps, true_steps = _steps(picture), _steps(truth)
    edges = (true_steps >= np.quantile(true_steps, _EDGES)) & (true_steps > 0)
    return float(steps[edges].mean() / true_steps[edges].mean()) if edges.any() else 1.0


def _steps(picture: np.ndarray) -> np.ndarray:
    """Absolute differences between vertical and horizontal neighbours in a uint8 image."""
    values = picture.astype(np.float32)
    return np.concatenate([np.abs(np.diff(values, axis=axis)).ravel() for axis in (0, 1)])


def _compare(
    ways: dict[str, Callable[[Image.Image], Image.Image]],
    reduce: Callable[[Image.Image, int], Image.Image],
    pictures: Sequence[np.ndarray],
) -> dict[str, dict[str, float]]:
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for index, truth in enumerate(pictures):
        small = reduce(Image.fromarray(truth), index)
        for name, enlarge in ways.items():
            enlarged = np.asarray(enlarge(small))
            scores[name].append((psnr(enlarged, truth), edge_sharpness(enlarged, truth)))
    means = {name: np.mean(values, axis=0).tolist() for name, values in scores.items()}
    return {name: {"psnr": round(mean[0], 2), "sharpness": round(mean[1], 3)} for name, mean in means.items()}

"""Measures of the spectrum of brightness: checkerboard patterns of upsampling (Odena et al. 2016), and sharpness."""

from collections.abc import Sequence

import numpy as np

_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
FOLDS = 10


def fold_spectra(pictures: np.ndarray) -> np.ndarray:
    """Mean power spectrum of each tenth of uint8 images (N, S, S, 3): float64 (10, S, S), frequency 0 first.

    A Hann window suppresses the discontinuity at the image's border.
    """
    side = pictures.shape[1]
    hann = np.hanning(side + 1)[:-1]  # periodic, so that a fitting tone leaks only to its nearest neighbours
    spectra = []
    for fold in np.array_split(np.arange(len(pictures)), FOLDS):
        total = np.zeros((side, side))
        for chunk in np.array_split(fold, max(1, len(fold) // 250)):
            brightness = pictures[chunk] @ _LUMINANCE  # (n, S, S)
            brightness -= brightness.mean((1, 2), keepdims=True)
            total += (np.abs(np.fft.fft2(brightness * np.outer(hann, hann))) ** 2).sum(0)
        spectra.append(total / len(fold))
    return np.stack(spectra)


def checkerboard(spectra: np.ndarray, real: np.ndarray, folds: Sequence[int] = range(FOLDS)) -> float:
    """Excess of patterns of 2 and 4 px over neighbouring frequencies, relative to real images, where it is 1.

    A transposed convolution that doubles the size can cause a pattern of 2 px, and the next doubling makes it 4 px. A blur
    changes the value little, because neighbouring frequencies change too.

    Args:
        spectra, real: of ``fold_spectra``.
        folds: the folds of ``spectra`` to use.
    """
    return float((_standing_out(spectra[list(folds)].mean(0)) / _standing_out(real.mean(0))).mean())


def sharpness(spectra: np.ndarray, real: np.ndarray, folds: Sequence[int] = range(FOLDS)) -> float:
    """Energy at wavelengths under 4 px, relative to real images; arguments as in ``checkerboard``."""
    return float(_fine_energy(spectra[list(folds)].mean(0)) / _fine_energy(real.mean(0)))


def radial(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in cycles per pixel up to 1/2, and the mean power at each."""
    power, side = spectra.mean(0), spectra.shape[1]
    frequency = np.fft.fftfreq(side)
    ring = np.rint(side * np.hypot(frequency[:, None], frequency)).astype(int)
    rings = range(1, side // 2 + 1)
    return np.array(rings) / side, np.array([power[ring == r].mean() for r in rings])


def _fine_energy(power: np.ndarray) -> float:
    frequency = np.abs(np.fft.fftfreq(len(power)))
    return power[np.maximum(frequency[:, None], frequency) > 1 / 4].mean()


def _standing_out(power: np.ndarray) -> np.ndarray:
    """Energy of each pattern of 2 and 4 px, relative to neighbouring frequencies: (15,)."""
    steps = [len(power) // 4 * n for n in range(4)]
    ratios = []
    for u, v in [(u, v) for u in steps for v in steps if (u, v) != (0, 0)]:
        square = np.take(np.take(power, range(u - 3, u + 4), 0, mode="wrap"), range(v - 3, v + 4), 1, mode="wrap")  # (7, 7)
        inside = square[2:5, 2:5].sum()  # the window spreads a tone to its nearest neighbours
        ratios.append((inside / 9) / ((square.sum() - inside) / 40))
    return np.array(ratios)

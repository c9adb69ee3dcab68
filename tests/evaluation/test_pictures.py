"""Measures that look at pixels: sliced Wasserstein distance, MS-SSIM, the spectrum; and the damages that try them."""

import numpy as np
import pytest
import torch

from animegen_core.evaluation.damages import apply, blurred, chequered, eyes_smeared, noised
from animegen_core.evaluation.similarity import ms_ssim, pair_similarities
from animegen_core.evaluation.spectrum import checkerboard, fold_spectra, radial, sharpness
from animegen_core.evaluation.wasserstein import laplacian_pyramid, sliced_wasserstein
from animegen_core.images import to_images


@pytest.fixture(scope="module")
def faces(draw):
    """80 pictures of blobs, 64 px."""
    return np.stack([np.asarray(draw(seed, (64, 64))) for seed in range(80)])


def test_wasserstein_is_zero_for_the_same_set_and_near_its_floor_for_halves(faces):
    assert set(sliced_wasserstein(faces, faces)) == {64, 32, 16}
    assert set(sliced_wasserstein(faces, faces).values()) == {0}
    halves, damaged = sliced_wasserstein(faces[:40], faces[40:]), sliced_wasserstein(faces[:40], faces[40:] // 4)
    assert damaged[16] > halves[16] > 0
    assert sliced_wasserstein(faces, faces[::-1].copy())[16] < halves[16] / 2  # the order of pictures does not matter


def test_wasserstein_sees_blur_in_fine_grain_and_colour_in_shapes(faces):
    blur, tint = apply(blurred, faces, 1), faces // np.array([1, 2, 1], dtype=np.uint8)
    by_blur, by_tint = sliced_wasserstein(faces, blur), sliced_wasserstein(faces, tint)
    assert by_blur[64] > 2 * by_blur[16]
    assert by_tint[16] > 2 * by_blur[16]


def test_a_pyramid_adds_up_to_the_picture(faces):
    images = to_images(faces[:2])
    levels = laplacian_pyramid(images)
    assert [level.shape[-1] for level in levels] == [64, 32, 16]
    assert torch.allclose(levels[0].mean((2, 3)), torch.zeros(2, 3), atol=0.05)
    flat = laplacian_pyramid(torch.full((1, 3, 64, 64), 0.5))
    assert flat[0][..., 4:-4, 4:-4].abs().max() < 1e-6 and torch.allclose(flat[2], torch.tensor(0.5))


def test_ms_ssim_is_one_for_the_same_picture_and_falls_with_noise(faces):
    images = to_images(faces[:8])
    assert torch.allclose(ms_ssim(images, images), torch.ones(8), atol=1e-5)
    light, heavy = (ms_ssim(images, noised(images, levels)) for levels in (10, 60))
    assert (light < 1).all() and (heavy < light).all()


def test_one_scale_agrees_with_torchmetrics(faces):
    pytest.importorskip("torchmetrics")
    from torchmetrics.functional.image import structural_similarity_index_measure as theirs

    a = to_images(faces[:8, 20:36, 20:36])
    b = noised(a, 20).clamp(-1, 1)
    _, everywhere = theirs((a + 1) / 2, (b + 1) / 2, data_range=1.0, reduction="none", return_full_image=True)
    inside = everywhere[..., 5:-5, 5:-5].mean((1, 2, 3))  # where the window needs no border, as in the paper
    assert torch.allclose(ms_ssim(a, b), inside, atol=1e-4)


def test_faces_all_alike_have_pairs_more_alike(faces):
    monotonous = np.concatenate([faces[:2]] * 20)
    assert pair_similarities(monotonous).mean() > pair_similarities(faces).mean() + 0.2
    assert len(pair_similarities(faces)) == 40


def test_the_spectrum_tells_chequers_from_blur(faces):
    real = fold_spectra(faces)
    assert checkerboard(real, real) == pytest.approx(1) and sharpness(real, real) == pytest.approx(1)
    chequers = [checkerboard(fold_spectra(apply(chequered, faces, levels)), real) for levels in (2, 5)]
    assert chequers[1] > chequers[0] > 2
    blur = [fold_spectra(apply(blurred, faces, sigma)) for sigma in (0.5, 1)]
    assert 1 > sharpness(blur[0], real) > sharpness(blur[1], real) > 0
    assert checkerboard(blur[0], real) == pytest.approx(1, abs=0.3)


def test_a_pattern_of_four_pixels_counts_too(faces):
    images = to_images(faces)
    images[..., ::4] += 0.05
    striped = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert checkerboard(fold_spectra(striped), fold_spectra(faces)) > 1.5


def test_the_radial_spectrum_of_a_wave_peaks_at_its_frequency():
    wave = 127 + 100 * np.sin(2 * np.pi * np.arange(64) * 8 / 64)
    frequency, power = radial(fold_spectra(np.broadcast_to(wave[:, None, None], (20, 64, 64, 3)).astype(np.uint8)))
    assert frequency[power.argmax()] == pytest.approx(8 / 64)


def test_smeared_eyes_leave_the_rest_of_the_face(faces):
    images = to_images(faces[:4])
    changed = (eyes_smeared(images, 9) - images).abs().amax((0, 1))
    assert changed[24:46, 10:54].max() > 0.3
    assert changed[:20].max() == 0 and changed[50:].max() == 0

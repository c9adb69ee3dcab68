import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from animegen_core.errors import AnimeGenError
from animegen_core.latents import (
    PATH_KINDS,
    check_seed,
    circular_interpolate,
    latent_path,
    linear_interpolate,
    path_points,
    path_positions,
    path_weights,
    seed_to_noise,
    seed_to_z,
    seeds_to_z,
    slerp,
    style_mixing,
    truncate,
    variation,
)

STEPS = torch.linspace(0, 1, 41, dtype=torch.float64)
DIMS = st.integers(2, 512)
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(PATH_KINDS)


def pair(dim, dtype=torch.float32, seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(2, dim, generator=source, dtype=dtype).unbind()


def axis(dim):
    last = torch.zeros(dim)
    last[-1] = 2.0
    return last


# Latents between which there is no one way, or hardly any way at all.
AWKWARD = {
    "identical": lambda a, b: (a, a.clone()),
    "parallel": lambda a, b: (a, 3 * a),
    "nearly parallel": lambda a, b: (a, a + 1e-6 * b),
    "at the limit of parallel": lambda a, b: (
        a / a.norm(),
        slerp(a, b, 1e-3 / math.acos(torch.cosine_similarity(a, b, 0).clamp(-1, 0.9999))),
    ),
    "opposite": lambda a, b: (a, -a),
    "opposite and longer": lambda a, b: (a, -2.5 * a),
    "nearly opposite": lambda a, b: (a, -a + 1e-5 * b),
    "opposite on the last axis": lambda a, b: (axis(len(a)), -axis(len(a))),
    "tiny": lambda a, b: (1e-15 * a, -1e-15 * a),
    "from zero": lambda a, b: (torch.zeros_like(a), b),
    "to zero": lambda a, b: (a, torch.zeros_like(a)),
    "random": lambda a, b: (a, b),
}


def each_awkward(test):
    """Run a property of pairs on each awkward kind, with dimensions and latents as they come."""
    return pytest.mark.parametrize("name", AWKWARD)(settings(max_examples=8)(given(dim=DIMS, seed=SEEDS)(test)))


def test_the_stream_of_a_seed_is_frozen():
    # The first values of NumPy's legacy generator; were they to change, every saved face would.
    assert seed_to_z(0, 4).tolist() == [1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458]
    assert seed_to_z(42, 2).tolist() == [0.4967141530112327, -0.13826430117118466]
    assert seed_to_z(2**32 - 1, 1).shape == (1,)


def test_a_latent_depends_on_its_own_seed_only():
    z = seeds_to_z([7, 0, 7], 100)
    assert z.shape == (3, 100) and z.dtype == torch.float32
    assert torch.equal(z[0], z[2]) and not torch.equal(z[0], z[1])
    assert torch.equal(z[1], torch.from_numpy(seed_to_z(0, 100)).float())


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True, np.bool_(True)])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(AnimeGenError, match="is not a whole number from 0 to 4294967295"):
        check_seed(seed)


@pytest.mark.parametrize("interpolate", [linear_interpolate, slerp])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=10)
@given(dim=DIMS, seed=SEEDS)
def test_ends_are_exact_and_shapes_broadcast(interpolate, dtype, dim, seed):
    a, b = pair(dim, dtype, seed)
    assert torch.equal(interpolate(a, b, 0), a) and torch.equal(interpolate(a, b, 1), b)
    assert interpolate(a, b, 0.3).dtype == dtype
    way = interpolate(a, b, STEPS)
    assert way.shape == (41, dim)
    assert torch.equal(way[0], a) and torch.equal(way[-1], b)
    torch.testing.assert_close(way[10], interpolate(a, b, 0.25))
    each = interpolate(torch.stack([a, b]), torch.stack([b, a]), torch.tensor([0.25, 0.5]))
    torch.testing.assert_close(each, torch.stack([interpolate(a, b, 0.25), interpolate(b, a, 0.5)]))


def test_the_straight_way_is_straight():
    a, b = torch.tensor([0.0, 4.0]), torch.tensor([2.0, 0.0])
    assert linear_interpolate(a, b, 0.25).tolist() == [0.5, 3.0]


@given(dim=DIMS, seed=SEEDS)
def test_slerp_keeps_the_norm_and_turns_evenly(dim, seed):
    a, b = (math.sqrt(dim) * x / x.norm() for x in pair(dim, torch.float64, seed))
    assume(abs(a @ b / dim) < 0.999)
    way = slerp(a, b, STEPS)
    torch.testing.assert_close(way.norm(dim=1), torch.full((41,), math.sqrt(dim), dtype=torch.float64))
    turns = (way[1:] * way[:-1]).sum(1)
    torch.testing.assert_close(turns, turns[:1].expand(40))
    formula = [
        (torch.sin((1 - t) * o) * a + torch.sin(t * o) * b) / torch.sin(o) for o in [torch.acos(a @ b / dim)] for t in STEPS
    ]
    torch.testing.assert_close(way, torch.stack(formula))


def test_slerp_changes_the_norm_evenly():
    a, b = pair(64, torch.float64)
    wanted = torch.lerp(a.norm(), 3 * b.norm(), STEPS)
    torch.testing.assert_close(slerp(a, 3 * b, STEPS).norm(dim=1), wanted)


@each_awkward
def test_slerp_never_passes_through_zero_and_never_jumps(name, dim, seed):
    a, b = AWKWARD[name](*pair(dim, seed=seed))
    way = slerp(a, b, STEPS)
    assert torch.equal(way[0], a) and torch.equal(way[-1], b)
    norms = torch.lerp(a.norm(), b.norm(), STEPS.float())
    torch.testing.assert_close(way.norm(dim=1), norms, rtol=1e-5, atol=1e-6)
    inner = way[1:-1] / way[1:-1].norm(dim=1, keepdim=True)
    assert inner.isfinite().all()
    assert (inner[1:] - inner[:-1]).norm(dim=1).max() <= math.pi / 40 + 1e-4  # at most half a turn in 40 even steps


def test_slerp_takes_mixed_batches():
    a, b = (torch.stack(side) for side in zip(*(make(*pair(6)) for make in AWKWARD.values())))
    alone = torch.stack([slerp(x, y, 0.3) for x, y in zip(a, b)])
    torch.testing.assert_close(slerp(a, b, 0.3), alone)


def test_halfway_between_opposites_is_at_right_angles_and_still_a_typical_latent():
    a, _ = pair(512)
    half = slerp(a, -a, 0.5)
    assert abs(torch.cosine_similarity(a, half, 0)) < 1e-6
    assert half.abs().max() < 5
    assert torch.equal(half, slerp(a, -a, 0.5))


@each_awkward
def test_the_circle_has_a_constant_norm_and_closes_exactly(name, dim, seed):
    u, v = AWKWARD[name](*pair(dim, seed=seed))
    way = circular_interpolate(u, v, STEPS)
    torch.testing.assert_close(way.norm(dim=1), torch.full((41,), math.sqrt(dim)))
    assert torch.equal(way[0], way[-1])
    torch.testing.assert_close(way[:21], -way[20:], atol=1e-4, rtol=0)
    assert torch.equal(circular_interpolate(u, v, 0.25), circular_interpolate(u, v, 3.25))


def test_the_circle_lies_in_the_plane_of_its_two_latents():
    u, v = pair(50, torch.float64)
    start, quarter = circular_interpolate(u, v, 0), circular_interpolate(u, v, 0.25)
    torch.testing.assert_close(torch.cosine_similarity(start, u, 0).item(), 1.0)
    assert abs((start @ quarter).item()) < 1e-9 and (quarter @ v).item() > 0
    assert torch.linalg.matrix_rank(torch.stack([u, v, start, quarter])) == 2


@settings(max_examples=100)
@given(KINDS, st.booleans(), st.integers(2, 6), st.integers(1, 20) | st.integers(1, 240))
def test_a_path_hits_its_keys_once_each(kind, closed, count, frames):
    keys = seeds_to_z(range(count), 16)
    way = latent_path(keys, frames, kind, closed)
    assert way.shape == (frames, 16)
    if kind == "circular":
        torch.testing.assert_close(way.norm(dim=1), torch.full((frames,), 4.0))
        keys = 4 * keys / keys.norm(dim=1, keepdim=True)
        if closed and count == 2:  # the full circle; its quarter turn is not quite the second key
            keys = keys[:1]
    torch.testing.assert_close(way[0], keys[0])
    if not closed and frames > 1:
        torch.testing.assert_close(way[-1], keys[-1])
    if frames >= count:
        distance = (way[:, None] - keys).norm(dim=2)
        assert ((distance < 1e-4).sum(0) == 1).all()
    if frames > 1 and not (kind != "circular" and closed and count == 2):
        assert torch.pdist(way).min() > 1e-3  # all frames differ, those at the seam too


def test_a_closed_path_goes_on_as_it_began():
    keys = seeds_to_z([1, 2, 3], 64)
    way = latent_path(keys, 30, "circular")
    steps = (way - way.roll(1, 0)).norm(dim=1)
    assert steps[0] == pytest.approx(steps[-1].item(), rel=1e-3)  # over the seam as just before it
    way = latent_path(keys, 30)
    torch.testing.assert_close(way[20:], slerp(keys[2], keys[0], torch.arange(10) / 10))
    assert torch.equal(latent_path(keys, 31, closed=False)[[0, 15, 30]], keys)


def test_keys_that_are_the_same_or_opposite_make_a_path_too():
    z = seeds_to_z([1], 10)[0]
    for kind in ("slerp", "circular"):
        way = latent_path(torch.stack([z, z, -z]), 24, kind)
        assert way.isfinite().all() and (way.norm(dim=1) > 1).all()


@pytest.mark.parametrize("keys", [torch.randn(1, 8), torch.randn(8), torch.randn(2, 2, 8), torch.randn(0, 8)])
def test_a_path_needs_two_keys(keys):
    with pytest.raises(AnimeGenError, match=r"shape \(K, D\) with K of at least 2"):
        latent_path(keys, 10)


@pytest.mark.parametrize("frames", [0, -3, 1.5, "10", None, True])
def test_a_path_needs_a_frame(frames):
    with pytest.raises(AnimeGenError, match=f"frames is {frames!r}, but must be a whole number from 1"):
        latent_path(torch.randn(2, 8), frames)


def test_an_unknown_path_names_the_known_ones():
    with pytest.raises(AnimeGenError, match="'cubic'; known are: slerp, linear, circular"):
        latent_path(torch.randn(2, 8), 10, "cubic")


def test_variation_goes_from_the_face_to_the_other_one():
    z, other = seeds_to_z([0, 1], 100)
    assert torch.equal(variation(z, other, 0), z) and torch.equal(variation(z, other, 1), other)
    near = [torch.cosine_similarity(z, variation(z, other, s), 0).item() for s in (0.0, 0.1, 0.3, 0.6, 1.0)]
    assert near == sorted(near, reverse=True)


@pytest.mark.parametrize("strength", [-0.1, 1.1, math.nan, math.inf, "much", None, True])
def test_a_variation_of_another_strength_is_refused(strength):
    with pytest.raises(AnimeGenError, match="must be a number from 0 to 1"):
        variation(torch.ones(4), torch.ones(4), strength)


def test_truncation_scales_the_distance_from_the_mean():
    mean, w = pair(8)
    batch = torch.stack([w, 2 * w])
    assert torch.equal(truncate(batch, mean, 1), batch)
    assert torch.equal(truncate(batch, mean, 0), mean.expand(2, 8))
    torch.testing.assert_close(truncate(batch, mean, 0.7), mean + 0.7 * (batch - mean))
    torch.testing.assert_close(truncate(w, mean, -1), 2 * mean - w)


@pytest.mark.parametrize("psi", [-2.1, 2.1, math.nan, "0.7", None])
def test_a_psi_out_of_range_is_refused(psi):
    with pytest.raises(AnimeGenError, match=r"psi is .*, but must be a number from -2 to 2"):
        truncate(torch.ones(4), torch.ones(4), psi)


@pytest.mark.parametrize(
    "num_layers, crossovers, counts",
    [
        (10, None, (4, 4, 2)),
        (12, None, (4, 4, 4)),
        (8, None, (4, 4, 0)),
        (6, None, (4, 2, 0)),
        (5, (2, 4), (2, 2, 1)),
        (10, (0, 10), (0, 10, 0)),
        (10, [3, 3], (3, 0, 7)),
    ],
)
def test_style_mixing_gives_each_layer_its_source(num_layers, crossovers, counts):
    sources = [torch.full((2, 3), float(value)) for value in range(3)]
    ws = style_mixing(*sources, num_layers, crossovers)
    assert ws.shape == (2, num_layers, 3)
    wanted = [float(value) for value, count in enumerate(counts) for _ in range(count)]
    assert ws[1, :, 2].tolist() == wanted


def test_one_source_serves_a_whole_batch():
    coarse, other = torch.zeros(1, 3), torch.ones(4, 3)
    assert style_mixing(coarse, other, other, 10).mean(2).tolist() == [[0.0] * 4 + [1.0] * 6] * 4


@pytest.mark.parametrize("crossovers", [(5, 4), (-1, 4), (4, 11), (4,), (1, 2, 3), (4.0, 8), ("4", "8"), ()])
def test_crossovers_that_are_none_are_refused(crossovers):
    w = torch.zeros(1, 3)
    with pytest.raises(AnimeGenError, match="must be two ascending whole numbers from 0 to 10"):
        style_mixing(w, w, w, 10, crossovers)


def test_noise_is_frozen_and_apart_from_the_latent():
    noise = seed_to_noise(7, 1000)
    assert torch.equal(noise[:10], seed_to_noise(7, 10))
    assert abs(noise.mean()) < 0.1 and abs(noise.std() - 1) < 0.1
    assert not torch.isclose(noise[:100], seeds_to_z([7], 100)[0]).any()
    torch.testing.assert_close(noise[:3], torch.tensor([-0.63587147, -1.23438658, 1.77951776]))


@given(KINDS, st.booleans(), st.integers(2, 6))
def test_shares_of_the_keys_sum_to_1_and_are_whole_at_each_key(kind, closed, count):
    shares = path_weights(count, path_positions(count, 24, kind, closed), kind, closed)
    torch.testing.assert_close(shares.sum(1), torch.ones(24))
    assert shares.min() >= 0
    assert torch.equal(shares.max(0).values, torch.ones(count))
    assert torch.equal(shares[0], torch.eye(count)[0])


def test_the_shares_of_a_straight_path_are_its_weights():
    keys, positions = seeds_to_z([1, 2, 3], 8), path_positions(3, 20, "linear", True)
    way = path_weights(3, positions, "linear", True) @ keys
    torch.testing.assert_close(way, path_points(keys, positions, "linear", True))

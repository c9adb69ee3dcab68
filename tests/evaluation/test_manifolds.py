"""Precision, recall, density, coverage and nearest neighbours."""

import pytest
import torch

from animegen_core.evaluation import manifolds
from animegen_core.evaluation.manifolds import manifold_scores, nearest, neighbourhood_radius


def blobs(count, centres, seed=0):
    """As many points around each centre on a line, in three dimensions."""
    source = torch.Generator().manual_seed(seed)
    return torch.cat([torch.randn(count, 3, generator=source) + 100.0 * centre for centre in centres])


def means(real, fake):
    return {name: float(values.mean()) for name, values in vars(manifold_scores(real, fake)).items()}


def test_identical_sets_score_full():
    real = blobs(50, [0, 1])
    scores = means(real, real)
    assert (scores["precision"], scores["recall"], scores["coverage"]) == (1, 1, 1)
    assert scores["density"] == pytest.approx(1.2, rel=0.01)  # each lies in its own neighbourhood too: (k + 1) / k


def test_sets_apart_score_nothing():
    assert set(means(blobs(50, [0]), blobs(50, [5])).values()) == {0}


def test_a_missing_mode_costs_recall_and_coverage_but_not_precision():
    real, fake = blobs(200, [0, 1]), blobs(400, [0], seed=1)
    scores = means(real, fake)
    assert scores["precision"] > 0.9 and scores["density"] > 0.9
    assert scores["recall"] < 0.55 and scores["coverage"] < 0.55


def test_broken_faces_cost_precision_and_density_but_not_coverage():
    real, fake = blobs(400, [0]), blobs(400, [0, 1], seed=1)
    scores = means(real, fake)
    assert scores["precision"] < 0.55 and scores["density"] < 0.6
    assert scores["recall"] > 0.9 and scores["coverage"] > 0.9


def test_recall_asks_the_neighbourhoods_of_faces_and_coverage_those_of_real_ones():
    real, fake = 0.01 * blobs(100, [0]), blobs(100, [0], seed=1)
    scores = means(real, fake)
    assert scores["recall"] == 1
    assert scores["coverage"] < 0.2 and scores["precision"] < 0.2


def test_one_outlier_among_real_ones_fools_precision_but_not_density():
    real = torch.cat([blobs(100, [0]), torch.tensor([[100.0, 0, 0]])])
    fake = torch.tensor([[60.0, 0, 0]]).repeat(100, 1)
    scores = means(real, fake)
    assert scores["precision"] == 1 and scores["density"] == pytest.approx(0.2)


def test_halves_of_one_set_sit_near_full_scores():
    scores = means(blobs(500, [0]), blobs(500, [0], seed=1))
    assert all(value == pytest.approx(0.97, abs=0.06) for value in scores.values())


def test_tables_in_pieces_are_the_whole_table(monkeypatch):
    real, fake = blobs(40, [0, 1]), blobs(33, [0], seed=1)
    whole = means(real, fake), nearest(fake, real), neighbourhood_radius(real, 3)
    monkeypatch.setattr(manifolds, "_ROWS", 7)
    pieces = means(real, fake), nearest(fake, real), neighbourhood_radius(real, 3)
    assert pieces[0] == whole[0]
    assert torch.equal(pieces[1][1], whole[1][1])
    assert torch.allclose(pieces[2], whole[2], atol=1e-2)  # distances are differences of large squares


def test_the_nearest_is_found():
    distance, index = nearest(torch.tensor([[0.0, 0], [9.0, 0]]), torch.tensor([[3.0, 4], [10.0, 0], [-20.0, 0]]))
    assert distance.tolist() == [5, 1] and index.tolist() == [0, 1]

import pytest
import torch

from animegen_core.training.augment import OPERATIONS, augment

NAMES = tuple(OPERATIONS)


def pictures(count=16, side=16):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("names", [(), *((name,) for name in NAMES), NAMES])
def test_probability_zero_changes_nothing(names):
    images = pictures()
    assert torch.equal(augment(images, names, torch.tensor(0.0)), images)


@pytest.mark.parametrize("name", NAMES)
def test_each_picture_is_changed_with_the_probability(name):
    torch.manual_seed(0)
    images = pictures(400)
    changed = (augment(images, [name], torch.tensor(0.5)) != images).flatten(1).any(1).float().mean().item()
    assert 0.35 < changed < 0.6  # a shift by nothing is one too


def test_a_translation_moves_a_picture_by_up_to_an_eighth_and_keeps_what_fits():
    torch.manual_seed(0)
    images = torch.zeros(300, 3, 16, 24)
    images[:, :, 2:14, 3:21] = pictures(300, 18)[:, :, :12]
    moved = augment(images, ["translation"], torch.tensor(1.0))
    torch.testing.assert_close(moved.sum((1, 2, 3)), images.sum((1, 2, 3)), atol=1e-3, rtol=1e-4)  # nothing fell out
    first_row = (moved != 0).any(1).any(2).float().argmax(1)
    first_column = (moved != 0).any(1).any(1).float().argmax(1)
    assert set(first_row.tolist()) == set(range(5)) and set(first_column.tolist()) == set(range(7))
    for index in range(20):
        row, column = first_row[index], first_column[index]
        assert torch.equal(moved[index, :, row : row + 12, column : column + 18], images[index, :, 2:14, 3:21])


def test_a_cutout_is_a_grey_square_of_half_the_side():
    torch.manual_seed(0)
    cut = augment(torch.ones(300, 3, 16, 16), ["cutout"], torch.tensor(1.0))
    assert set(cut.unique().tolist()) == {0, 1}
    sizes = (cut == 0)[:, 0].sum((1, 2))
    assert sizes.max() == 8 * 8 and sizes.min() >= 4 * 4  # its centre is always within


def test_colours_are_left_alone():
    torch.manual_seed(0)
    flat = torch.tensor([0.3, -0.2, 0.9]).view(1, 3, 1, 1).expand(8, 3, 16, 16)
    seen = augment(flat, NAMES, torch.tensor(1.0))
    assert torch.equal(seen, torch.where(seen == 0, 0.0, flat))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_flow_through_twice(name):
    images = pictures(4, 8).double().requires_grad_()

    def energy(x):
        torch.manual_seed(3)
        return augment(x, [name], torch.tensor(0.7)).pow(3).sum()

    assert torch.autograd.gradcheck(energy, images, fast_mode=True)
    (gradient,) = torch.autograd.grad(energy(images), images, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), images)
    assert second.abs().sum() > 0

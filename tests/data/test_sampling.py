import pytest
import torch
from torch.utils.data import SequentialSampler

from animegen_core.data.loader import make_loader
from animegen_core.data.sampling import LabelGroups, LabelledIndex, picture_weights
from animegen_core.data.tags import Tag, write_tags
from animegen_core.labels import ANY


def shares(column, weights):
    """The share of each known colour in draws under the weights."""
    known = column != ANY
    drawn = torch.bincount(column[known], weights[known])
    return drawn / drawn.sum()


def test_colours_are_drawn_by_the_root_of_their_frequency():
    hair = torch.tensor([0] * 90 + [1] * 10)
    weights = picture_weights(torch.stack([hair, torch.full_like(hair, ANY)], 1))
    assert shares(hair, weights)[0] / shares(hair, weights)[1] == pytest.approx(3)
    assert weights.mean() == pytest.approx(1)


def test_independent_hair_and_eyes_are_both_drawn_by_their_roots():
    hair = torch.tensor([0] * 90 + [1] * 10).repeat(20)
    eyes = (torch.arange(2000) % 7 < 2).long() + 3  # two in seven, whatever the hair
    weights = picture_weights(torch.stack([hair, eyes], 1))
    assert shares(hair, weights)[0] / shares(hair, weights)[1] == pytest.approx(3, rel=0.05)
    assert shares(eyes, weights)[3] / shares(eyes, weights)[4] == pytest.approx(2.5**0.5, rel=0.05)


def test_pictures_without_labels_are_drawn_as_often_as_before():
    labels = torch.full((100, 2), ANY)
    labels[:9, 0], labels[9, 0] = 0, 1
    weights = picture_weights(labels)
    assert weights[10:].eq(1).all() and weights.sum() == pytest.approx(100)


@pytest.fixture
def tagged(pictures):
    """A tag file under which one picture in twelve has pink hair and the others black."""
    names = sorted(path.name for path in pictures.iterdir())
    write_tags(pictures.parent / "tags.csv", [Tag(name, (8 if i == 5 else 1, ANY)) for i, name in enumerate(names)])
    return pictures.parent / "tags.csv"


def drawn(loader, epochs):
    """Labels of everything that is shown."""
    return torch.cat([labels for _ in range(epochs) for _, labels in loader])


def test_a_loader_shows_rare_colours_oftener_if_asked_to(pictures, tagged):
    torch.manual_seed(0)
    pink = {}
    for sampling in ("frequency", "sqrt"):
        labels = drawn(make_loader(pictures, 16, 4, tags=tagged, label_sampling=sampling), 100)
        assert len(labels) == 1200
        pink[sampling] = (labels[:, 0] == 8).float().mean().item()
    assert pink["frequency"] == pytest.approx(1 / 12)
    assert pink["sqrt"] == pytest.approx(1 / (1 + 11**0.5), abs=0.05)


def test_a_weighted_order_is_a_function_of_torchs_seed(pictures, tagged):
    def epoch(seed):
        torch.manual_seed(seed)
        return torch.cat([images for images, _ in make_loader(pictures, 16, 4, tags=tagged, label_sampling="sqrt")])

    assert torch.equal(epoch(1), epoch(1)) and not torch.equal(epoch(1), epoch(2))


def test_without_labels_every_picture_is_shown_once(pictures):
    loader = make_loader(pictures, 16, 4, label_sampling="sqrt")
    assert len({picture.numpy().tobytes() for batch in loader for picture in batch}) == 12


LABELS = torch.stack([torch.arange(1000) % 3, torch.arange(1000) % 5 - 1], 1)  # fifteen pairs, a fifth with unknown eyes


def grouped(visible_fraction=lambda epoch: 1.0, size=4, epoch=0):
    """Pictures' numbers (1000,) and the labels that they are shown with (1000, 2), as ``LabelGroups`` orders them."""
    sampler = LabelGroups(SequentialSampler(LABELS), LABELS, size, visible_fraction)
    sampler.set_epoch(epoch)
    shown = list(sampler)
    assert len(shown) == len(sampler)
    return torch.tensor([each.index for each in shown]), torch.stack([each.labels for each in shown])


def test_groups_show_one_pair_of_colours_each_and_every_picture_once():
    torch.manual_seed(0)
    order, shown = grouped()
    assert order.sort().values.equal(torch.arange(1000)) and shown.equal(LABELS[order])
    groups = shown.view(-1, 4, 2)
    alike = (groups == groups[:, :1]).all(2).all(1)
    assert alike.sum() == sum(count // 4 for count in LABELS.unique(dim=0, return_counts=True)[1])
    assert not alike.all() and not order.equal(order.sort().values)


def test_groups_are_of_equal_shown_labels_not_of_equal_hidden_ones():
    torch.manual_seed(0)
    order, shown = grouped(lambda epoch: 0.5)
    hidden = shown != LABELS[order]
    assert shown[hidden].eq(ANY).all()
    assert hidden[LABELS[order] != ANY].float().mean() == pytest.approx(0.5, abs=0.05)
    open_groups = shown.view(-1, 4, 2).eq(ANY).all(2).all(1)  # of any hair and any eyes
    hair = LABELS[order].view(-1, 4, 2)[open_groups, :, 0]
    assert (hair != hair[:, :1]).any(1).float().mean() > 0.9


def test_groups_stay_whole_where_pictures_are_left_over():
    torch.manual_seed(0)
    _, shown = grouped(size=7)
    groups = shown[:994].view(-1, 7, 2)
    assert (groups == groups[:, :1]).all(2).all(1).float().mean() > 0.9


def test_how_much_is_hidden_depends_on_the_epoch():
    torch.manual_seed(0)
    known = LABELS.ne(ANY).sum()
    shares = [(grouped(lambda epoch: epoch / 2, epoch=epoch)[1] != ANY).sum() / known for epoch in range(3)]
    assert shares == pytest.approx([0, 0.5, 1], abs=0.05)


def test_a_batch_carries_the_labels_that_are_shown(pictures, tagged):
    dataset = make_loader(pictures, 16, 4, tags=tagged).dataset
    images, labels = dataset.__getitems__(
        [LabelledIndex(5, torch.tensor([ANY, ANY])), LabelledIndex(2, torch.tensor([1, ANY]))]
    )
    assert labels.tolist() == [[ANY, ANY], [1, ANY]]
    assert images.equal(dataset.__getitems__([5, 2])[0])

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from animegen_core.data import PictureDataset, load_pictures, make_loader, random_flip
from animegen_core.errors import AnimeGenError
from animegen_core.images import to_model_range


def test_an_epoch_shows_each_picture_at_most_once_in_whole_batches(pictures):
    known = {picture.tobytes() for picture in load_pictures(pictures).pictures}
    batches = list(make_loader(pictures, batch=5))
    assert [batch.shape for batch in batches] == [(5, 3, 64, 64)] * 2
    shown = [picture.permute(1, 2, 0).numpy().tobytes() for picture in torch.cat(batches)]
    assert len(set(shown)) == 10
    assert set(shown) <= known


def test_batches_are_bytes_in_channels_last_order(pictures):
    batch = next(iter(make_loader(pictures, batch=4)))
    assert batch.dtype == torch.uint8
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_the_order_is_a_function_of_torchs_seed(pictures):
    def epoch(seed):
        torch.manual_seed(seed)
        return torch.cat(list(make_loader(pictures, batch=4)))

    assert torch.equal(epoch(1), epoch(1))
    assert not torch.equal(epoch(1), epoch(2))


def test_the_order_is_that_of_a_plain_shuffled_loader(pictures):
    """So that runs that were begun with one go on as they began."""
    loader = make_loader(pictures, batch=4)
    plain = DataLoader(loader.dataset, 4, shuffle=True, drop_last=True, collate_fn=loader.collate_fn)
    torch.manual_seed(3)
    ours = [torch.cat(list(loader)) for _ in range(2)]
    torch.manual_seed(3)
    assert all(torch.equal(epoch, torch.cat(list(plain))) for epoch in ours)


def test_one_picture_and_a_batch_agree():
    array = np.random.RandomState(0).randint(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    dataset = PictureDataset(array)
    assert len(dataset) == 3
    np.testing.assert_array_equal(dataset[1].permute(1, 2, 0), array[1])
    assert torch.equal(dataset.__getitems__([2, 1])[1], dataset[1])


def test_skipped_files_are_reported(pictures, capsys):
    (pictures / "broken.jpg").write_bytes(b"broken")
    make_loader(pictures, batch=4)
    assert capsys.readouterr().out == "Skipped 1 of 13 files that are not complete images: broken.jpg.\n"


def test_one_picture_only_is_refused_in_one_sentence(tmp_path, draw):
    draw(1).save(tmp_path / "1.png")
    with pytest.raises(AnimeGenError, match=r"has only one image; training needs at least 2"):
        make_loader(tmp_path, batch=2)


def test_fewer_pictures_than_a_batch_are_refused_in_one_sentence(pictures):
    make_loader(pictures, batch=12)
    with pytest.raises(AnimeGenError) as error:
        make_loader(pictures, batch=13)
    assert str(error.value) == (
        f"Data path '{pictures}' has 12 images, fewer than one batch of 13; add images or choose a batch of 12 or less."
    )


def test_bytes_are_mapped_onto_minus_one_to_one():
    mapped = to_model_range(torch.tensor([0, 51, 255], dtype=torch.uint8))
    assert mapped.dtype == torch.float32
    torch.testing.assert_close(mapped, torch.tensor([-1.0, -0.6, 1.0]))
    assert mapped[0] == -1
    assert mapped[2] == 1


def test_pictures_in_the_models_range_are_left_alone():
    images = torch.tensor([-1.0, 0.25, 1.0])
    assert torch.equal(to_model_range(images.clone()), images)


def test_a_flip_mirrors_about_half_of_the_pictures_and_leaves_the_others():
    torch.manual_seed(0)
    images = torch.rand(200, 3, 4, 5)
    flipped = random_flip(images)
    mirrored = [torch.equal(after, before.flip(2)) for before, after in zip(images, flipped)]
    untouched = [torch.equal(after, before) for before, after in zip(images, flipped)]
    assert all(m != u for m, u in zip(mirrored, untouched))
    assert 60 < sum(mirrored) < 140

"""Tag files as people write them and as classifiers do."""

import pytest

from animegen_core.data.loader import make_loader
from animegen_core.data.tags import Tag, labels_for, read_tags, write_tags
from animegen_core.errors import AnimeGenError
from animegen_core.labels import EYES, HAIR, label_index, label_name


def written(folder, text):
    path = folder / "tags.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_vocabulary_is_the_tag_files_twelve_and_eleven_colours():
    assert (len(HAIR), len(EYES)) == (12, 11)
    assert label_name("hair", label_index("hair", "pink")) == "pink"
    assert label_index("eyes", None) == -1 and label_name("eyes", -1) is None


def test_colours_become_indices_and_empty_ones_are_unknown(tmp_path):
    tags = read_tags(written(tmp_path, "file,hair,eyes\n0.png, Aqua ,\n1.png,white,yellow\n"))
    assert tags == [Tag("0.png", (0, -1)), Tag("1.png", (11, 10))]


def test_what_is_written_is_read_back(tmp_path):
    tags = [Tag("a/0.png", (3, -1), (0.5, 0.25)), Tag("1, 2.png", (-1, 7), (1.0, 0.9876))]
    write_tags(tmp_path / "tags.csv", tags)
    assert read_tags(tmp_path / "tags.csv") == tags


@pytest.mark.parametrize(
    "text, fragments",
    [
        ("file,hair\n0.png,red\n", ["eyes"]),
        ("", ["file"]),
        ("file,hair,eyes\n0.png,red,red\n1.png,rde,red\n", ["line 3", "'rde'", "aqua"]),
        ("file,hair,eyes,hair_probability\n0.png,red,red,often\n", ["line 2", "often"]),
    ],
)
def test_a_wrong_tag_file_is_refused_with_what_is_wrong(tmp_path, text, fragments):
    with pytest.raises(AnimeGenError) as refusal:
        read_tags(written(tmp_path, text))
    assert all(fragment in str(refusal.value) for fragment in fragments)


def test_a_missing_tag_file_is_refused(tmp_path):
    with pytest.raises(AnimeGenError, match=r"nowhere\.csv"):
        read_tags(tmp_path / "nowhere.csv")


def test_labels_follow_the_pictures_order_and_doubtful_ones_are_unknown():
    tags = [Tag("b.png", (1, 2), (0.95, 0.5)), Tag("deep/a.png", (3, 4), (1.0, 1.0))]
    labels = labels_for(["other/a.png", "b.png", "c.png"], tags, least_probability=0.9)
    assert labels.tolist() == [[3, 4], [1, -1], [-1, -1]]


def test_tags_of_other_pictures_are_refused():
    with pytest.raises(AnimeGenError, match=r"None of the 1 pictures.*'b\.png'"):
        labels_for(["a.png"], [Tag("b.png", (1, 2))])


def test_a_loader_with_tags_pairs_each_picture_with_its_labels(pictures):
    names = sorted(path.name for path in pictures.iterdir())
    write_tags(pictures.parent / "tags.csv", [Tag(name, (i % 12, i % 11)) for i, name in enumerate(names)])
    loader = make_loader(pictures, 16, 4, tags=pictures.parent / "tags.csv")
    by_label = {tuple(label.tolist()): picture for images, labels in loader for picture, label in zip(images, labels)}
    assert len(by_label) == 12
    for index in range(12):
        picture, label = loader.dataset[index]
        assert label.tolist() == [index % 12, index % 11]
        assert (by_label[tuple(label.tolist())] == picture).all()

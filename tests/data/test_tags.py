"""Tag files as people write them and as classifiers do."""

import pytest

from animegen_core.data.loader import make_loader
from animegen_core.data.tags import Tag, labels_for, read_labels, read_tags, write_tags
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
    "text",
    [
        "file, hair, eyes\n0.png, red, blue\n1.png, aqua\n",  # spaces, a missing cell
        "file,hair,eyes\n0.png,red,blue\n1.png,aqua\n,,\n\n",  # rows without a cell that is filled
        "eyes,note,file,hair\nblue,hello,0.png,red\n,,1.png,aqua\n",  # another order, another column
        "File;Hair;Eyes\r\n0.png;Red;blue\r\n1.png;aqua;\r\n",  # as where the decimal sign is a comma
        "file\thair\teyes\n0.png\tred\tblue\n1.png\taqua\t\n",
        'file,hair,eyes\r"0.png","red","blue"\r"1.png","aqua",\r',  # lines end as on old Macs
        "file,hair,eyes\n0.png,red,blue\n1.png,aqua,\n0.png,red,blue\n./1.png,aqua,\n",  # two rows that agree
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tag_files_mean_the_same_however_a_spreadsheet_writes_them(tmp_path, text, encoding):
    path = tmp_path / "tags.csv"
    path.write_bytes(text.encode(encoding))
    assert read_tags(path) == [Tag("0.png", HAIR_EYES), Tag("1.png", (0, -1))]


HAIR_EYES = (label_index("hair", "red"), label_index("eyes", "blue"))


def test_probabilities_with_a_decimal_comma_are_understood(tmp_path):
    (tag,) = read_tags(written(tmp_path, "file;hair;eyes;hair_probability\n0.png;red;blue;0,75\n"))
    assert tag.probabilities == (0.75, 1.0)


@pytest.mark.parametrize(
    "text, fragments",
    [
        ("file,hair\n0.png,red\n", ["eyes"]),
        ("", ["file"]),
        ("file,hair,eyes,hair\n0.png,red,red,blue\n", ["2 columns 'hair'"]),
        ("file,hair,eyes\n0.png,red,red\n1.png,rde,red\n", ["line 3", "'rde'", "aqua"]),
        ("file,hair,eyes\n\n0.png,red,red\n,red,red\n", ["line 4", "no file"]),
        ("file,hair,eyes\na, b.png,red,red\n", ["line 2", "4 cells", "quotes"]),
        ("file,hair,eyes,hair_probability\n0.png,red,red,often\n", ["line 2", "often"]),
        ("file,hair,eyes,hair_probability\n0.png,red,red,nan\n", ["line 2", "'nan'", "from 0 to 1"]),
        ("file,hair,eyes,hair_probability\n0.png,red,red,95\n", ["line 2", "'95'", "from 0 to 1"]),
        ("file,hair,eyes\n0.png,red,red\n1.png,red,red\n./0.png,red,blue\n", ["line 4", "line 2", "'./0.png'"]),
        ('file,hair,eyes\n0.png,red,red\n"1.png,red,red\n2.png,red,red\n', ["line 3", "not a row of a CSV"]),
        ('file,hair,eyes\n"0.png,red,red\n"1.png",red,red\n', ["line 2", "not a row of a CSV"]),
        (f"file,hair,eyes\n0.png,red,red\n{'n' * 140_000},red,red\n", ["line 3", "field limit"]),
        (f"file,hair,eyes\n0.png,{'n' * 100_000},red\n", ["line 2", "nnn"]),
    ],
)
def test_a_wrong_tag_file_is_refused_with_what_is_wrong(tmp_path, text, fragments):
    with pytest.raises(AnimeGenError) as refusal:
        read_tags(written(tmp_path, text))
    assert all(fragment in str(refusal.value) for fragment in fragments)
    assert len(str(refusal.value)) < 500


def test_a_missing_tag_file_is_refused(tmp_path):
    with pytest.raises(AnimeGenError, match=r"nowhere\.csv' does not exist"):
        read_tags(tmp_path / "nowhere.csv")


def test_labels_follow_the_pictures_order_and_doubtful_ones_are_unknown():
    tags = [Tag("b.png", (1, 2), (0.95, 0.5)), Tag("deep/a.png", (3, 4), (1.0, 1.0))]
    labels = labels_for(["other/a.png", "b.png", "c.png"], tags, least_probability=0.9)
    assert labels.tolist() == [[3, 4], [1, -1], [-1, -1]]


def test_a_tag_is_never_given_to_a_picture_of_another_folder():
    tags = [Tag("tagged/0.png", (1, 2)), Tag("tagged/1.png", (3, 4))]
    names = ["tagged/0.png", "tagged/1.png", "untagged/0.png", "untagged/1.png", "untagged/2.png"]
    assert labels_for(names, tags).tolist() == [[1, 2], [3, 4], [-1, -1], [-1, -1], [-1, -1]]


def test_a_bare_name_counts_only_where_it_is_unique_among_pictures_and_tags():
    moved = labels_for(["new/0.png", "new/1.png", "other/1.png"], [Tag("old/0.png", (1, 2)), Tag("old/1.png", (3, 4))])
    assert moved.tolist() == [[1, 2], [-1, -1], [-1, -1]]
    twice = labels_for(["0.png", "1.png"], [Tag("0.png", (1, 2)), Tag("a/1.png", (3, 4)), Tag("b/1.png", (5, 6))])
    assert twice.tolist() == [[1, 2], [-1, -1]]


def test_backslashes_and_a_leading_dot_are_other_ways_to_write_a_path():
    names = ["a/0.png", "b/0.png", "c\\0.png"]
    tags = [Tag("a\\0.png", (1, 2)), Tag("./b/0.png", (3, 4)), Tag("c/0.png", (5, 6))]
    assert labels_for(names, tags).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_how_many_pictures_and_tags_found_each_other_is_said(tmp_path, capfd):
    path = written(tmp_path, "file,hair,eyes\na/0.png,red,red\na/1.png,red,red\n9.png,red,red\n")
    read_labels(path, ["a/0.png", "moved/1.png", "2.png"])
    assert f"2 of 3 images are in '{path}'; 1 tags match no image" in capfd.readouterr().err


def test_tags_of_other_pictures_are_refused():
    with pytest.raises(AnimeGenError, match=r"None of the 1 images.*'b\.png'"):
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

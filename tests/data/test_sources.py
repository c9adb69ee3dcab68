import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from animegen_core.data.cache import load_pictures
from animegen_core.data.sources import decode, find_pictures
from animegen_core.data.tags import Tag, labels_for, read_tags, write_tags
from animegen_core.errors import AnimeGenError
from animegen_core.images import save_png


def encode(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def short_side_resized_and_centre_cropped(picture: Image.Image, side: int) -> np.ndarray:
    width, height = picture.size
    size = (side, side * height // width) if width <= height else (side * width // height, side)
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR).crop((left, top, left + side, top + side)))


def test_a_folder_lists_its_files_sorted_and_with_subfolders(pictures, draw):
    (pictures / "b" / "c").mkdir(parents=True)
    draw(1).save(pictures / "b" / "c" / "deep.png")
    source = find_pictures(pictures)
    assert source.names == [*(f"{i:02d}.png" for i in range(12)), "b/c/deep.png"]
    assert source.read("b/c/deep.png") == (pictures / "b" / "c" / "deep.png").read_bytes()


def test_a_zip_lists_its_files_without_hidden_ones_and_mac_forks(tmp_path, draw):
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("faces")
        for name in ("faces/girls/2.png", "1.png", "__MACOSX/1.png", "faces/._2.png", ".DS_Store", ".cache/3.png"):
            archive.writestr(name, name.encode())
    source = find_pictures(path)
    assert source.names == ["1.png", "faces/girls/2.png"]
    assert source.read("faces/girls/2.png") == b"faces/girls/2.png"


def test_hidden_files_of_a_folder_are_left_out(tmp_path):
    for name in ("seen.png", ".hidden.png", ".thumbnails/1.png", "__MACOSX/seen.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert find_pictures(tmp_path).names == ["seen.png"]


@pytest.mark.parametrize("size", [(3, 5), (5, 3), (25, 25), (64, 64), (65, 64), (64, 91), (220, 220), (220, 77), (90, 220)])
@pytest.mark.parametrize("side", [64, 33])
def test_pictures_of_any_size_become_centred_squares(draw, size, side):
    picture = draw(3, size)
    array = decode(encode(picture), side)
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, short_side_resized_and_centre_cropped(picture, side))


def test_the_ends_of_a_wide_picture_are_cut_off():
    picture = Image.new("RGB", (192, 64), "red")
    picture.paste("blue", (64, 0, 128, 64))
    assert (decode(encode(picture), 64) == (0, 0, 255)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_format_decodes_to_its_own_pixels(draw, kind):
    data = encode(draw(1, (32, 32)), kind)
    np.testing.assert_array_equal(decode(data, 32), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_grey_pictures_become_rgb(draw):
    grey = draw(1, (16, 16)).convert("L")
    np.testing.assert_array_equal(decode(encode(grey), 16), np.stack([np.asarray(grey)] * 3, axis=-1))


def test_cmyk_pictures_become_rgb():
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan, all magenta and yellow
    np.testing.assert_allclose(decode(encode(picture, "JPEG"), 16)[8, 8], (255, 0, 0), atol=6)


@pytest.mark.parametrize("value, byte", [(0, 0), (255, 0), (0x80FF, 0x80), (65535, 255)])
def test_16_bit_pictures_are_scaled_not_clipped(value, byte):
    picture = Image.fromarray(np.full((16, 16), value, np.uint16))
    assert (decode(encode(picture), 16) == byte).all()


def test_a_palettes_transparent_colour_becomes_white():
    picture = Image.new("P", (16, 16), 0)
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.paste(1, (8, 0, 16, 16))
    array = decode(encode(picture, transparency=0), 16)
    assert (array[:, :8] == 255).all()
    assert (array[:, 8:] == (40, 50, 60)).all()


@pytest.mark.parametrize(
    "mode, colour, expected",
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("LA", (0, 0), (255, 255, 255)),
    ],
)
def test_transparent_parts_turn_white(mode, colour, expected):
    assert (decode(encode(Image.new(mode, (16, 16), colour)), 16) == expected).all()


@pytest.mark.parametrize(
    "orientation, upright",
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, np.rot90),
    ],
)
def test_a_cameras_orientation_is_obeyed(draw, orientation, upright):
    picture, exif = draw(2, (16, 16)), Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode(encode(picture, exif=exif), 16), upright(np.asarray(picture)))


def test_linked_folders_and_files_are_followed_and_cycles_cut(tmp_path, draw):
    root, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    (root / "own").mkdir(parents=True)
    (elsewhere / "deep").mkdir(parents=True)
    draw(1).save(root / "own" / "1.png")
    draw(2).save(elsewhere / "deep" / "2.png")
    (root / "a-link").symlink_to(elsewhere)
    (root / "a-link-to-own").symlink_to(root / "own")  # listed once, under its own name
    (root / "own" / "up").symlink_to(root)
    (elsewhere / "deep" / "back").symlink_to(elsewhere)
    (root / "file.png").symlink_to(elsewhere / "deep" / "2.png")
    source = find_pictures(root)
    assert source.names == ["a-link/deep/2.png", "file.png", "own/1.png"]
    assert source.read("a-link/deep/2.png") == (elsewhere / "deep" / "2.png").read_bytes()


def test_a_link_that_leads_nowhere_is_named(tmp_path, draw):
    draw(1).save(tmp_path / "1.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = load_pictures(tmp_path)
    assert (found.names, found.skipped) == (["1.png"], ["gone.png"])


def test_names_that_are_no_utf_8_are_pictures_like_others(tmp_path, draw):
    folder = tmp_path / os.fsdecode(b"f\xfcr")
    folder.mkdir()
    (folder / os.fsdecode(b"gr\xfcn.png")).write_bytes(encode(draw(1)))
    (folder / os.fsdecode(b"kaputt\n\xfc.png")).write_bytes(b"no picture")
    for _ in range(2):  # decoded, then cached
        found = load_pictures(folder)
        assert [os.fsencode(name) for name in found.names] == [b"gr\xfcn.png"]
        assert found.skipped_message.endswith(r"not complete images: kaputt\n\udcfc.png.")
        found.skipped_message.encode()  # can be printed
    write_tags(tmp_path / "tags.csv", [Tag(found.names[0], (1, 2))])
    assert labels_for(found.names, read_tags(tmp_path / "tags.csv")).tolist() == [[1, 2]]
    assert b"gr\xfcn.png,black,blue" in (tmp_path / "tags.csv").read_bytes()


def test_names_of_255_bytes_are_read_and_written(tmp_path, draw):
    name = 251 * "n" + ".png"
    (tmp_path / "data").mkdir()
    save_png(draw(1), tmp_path / "data" / name)
    assert load_pictures(tmp_path / "data").names == [name]


def test_a_tilde_is_the_home_folder(pictures, monkeypatch):
    monkeypatch.setenv("HOME", str(pictures.parent))
    write_tags(pictures.parent / "tags.csv", [Tag("00.png", (1, 2))])
    assert len(load_pictures("~/pictures").names) == 12
    assert len(read_tags("~/tags.csv")) == 1


def text_file(folder):
    path = folder / "notes.txt"
    path.write_text("no pictures here")
    return path


def empty_folder(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


def damaged_zip(folder):
    path = folder / "damaged.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"x" * 100)
    path.write_bytes(path.read_bytes().replace(b"PK\x01\x02", b"PK\x00\x00"))  # the list of files
    return path


def zip_cut_short(folder):
    path = folder / "cut.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"x" * 100)
    path.write_bytes(path.read_bytes()[:120])
    return path


def zip_with_a_name_that_is_no_utf_8(folder):
    path = folder / "names.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("f\u00fcr.png", b"x" * 100)
    path.write_bytes(path.read_bytes().replace(b"f\xc3\xbcr", b"f\xff\xffr"))
    return path


def zip_with_a_password(folder):
    path = folder / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"x" * 100)
    data = bytearray(path.read_bytes())
    data[6] |= 1  # flags of the file,
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the list of files
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "make, reason",
    [
        (text_file, "neither a folder nor a zip"),
        (empty_folder, "no files"),
        (damaged_zip, "damaged zip"),
        (zip_cut_short, "perhaps incomplete"),
        (zip_with_a_name_that_is_no_utf_8, "damaged zip"),
        (zip_with_a_password, "a password"),
        (lambda folder: folder / "missing", "does not exist"),
    ],
)
def test_a_path_without_files_is_refused_in_one_sentence(tmp_path, make, reason):
    path = make(tmp_path)
    with pytest.raises(AnimeGenError) as error:
        find_pictures(path)
    message = str(error.value)
    assert str(path) in message and reason in message
    assert message.endswith(".")
    assert "\n" not in message


def test_one_file_with_a_password_is_named_and_the_others_used(tmp_path, draw):
    path = tmp_path / "mixed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("secret.png", encode(draw(1)))
        archive.writestr("whole.png", encode(draw(2)))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    found = load_pictures(path)
    assert found.names == ["whole.png"]
    assert found.skipped_message.endswith(": secret.png (has a password).")

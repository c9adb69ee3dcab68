import hashlib
import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from commands import PATIENCE, forks
from PIL import Image

from animegen_core.data import cache
from animegen_core.data.cache import load_pictures
from animegen_core.data.sources import decode
from animegen_core.errors import AnimeGenError


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """A list that grows with every decoded file."""
    calls: list[int] = []

    def counting(data, resolution, enlarge):
        calls.append(resolution)
        return decode(data, resolution, enlarge)

    monkeypatch.setattr(cache, "decode", counting)
    return calls


def arrays(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def add_broken(folder, names):
    for name in names:
        (folder / name).write_bytes(b"broken")


def test_the_cache_holds_every_picture_in_the_order_of_names(pictures):
    found = load_pictures(pictures, 32)
    assert found.names == [f"{i:02d}.png" for i in range(12)]
    assert found.pictures.shape == (12, 32, 32, 3)
    for name, picture in zip(found.names, found.pictures):
        np.testing.assert_array_equal(picture, decode((pictures / name).read_bytes(), 32))


def test_a_zip_and_the_folder_it_was_made_of_hold_the_same_pictures(pictures, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", pictures)
    from_zip, from_folder = load_pictures(archive), load_pictures(pictures)
    assert from_zip.names == from_folder.names
    np.testing.assert_array_equal(from_zip.pictures, from_folder.pictures)


def test_training_data_cannot_be_written_to_by_accident(pictures):
    with pytest.raises(ValueError, match="read-only"):
        load_pictures(pictures).pictures[0] = 0


def test_files_that_are_no_whole_pictures_are_skipped_counted_and_named(pictures, draw):
    draw(1).save(pictures / "whole.jpg")
    data = (pictures / "whole.jpg").read_bytes()
    (pictures / "cut.jpg").write_bytes(data[: len(data) // 2])
    data = (pictures / "00.png").read_bytes()
    (pictures / "cut.png").write_bytes(data[: len(data) // 2])
    (pictures / "empty.png").touch()
    (pictures / "notes.txt").write_text("hello")
    found = load_pictures(pictures)
    assert len(found.names) == len(found.pictures) == 13
    assert found.skipped == ["cut.jpg", "cut.png", "empty.png", "notes.txt"]
    assert found.skipped_message == (
        "Skipped 4 of 17 files that are not complete images: cut.jpg, cut.png, empty.png, notes.txt."
    )
    assert load_pictures(pictures).skipped == found.skipped  # a cached source reports them too


def test_only_the_first_ten_skipped_files_are_named(pictures):
    add_broken(pictures, [f"x{i:02d}.jpg" for i in range(11)])
    message = load_pictures(pictures).skipped_message
    assert message.startswith("Skipped 11 of 23 files")
    assert "x09.jpg, ...." in message
    assert "x10.jpg" not in message


def test_nothing_is_said_when_nothing_is_skipped(pictures):
    assert load_pictures(pictures).skipped_message == ""


def test_a_damaged_file_in_a_zip_is_skipped(pictures, tmp_path):
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in ("00.png", "01.png"):
            archive.write(pictures / name, name)
    data = (pictures / "01.png").read_bytes()
    path.write_bytes(path.read_bytes().replace(data, data[:-20] + b"?" * 20))
    found = load_pictures(path)
    assert (found.names, found.skipped) == (["00.png"], ["01.png"])


def test_damaged_metadata_does_not_stop_the_decoding(pictures, monkeypatch):
    def fails_on_the_first(data, resolution, enlarge):
        if data == (pictures / "00.png").read_bytes():
            raise TypeError("bad operand type for abs(): 'str'")  # what PIL says about some damaged EXIF blocks
        return decode(data, resolution, enlarge)

    monkeypatch.setattr(cache, "decode", fails_on_the_first)
    assert load_pictures(pictures).skipped == ["00.png"]


def test_a_second_run_decodes_nothing(pictures, decoded):
    first = load_pictures(pictures)
    assert len(decoded) == 12
    second = load_pictures(pictures)
    assert len(decoded) == 12
    np.testing.assert_array_equal(first.pictures, second.pictures)


def add(folder, draw):
    draw(99).save(folder / "new.png")


def modify(folder, draw):
    draw(99).save(folder / "05.png")


def touch(folder, _draw):
    os.utime(folder / "05.png", ns=(1, 1))


def remove(folder, _draw):
    (folder / "05.png").unlink()


def rename(folder, _draw):
    (folder / "05.png").rename(folder / "renamed.png")


@pytest.mark.parametrize("change", [add, modify, touch, remove, rename])
def test_a_changed_folder_is_decoded_again_and_the_stale_cache_removed(pictures, decoded, draw, isolated_cache, change):
    load_pictures(pictures)
    before = arrays(isolated_cache)
    change(pictures, draw)
    found = load_pictures(pictures)
    assert len(decoded) == 12 + len(found.names)
    assert found.names == sorted(path.name for path in pictures.iterdir())
    for name, picture in zip(found.names, found.pictures):
        np.testing.assert_array_equal(picture, decode((pictures / name).read_bytes(), 64))
    after = arrays(isolated_cache)
    assert len(after) == len(before) == 2
    assert not set(after) & set(before)


def test_the_cache_remembers_how_large_the_pictures_were(pictures, draw):
    draw(1, (300, 17)).save(pictures / "wide.png")
    add_broken(pictures, ["05x.png"])  # skipped, and so without a size
    for _ in range(2):  # decoded, then cached
        assert load_pictures(pictures).short_sides == [*(min(24 + i, 30) for i in range(12)), 17]


def test_a_cache_of_an_earlier_version_still_loads(pictures, decoded, isolated_cache):
    first = load_pictures(pictures)
    (index,) = isolated_cache.glob("*.json")
    index.write_text(json.dumps({"names": first.names, "skipped": []}), encoding="utf-8")
    second = load_pictures(pictures)
    assert len(decoded) == 12 and second.names == first.names
    assert second.short_sides is None


def test_each_size_has_a_cache_of_its_own(pictures, decoded):
    assert load_pictures(pictures, 32).pictures.shape[1:] == (32, 32, 3)
    assert load_pictures(pictures, 16).pictures.shape[1:] == (16, 16, 3)
    assert load_pictures(pictures, 32).pictures.shape[1:] == (32, 32, 3)
    assert len(decoded) == 24


def test_only_small_pictures_are_enlarged_and_apart_from_the_interpolated_ones(pictures, draw, decoded):
    draw(1, (90, 70)).save(pictures / "large.png")
    seen = []

    def enlarge(picture):
        seen.append(picture.size)
        return Image.new("RGB", [4 * side for side in picture.size], "red")

    plain = load_pictures(pictures, 64)
    enlarged = load_pictures(pictures, 64, enlarge=enlarge)
    assert sorted(seen) == sorted((side, side) for side in plain.short_sides[:12])  # squares, and not the large one
    assert (enlarged.pictures[:12] == (255, 0, 0)).all()
    np.testing.assert_array_equal(enlarged.pictures[12], plain.pictures[12])
    np.testing.assert_array_equal(load_pictures(pictures, 64).pictures, plain.pictures)  # neither has replaced the other
    np.testing.assert_array_equal(load_pictures(pictures, 64, enlarge=enlarge).pictures, enlarged.pictures)
    assert len(decoded) == 26 and (plain.interpolated, enlarged.interpolated) == (True, False)


def test_two_folders_do_not_share_a_cache(pictures, tmp_path, draw):
    (tmp_path / "other").mkdir()
    draw(50).save(tmp_path / "other" / "00.png")
    load_pictures(pictures)
    assert len(load_pictures(tmp_path / "other").names) == 1
    assert len(load_pictures(pictures).names) == 12


def test_an_interrupted_decoding_leaves_no_half_cache(pictures, monkeypatch, isolated_cache):
    def interrupted(data, resolution, enlarge):
        if data == (pictures / "06.png").read_bytes():
            raise KeyboardInterrupt
        return decode(data, resolution, enlarge)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cache, "decode", interrupted)
        load_pictures(pictures)
    assert len(load_pictures(pictures).names) == 12
    assert [name.rsplit(".")[-1] for name in arrays(isolated_cache)] == ["json", "npy"]


_START = []  # of a process that loads with another: the barrier that both wait at


def wait_at(barrier):
    _START.append(barrier)


def load_at_once(arguments):
    folder, kept = arguments
    _START[0].wait(PATIENCE)
    found = load_pictures(folder, cache_dir=kept)
    return len(found.names), hashlib.sha256(found.pictures.tobytes()).hexdigest()


def test_two_runs_that_start_at_once_both_get_a_whole_cache(tmp_path, draw, isolated_cache):
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(150):
        draw(seed, (20, 20)).save(folder / f"{seed:03d}.png")
    with forks().Pool(2, wait_at, [forks().Barrier(2)]) as processes:
        first, second = processes.map_async(load_at_once, [(folder, isolated_cache)] * 2, chunksize=1).get(PATIENCE)
    assert first == second
    assert first[0] == 150
    assert len(load_pictures(folder).names) == 150


def test_a_folder_without_any_picture_is_refused_in_one_sentence(tmp_path):
    add_broken(tmp_path, ["a.jpg", "b.jpg"])
    for _ in range(2):  # decoded, then cached
        with pytest.raises(AnimeGenError) as error:
            load_pictures(tmp_path)
        assert str(error.value) == f"Data path '{tmp_path}' has no image: none of its 2 files could be decoded."


def test_the_cache_goes_where_the_environment_says(monkeypatch):
    monkeypatch.setenv("ANIMEGEN_CACHE", "/somewhere")
    assert str(cache.default_cache_dir()) == "/somewhere"
    monkeypatch.delenv("ANIMEGEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert str(cache.default_cache_dir()) == "/elsewhere/animegen"


def test_parts_of_caches_of_killed_runs_are_removed_but_not_of_running_ones(pictures, tmp_path, draw, isolated_cache):
    (tmp_path / "other").mkdir()
    draw(50).save(tmp_path / "other" / "00.png")
    load_pictures(tmp_path / "other", 16)
    (whole,) = isolated_cache.glob("*.npy")
    killed = [whole.with_suffix(".partial"), whole.with_suffix(".finished"), isolated_cache / "abcdef-64-1234.partial"]
    running = isolated_cache / "fedcba-64-1234.partial"
    for part in (*killed, running):
        part.write_bytes(b"half")
    with cache.FileLock(isolated_cache / "fedcba-64.lock"):
        load_pictures(pictures)
    assert running.exists() and not any(part.exists() for part in killed)
    assert len(load_pictures(tmp_path / "other", 16).names) == 1

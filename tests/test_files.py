"""What happens to a file that is written when the disk is full or the process is killed."""

import errno
import os
import signal

import numpy as np
import pytest
import torch
from commands import forked
from PIL import Image
from safetensors.torch import save_file

from animegen_core.data.cache import load_pictures
from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_folder, atomic_path, atomic_write_text


def killed_in_a_file(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def killed_in_a_folder(path):
    with atomic_folder(path) as temporary:
        (temporary / "frame").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_left_is_removed_by_the_next_in_that_folder(tmp_path):
    for name in ("film.gif", "state.safetensors", "no-suffix"):
        assert forked(killed_in_a_file, tmp_path / name) == -signal.SIGKILL
    (tmp_path / ".animegen-notes").touch()  # somebody else's
    assert len(list(tmp_path.iterdir())) == 2  # each has removed what the one before left
    assert forked(atomic_write_text, tmp_path / "other.txt", "whole") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".animegen-notes", "other.txt"]


def test_a_half_folder_of_frames_is_removed_too(tmp_path):
    assert forked(killed_in_a_folder, tmp_path / "frames") == -signal.SIGKILL and len(list(tmp_path.iterdir())) == 1
    with atomic_folder(tmp_path / "others") as folder:
        atomic_write_text(folder / "frame", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["others"]


def test_what_another_process_is_writing_now_stays(tmp_path):
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("a")
        assert forked(atomic_write_text, tmp_path / "b.txt", "b") == 0
        assert temporary.exists()
    assert (tmp_path / "a.txt").read_text() == "a"


def test_two_writers_of_one_file_in_one_process_do_not_meet(tmp_path):
    with atomic_path(tmp_path / "a.txt") as first, atomic_path(tmp_path / "a.txt") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first"  # whose block ended last


@pytest.fixture
def full_disk(make_disk):
    """A file system of 64 KiB, nearly full."""
    return make_disk("64k")


def as_safetensors(path):
    save_file({"a": torch.zeros(2**16)}, path)


def as_numpy(path):
    with path.open("wb") as stream:
        np.save(stream, np.zeros(2**18, np.uint8))


def as_picture(path):
    Image.effect_noise((512, 512), 50).save(path)


def as_text(path):
    path.write_text("x" * 2**18)


@pytest.mark.parametrize("write", [as_safetensors, as_numpy, as_picture, as_text])
def test_a_full_disk_is_an_error_that_names_the_file_and_the_old_one_is_kept(full_disk, write):
    path = full_disk / "file.png"
    atomic_write_text(path, "old")
    with pytest.raises((OSError, AnimeGenError)) as refusal, atomic_path(path) as temporary:
        write(temporary)
    if isinstance(refusal.value, OSError):
        assert (refusal.value.errno, refusal.value.filename) == (errno.ENOSPC, str(path))
    else:
        assert str(path) in str(refusal.value) and "disk is full" in str(refusal.value)
    assert path.read_text() == "old" and list(full_disk.iterdir()) == [path]


def test_a_full_disk_below_the_picture_cache_is_one_sentence(full_disk, tmp_path, draw):
    (tmp_path / "data").mkdir()
    for seed in range(12):
        draw(seed, (90, 90)).save(tmp_path / "data" / f"{seed}.png")
    with pytest.raises(AnimeGenError, match=rf"'{full_disk}': No space left on device; set ANIMEGEN_CACHE"):
        load_pictures(tmp_path / "data", cache_dir=full_disk)
    assert not [path for path in full_disk.iterdir() if path.suffix != ".lock"]

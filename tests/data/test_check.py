import shutil

import pytest
import torch
from PIL import Image, ImageEnhance

from animegen_core.data.cache import load_pictures
from animegen_core.data.check import check_pictures
from animegen_core.helpers.upscaling import enlarge_fourfold
from animegen_core.labels import ANY


def said(folder, resolution=16, labels=None) -> str:
    return check_pictures(load_pictures(folder, resolution), labels)


@pytest.fixture
def many(tmp_path, draw):
    """A folder of 2,000 different small pictures, in which nothing is off."""
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(2000):
        draw(seed, (16, 16)).save(folder / f"{seed:04d}.bmp")
    return folder


def test_of_good_pictures_there_is_no_advice(many):
    lines = said(many).splitlines()
    assert lines[0] == f"2,000 images from '{many}' at 16 px"
    assert [line.strip() for line in lines[1:]] == [
        "short sides: smallest 16 px, median 16 px; 0.0 % are smaller than 16 px and were enlarged",
        "0 exact and about 0 near duplicates",
        "0.0 % are grey",
    ]


def test_few_pictures_get_a_hint(pictures):
    assert "Few images: start from a trained checkpoint (--init-from)" in said(pictures)


def test_sizes_are_those_of_the_files(pictures, draw):
    draw(1, (9, 500)).save(pictures / "tall.png")
    assert "smallest 9 px, median 29 px; 7.7 % are smaller than 16 px" in said(pictures)
    assert "Many were enlarged" not in said(pictures) and "Many were enlarged" in said(pictures, 64)


def test_what_the_upscaler_enlarged_is_not_called_soft(pictures):
    report = check_pictures(load_pictures(pictures, 64, enlarge=enlarge_fourfold), None)
    assert "100.0 % are smaller than 64 px and were enlarged" in report and "soft" not in report


def test_a_cache_without_sizes_says_nothing_of_them(pictures, isolated_cache):
    load_pictures(pictures, 16)
    (index,) = isolated_cache.glob("*.json")
    index.write_text(index.read_text().replace('"short_sides"', '"unknown"'))
    assert "short sides" not in said(pictures) and "duplicates" in said(pictures)


def test_exact_and_near_duplicates_are_told_apart(pictures):
    shutil.copy(pictures / "00.png", pictures / "copy.png")
    shutil.copy(pictures / "00.png", pictures / "copy2.png")
    with Image.open(pictures / "01.png") as picture:
        ImageEnhance.Brightness(picture).enhance(0.97).save(pictures / "darker.png")
    report = said(pictures)
    assert "2 exact and about 1 near duplicates" in report and "remove the copies" in report


def test_grey_pictures_are_counted_whatever_their_mode(pictures, draw):
    draw(50).convert("L").save(pictures / "grey.png")
    draw(51).convert("L").convert("RGB").save(pictures / "grey.jpg")
    draw(52).convert("LA").save(pictures / "seethrough.png")
    report = said(pictures)
    assert "20.0 % are grey" in report and "Many are grey" in report


def test_skipped_files_are_named(pictures):
    (pictures / "notes.txt").write_text("hello")
    assert "Skipped 1 of 13 files that are not complete images: notes.txt." in said(pictures)


def test_known_labels_are_counted_for_each_attribute(pictures):
    labels = torch.full((12, 2), ANY)
    labels[:, 0] = torch.arange(12)
    labels[11, 0] = 0  # so white is missing
    labels[:3, 1] = 2
    report = said(pictures, labels=labels)
    assert "hair known of 12 (100.0 %); rarest: white, 0" in report
    assert "eyes known of 3 (25.0 %); rarest: aqua, 0" in report
    assert "can tag the rest" not in report
    assert "can tag the rest" in said(pictures, labels=torch.full((12, 2), ANY))

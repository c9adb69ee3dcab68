"""Stars on tiles, the tray of picks, its zip, and undo over all results."""

import json
import time
import zipfile

from playwright.sync_api import expect
from steps import choose_colour, face, faces_of, generate, open_checkpoint, seed_of, set_faces, settle

from animegen_core.images import read_description
from animegen_core.studio import Studio


def star(page, place):
    tile = page.locator("#gallery .gallery-item").nth(place)
    tile.hover()
    tile.locator(".star").click()
    return tile.locator(".star")


def picks(page):
    return page.locator("#history .picks .item")


def test_starred_tiles_survive_a_reload_and_come_as_a_zip(page, tmp_path):
    for place in (1, 4):
        expect(star(page, place)).to_have_attribute("aria-pressed", "true")
    expect(picks(page)).to_have_count(2)
    open_checkpoint(page, "tiny-conditional-dcgan")
    choose_colour(page, "hair", "pink")
    expect(page.locator("#portrait p")).to_contain_text("pink hair")
    settle(page)
    star(page, 0)
    expect(picks(page)).to_have_count(3)
    page.reload()
    page.locator("#psi-row img").first.wait_for()
    expect(picks(page)).to_have_count(3)
    expect(page.locator("#gallery .star").nth(4)).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as started:
        page.locator("#history .zip").click()
    started.value.save_as(tmp_path / "picks.zip")
    with zipfile.ZipFile(tmp_path / "picks.zip") as archive:
        listed = json.loads(archive.read("picks.json"))
        assert [(one["checkpoint"], one["character"]) for one in listed] == [
            ("tiny-conditional-dcgan", {"seed": 2, "hair": "pink"}),
            ("dcgan-64", {"seed": 6}),
            ("dcgan-64", {"seed": 3}),
        ]
        archive.extract(listed[1]["file"], tmp_path)
    assert read_description(tmp_path / listed[1]["file"])["character"] == {"seed": 6}
    expect(page.locator("#history .zip")).to_be_enabled()


def test_a_star_is_taken_back(page):
    star(page, 2)
    expect(picks(page)).to_have_count(1)
    expect(star(page, 2)).to_have_attribute("aria-pressed", "false")
    expect(picks(page)).to_have_count(0)


def test_five_changes_are_undone_and_redone(page):
    open_checkpoint(page, "tiny-conditional-dcgan")
    captions = []

    def changed(words):
        expect(page.locator("#portrait p")).to_contain_text(words)
        settle(page)
        captions.append(page.locator("#portrait p").inner_text())

    changed("tiny-conditional-dcgan")
    choose_colour(page, "hair", "pink")
    changed("pink hair")
    choose_colour(page, "eyes", "green")
    changed("green eyes")
    page.locator("#creativity input[type=range]").fill("0.8")
    changed("creativity 0.8")
    page.locator("#gallery .thumbnail-item").nth(3).click()
    changed("Seed 5")
    generate(page)
    changed(f"Seed {seed_of(page)}")
    page.locator("#portrait .enlarge").focus()
    for caption in captions[-2::-1]:
        page.keyboard.press("Control+z")
        expect(page.locator("#portrait p")).to_have_text(caption)
    expect(page.locator("#hair input:checked")).to_have_value("any")
    for caption in captions[1:3]:
        page.keyboard.press("Control+y")
        expect(page.locator("#portrait p")).to_have_text(caption)
    page.locator("#undo").click()
    expect(page.locator("#portrait p")).to_have_text(captions[1])
    settle(page)
    choose_colour(page, "eyes", "red")
    expect(page.locator("#portrait p")).to_contain_text("red eyes")
    expect(page.locator("#redo")).to_be_disabled()  # a new change ends what could be redone


def test_undo_leaves_the_gallery_as_it_was_when_the_face_is_in_it(page):
    faces, first = faces_of(page), face(page)
    page.locator("#gallery .thumbnail-item").nth(5).click()
    expect(page.locator("#portrait p")).to_contain_text("Seed 7")
    page.locator("#undo").click()
    expect(page.locator("#portrait img")).to_have_attribute("src", first)
    settle(page)
    assert faces_of(page) == faces


def test_a_long_drawing_is_cancelled_and_what_is_there_stays(page, monkeypatch):
    draw = Studio.render_many

    def slow(self, characters, size=None):
        for picture in draw(self, characters, size):
            time.sleep(0.3)
            yield picture

    monkeypatch.setattr(Studio, "render_many", slow)
    set_faces(page, 100)
    page.locator("#generate").click()
    page.locator("#progress button").click()
    settle(page)
    expect(page.locator("#progress button")).to_have_count(0)
    left = page.locator("#gallery .thumbnail-item").count()
    assert 1 <= left < 100
    monkeypatch.undo()
    page.locator("#gallery .thumbnail-item").last.click()
    expect(page.locator("#gallery .thumbnail-item.selected")).to_have_count(1)
    expect(page.locator("#portrait p")).to_contain_text(f"Seed {seed_of(page)}")

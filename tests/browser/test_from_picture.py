"""The Picture tab: from a picture of one's own to a face, and on to other tabs."""

import pytest
from playwright.sync_api import expect
from steps import open_tab


@pytest.fixture
def picture(tmp_path, draw):
    path = tmp_path / "mine.png"
    draw(1, (90, 60)).save(path)
    return path


def opened(page, path, steps=0):
    open_tab(page, "Picture")
    page.locator("#picture input[type=file]").set_input_files(path)
    expect(page.locator("#picture-pair img").first).to_be_visible()
    page.locator("#picture-steps input[type=number]").fill(str(steps))
    page.locator("#picture-steps input[type=number]").press("Enter")


def test_a_picture_becomes_a_face_that_can_be_edited_and_animated(page, picture):
    opened(page, picture, 10)
    before = page.locator("#picture-pair img").last.get_attribute("src")
    page.locator("#picture-go").click()
    expect(page.get_by_text("Own face · tiny-stylegan2")).to_be_visible()
    assert page.locator("#picture-pair img").last.get_attribute("src") != before
    page.locator("#picture-to-generate").click()
    expect(page.locator("#portrait p")).to_contain_text("Own face · tiny-stylegan2")
    expect(page.locator("#checkpoint input")).to_have_value("tiny-stylegan2")
    expect(page.locator("#gallery .thumbnail-item").first).to_contain_text("Own face")
    page.get_by_label("Pink", exact=True).first.check()
    expect(page.locator("#portrait p")).to_contain_text("Own face · pink hair")
    open_tab(page, "Picture")
    page.locator("#picture-to-animate").click()
    expect(page.locator("#keys img[alt*='Own face']")).to_be_visible()


def test_the_part_of_the_picture_follows_the_zoom(page, picture):
    opened(page, picture)
    whole = page.locator("#picture-pair img").first.get_attribute("src")
    page.locator("#picture-zoom input[type=number]").fill("3")
    page.locator("#picture-zoom input[type=number]").press("Enter")
    expect(page.locator("#picture-pair img").first).not_to_have_attribute("src", whole)


@pytest.mark.parametrize("kind", ["one pixel", "animated"])
def test_unusual_pictures_get_a_face(page, tmp_path, draw, kind):
    path = tmp_path / "odd.gif"
    frames = [draw(seed, (1, 1) if kind == "one pixel" else (30, 50)) for seed in range(3)]
    frames[0].save(path, save_all=kind == "animated", append_images=frames[1:] if kind == "animated" else [])
    opened(page, path)
    page.locator("#picture-go").click()
    expect(page.get_by_text("Own face · tiny-stylegan2")).to_be_visible()


def test_what_is_missing_or_no_picture_is_told(page, tmp_path):
    open_tab(page, "Picture")
    page.locator("#picture-go").click()
    expect(page.get_by_text("There is no picture yet; drop, choose or paste one.")).to_be_visible()
    page.locator("#picture-to-animate").click()
    expect(page.get_by_text("There is no face yet; click Find its face.")).to_be_visible()
    (tmp_path / "text.png").write_text("no picture")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "text.png")
    expect(page.get_by_text("but must be an image file, such as a PNG or JPEG").first).to_be_visible()

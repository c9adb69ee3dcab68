"""The Generate tab as a first-time user walks through it."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from animegen_core.character import Character
from animegen_core.images import read_description
from animegen_core.studio import Studio, read_character


def seed_of(page):
    return int(page.locator("#seed input").input_value())


def faces_of(page):
    """Addresses of the pictures in the gallery; an address holds a hash of the picture's bytes."""
    return [image.get_attribute("src") for image in page.locator("#gallery .thumbnail-item img").all()]


def generate(page):
    """Click Generate with the seed unlocked, and wait for the new seed and its faces."""
    before = str(seed_of(page))
    page.locator("#generate").click()
    expect(page.locator("#seed input")).not_to_have_value(before)
    expect(page.locator("#gallery .thumbnail-item").first).to_contain_text(f"Seed {seed_of(page)}")


def set_faces(page, count):
    page.locator("#faces input[type=number]").fill(str(count))
    page.locator("#faces input[type=number]").press("Enter")


def download(page, folder):
    with page.expect_download() as started:
        page.locator("#download").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def test_the_page_opens_with_faces(page):
    assert len(faces_of(page)) == 16
    assert page.locator("#portrait img").evaluate("image => image.naturalWidth") == 64


def test_an_unlocked_seed_gives_new_faces_and_is_written_back(page):
    before, seed_before = faces_of(page), seed_of(page)
    generate(page)
    assert not set(faces_of(page)) & set(before)
    assert seed_of(page) != seed_before


def test_a_locked_seed_gives_the_same_picture_again(page):
    generate(page)
    seed, faces = seed_of(page), faces_of(page)
    page.locator("#lock input").check()
    set_faces(page, 3)  # fewer faces show that the answer is a new one
    page.locator("#generate").click()
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(3)
    assert (seed_of(page), faces_of(page)) == (seed, faces[:3])


def test_typing_a_seed_locks_it(page):
    page.locator("#seed input").fill("77")
    expect(page.locator("#lock input")).to_be_checked()
    page.locator("#generate").click()
    expect(page.locator("#portrait-caption")).to_contain_text("77")
    assert seed_of(page) == 77


def test_a_click_in_the_gallery_takes_that_faces_seed(page):
    first = seed_of(page)
    face = page.locator("#gallery .thumbnail-item").nth(3)
    face.click()
    expect(page.locator("#seed input")).to_have_value(str(first + 3))
    expect(page.locator("#portrait img")).to_have_attribute("src", face.locator("img").get_attribute("src"))


@pytest.mark.parametrize("count", [1, 64])
def test_as_many_faces_as_asked_for(page, count):
    set_faces(page, count)
    generate(page)
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(count)


def test_the_downloaded_file_carries_what_draws_it_again(page, tmp_path):
    generate(page)
    path = download(page, tmp_path)
    checkpoint, character = read_character(read_description(path))
    assert path.name == f"{checkpoint}-seed{seed_of(page):05d}.png"
    assert character == Character(seed_of(page))
    again = Studio.load(checkpoint, "cpu").render(character)
    with Image.open(path) as downloaded:
        assert downloaded.tobytes() == again.tobytes()


def test_a_bad_seed_is_one_sentence_and_loses_nothing(page):
    faces = faces_of(page)
    page.locator("#seed input").fill("-5")
    page.locator("#generate").click()
    expect(page.locator(".toast-body")).to_contain_text("-5")
    assert faces_of(page) == faces


def test_two_visitors_see_only_their_own_faces(open_page):
    one, other = open_page(), open_page()
    faces = faces_of(other)
    generate(one)
    assert faces_of(other) == faces
    assert not set(faces_of(one)) & set(faces)


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_overflows(open_page, width):
    page = open_page(viewport={"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("generate", "seed", "lock", "faces", "gallery", "portrait", "download"):
        box = page.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, name
    gallery = page.locator("#gallery").bounding_box()
    faces = [face.bounding_box() for face in page.locator("#gallery .thumbnail-item").all()[:5]]
    assert faces[3]["x"] + faces[3]["width"] <= gallery["x"] + gallery["width"]  # the fourth in its row is not cut off
    assert faces[4]["y"] - faces[3]["y"] <= faces[3]["height"] + 12  # and the fifth is close below

"""The Generate tab as a first-time user walks through it."""

import json
import re
import time
import zipfile

from PIL import Image
from playwright.sync_api import expect
from steps import (
    choose_colour,
    download,
    drag,
    face,
    faces_of,
    generate,
    open_checkpoint,
    open_menu,
    quiet,
    seed_of,
    set_faces,
    settle,
)

from animegen_core.character import Character
from animegen_core.images import read_description
from animegen_core.studio import Studio, read_character


def test_the_page_opens_with_faces_an_unlocked_seed_gives_new_ones_and_a_locked_seed_the_same_again(page):
    before, seed_before = faces_of(page), seed_of(page)
    assert len(before) == 16
    assert page.locator("#portrait img").evaluate("image => image.naturalWidth") == 256
    generate(page)
    seed, faces = seed_of(page), faces_of(page)
    assert not set(faces) & set(before)
    assert seed != seed_before
    page.locator("#lock input").check()
    set_faces(page, 3)  # fewer faces show that the answer is a new one
    page.locator("#generate").click()
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(3)
    settle(page)
    assert (seed_of(page), faces_of(page)) == (seed, faces[:3])


def test_typing_a_seed_locks_it(page):
    page.locator("#seed input").fill("77")
    expect(page.locator("#lock input")).to_be_checked()
    page.locator("#generate").click()
    expect(page.locator("#portrait p")).to_contain_text("Seed 77")
    assert seed_of(page) == 77


def test_a_click_in_the_gallery_takes_that_face(page):
    first, before = seed_of(page), face(page)
    page.locator("#gallery .thumbnail-item").nth(3).click()
    expect(page.locator("#seed input")).to_have_value(str(first + 3))
    expect(page.locator("#portrait img")).not_to_have_attribute("src", before)


def test_as_many_faces_as_asked_for(page):
    for count in (1, 100):
        set_faces(page, count)
        generate(page)
        expect(page.locator("#gallery .thumbnail-item")).to_have_count(count)


def test_dragging_creativity_shows_the_face_at_once_and_then_all_of_them(page):
    before, faces = face(page), faces_of(page)
    drag(page, "creativity", 0.8)
    expect(page.locator("#portrait img")).not_to_have_attribute("src", before)
    expect(page.locator("#portrait p")).to_contain_text("creativity 0.8")
    settle(page)
    assert not set(faces_of(page)) & set(faces)
    assert seed_of(page) == 2


def test_creativity_by_reset_arrow_and_by_number(page):
    before, number = face(page), page.locator("#creativity input[type=number]")
    page.locator("#creativity input[type=range]").fill("0.6")
    expect(page.locator("#portrait p")).to_contain_text("creativity 0.6")
    page.locator("#creativity .reset-button").click()
    expect(page.locator("#portrait p")).to_have_text("Seed 2 · dcgan-64")
    expect(page.locator("#portrait img")).to_have_attribute("src", before)
    number.fill("9")  # out of range, and changes nothing until it is brought into it
    quiet(page)
    assert face(page) == before
    number.press("Enter")
    expect(page.locator("#portrait p")).to_contain_text("creativity 1.5")
    expect(number).to_have_value("1.5")
    assert page.locator(".toast-body").count() == 0


def test_a_variation_moves_the_face(page):
    before = face(page)
    page.locator("#variation button").first.click()
    quiet(page)  # it has unfolded
    page.locator("#variation-strength input[type=range]").fill("0.5")
    expect(page.locator("#portrait p")).to_contain_text("50% toward 1")
    assert face(page) != before


def test_hair_and_eyes_change_the_pictures_and_keep_the_seeds(page):
    expect(page.locator("#hair")).to_have_count(0)  # colours are offered only where the checkpoint knows them
    open_checkpoint(page, "tiny-conditional-dcgan")
    expect(page.locator("#hair")).to_be_visible()
    expect(page.locator("#hair-row .face")).to_have_count(12)
    seed, faces = seed_of(page), faces_of(page)
    choose_colour(page, "hair", "pink")
    expect(page.locator("#portrait p")).to_contain_text("pink hair")
    choose_colour(page, "eyes", "green")
    expect(page.locator("#portrait p")).to_contain_text("pink hair · green eyes")
    settle(page)
    assert seed_of(page) == seed
    assert not set(faces_of(page)) & set(faces)
    choose_colour(page, "hair", "any")
    choose_colour(page, "eyes", "any")
    expect(page.locator("#portrait p")).not_to_contain_text("eyes")
    settle(page)
    assert faces_of(page) == faces
    open_checkpoint(page, "dcgan-64")
    expect(page.locator("#hair")).to_have_count(0)


def test_a_face_in_a_row_is_taken_with_all_else_kept(page):
    open_checkpoint(page, "tiny-conditional-dcgan")
    page.locator("#hair-row .face").nth(8).click()
    expect(page.locator("#portrait p")).to_contain_text("pink hair")
    page.locator("#psi-row .face").first.click()
    expect(page.locator("#portrait p")).to_contain_text("Seed 2 · pink hair · creativity 0.6")
    expect(page.locator("#psi-row .face").first).to_have_attribute("aria-pressed", "true")


def test_a_look_to_start_from_sets_all_controls(page):
    page.locator("#looks .face").nth(1).click()
    expect(page.locator("#portrait p")).to_have_text("Seed 9 · dcgan-64")
    open_checkpoint(page, "tiny-conditional-dcgan")
    page.locator("#looks .face").first.click()
    expect(page.locator("#portrait p")).to_contain_text("Seed 28 · pink hair · blue eyes · creativity 0.8")
    expect(page.locator("#hair input:checked")).to_have_value("pink")


def test_an_unknown_checkpoint_is_one_sentence_and_the_old_one_stays(page):
    page.locator("#checkpoint input").fill("nonesuch")
    page.locator("#checkpoint input").press("Enter")
    expect(page.locator(".toast-body")).to_contain_text("nonesuch")
    expect(page.locator("#checkpoint input")).to_have_value("DCGAN 64")


def test_the_downloaded_file_carries_what_draws_it_again(page, studios, tmp_path):
    generate(page)
    path = download(page, "download", tmp_path)
    checkpoint, character = read_character(read_description(path))
    assert path.name == f"{checkpoint}-seed{seed_of(page):05d}-256px.png"
    assert character == Character(seed_of(page))
    with Image.open(path) as downloaded:
        assert downloaded.tobytes() == studios.get(checkpoint).render(character, 256).tobytes()


def test_a_file_has_the_chosen_size_and_no_description_where_none_is_wanted(page, tmp_path):
    open_menu(page)
    page.locator("#embed input").uncheck()
    for choice, side in [(0, 64), (1, 256), (4, 2048)]:
        page.locator("#download-size label").nth(choice).click()
        with Image.open(download(page, "download", tmp_path)) as picture:
            assert picture.size == (side, side) and "animegen" not in picture.info


def test_download_all_is_every_face_and_a_list(page, tmp_path):
    set_faces(page, 3)
    generate(page)
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(3)
    with zipfile.ZipFile(download(page, "download-all", tmp_path)) as archive:
        names = archive.namelist()
        listed = json.loads(archive.read("characters.json"))
    assert len(names) == 4
    assert [character["seed"] for character in listed["characters"]] == [seed_of(page) + index for index in range(3)]


def test_the_keyboard_generates_locks_and_walks(page):
    before = seed_of(page)
    page.keyboard.press("g")
    expect(page.locator("#seed input")).not_to_have_value(str(before))
    expect(page.locator("#portrait p")).to_contain_text(f"Seed {seed_of(page)}")
    page.keyboard.press("l")
    expect(page.locator("#lock input")).to_be_checked()
    seed = seed_of(page)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#seed input")).to_have_value(str(seed + 1))
    page.locator("#seed input").focus()
    page.keyboard.press("l")  # in a field, keys are typed
    expect(page.locator("#lock input")).to_be_checked()


def test_keys_work_after_a_slider_and_a_swatch_were_used(page):
    open_checkpoint(page, "tiny-conditional-dcgan")
    page.locator("#creativity input[type=range]").focus()
    before = seed_of(page)
    page.keyboard.press("Shift+G")
    expect(page.locator("#seed input")).not_to_have_value(str(before))
    expect(page.locator("#portrait p")).to_contain_text(f"Seed {seed_of(page)}")
    choose_colour(page, "hair", "black")
    expect(page.locator("#portrait p")).to_contain_text("black hair")
    seed = seed_of(page)
    page.keyboard.press("ArrowRight")  # the next swatch, and not the next face
    expect(page.locator("#portrait p")).to_contain_text(f"Seed {seed} · blonde hair")


def test_a_fast_walk_ends_at_the_face_that_is_marked(page):
    page.locator("#gallery .thumbnail-item").first.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(60)
    expect(page.locator("#gallery .thumbnail-item.selected")).to_contain_text("Seed 8")
    expect(page.locator("#portrait p")).to_have_text("Seed 8 · dcgan-64")
    quiet(page)
    expect(page.locator("#portrait p")).to_have_text("Seed 8 · dcgan-64")
    expect(page.locator("#seed input")).to_have_value("8")


def test_a_locked_face_of_the_gallery_stays_where_it_is(page):
    page.locator("#gallery .thumbnail-item").nth(5).click()
    expect(page.locator("#portrait p")).to_contain_text("Seed 7")
    page.locator("#lock input").check()
    set_faces(page, 8)
    page.locator("#generate").click()
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(8)
    expect(page.locator("#gallery .thumbnail-item").first).to_contain_text("Seed 2")
    expect(page.locator("#gallery .thumbnail-item.selected")).to_contain_text("Seed 7")


def test_a_download_right_after_a_change_is_the_changed_face(page, studios, tmp_path):
    open_checkpoint(page, "tiny-conditional-dcgan")
    choose_colour(page, "hair", "pink")
    page.locator("#creativity input[type=range]").fill("0.8")
    path = download(page, "download", tmp_path)
    changed = Character(2, hair="pink", psi=0.8)
    assert read_character(read_description(path))[1] == changed
    with Image.open(path) as picture:
        assert picture.tobytes() == studios.get("tiny-conditional-dcgan").render(changed, 256).tobytes()


def test_a_face_sent_right_after_a_change_is_the_changed_face(page):
    page.locator("#creativity input[type=range]").fill("0.8")
    page.locator("#to-animate").click()
    expect(page.locator("#keys .face").last).to_have_attribute("title", "Seed 2 · creativity 0.8")


def test_a_bad_seed_is_one_sentence_and_loses_nothing(page):
    faces = faces_of(page)
    page.locator("#seed input").fill("3.7")
    page.locator("#generate").click()
    expect(page.locator(".toast-body", has_text="3.7")).to_be_visible()
    page.locator("#seed input").fill("-5")
    page.locator("#generate").click()
    expect(page.locator("#seed")).to_contain_text("Seed is -5, but must be a number from 0 to 4294967295.")
    assert faces_of(page) == faces
    expect(page.locator("[data-testid=status-tracker] .error:visible")).to_have_count(0)  # the message says it all


def test_the_large_face_comes_first_and_old_faces_stay_until_new_ones_are_there(page, monkeypatch):
    """With a checkpoint that takes a while for each face."""
    draw = Studio.render_many

    def slow(self, characters, size=None):
        for number, picture in enumerate(draw(self, characters, size)):
            if number and len(characters) == 15:  # all but the large one
                time.sleep(0.5)
            yield picture

    monkeypatch.setattr(Studio, "render_many", slow)
    faces, old = page.locator("#gallery .thumbnail-item"), faces_of(page)
    page.locator("#generate").click()
    expect(page.locator("#portrait p")).not_to_have_text("Seed 2 · dcgan-64")
    assert len(faces_of(page)) == 16 and set(faces_of(page)) & set(old)
    expect(page.locator("#progress")).to_contain_text("of 16 · ")
    expect(page.locator("#gallery .root")).to_have_class(re.compile("drawn-[1-9]"))
    now = faces_of(page)
    assert now[0] != old[0] and now[-1] == old[-1]
    clear = [face.evaluate("face => getComputedStyle(face.parentElement).opacity == 1") for face in faces.all()]
    assert clear[0] and not clear[-1]
    faces.first.click()  # what is there can be taken
    settle(page)
    assert not set(faces_of(page)) & set(old)
    expect(page.locator("#progress")).to_have_text("")


def test_two_visitors_see_only_their_own_faces(open_page):
    one, other = open_page(), open_page(locale="en-GB")
    faces = faces_of(other)
    generate(one)
    assert faces_of(other) == faces
    assert not set(faces_of(one)) & set(faces)
    assert other.locator("#history .item").count() == 1

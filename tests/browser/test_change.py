"""Changing a face and keeping it: recolouring, words, sliders, relatives."""

import pytest
from playwright.sync_api import expect
from steps import choose_colour, face, open_checkpoint, quiet, set_faces, settle


@pytest.fixture
def desk(page):
    """The page with four faces of stylegan2-64, whose third was chosen."""
    set_faces(page, 4)
    open_checkpoint(page, "stylegan2-64")
    page.locator("#generate").click()
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(4)
    settle(page)
    page.locator("#gallery .thumbnail-item").nth(2).click()
    expect(page.locator("#keep-face input")).to_be_checked()
    quiet(page)
    return page


def caption_has(page, *words):
    for each in words:
        expect(page.locator("#portrait p")).to_contain_text(each)


def test_a_chosen_face_is_recoloured_and_replaced_only_when_it_need_not_be_kept(desk):
    seed = desk.locator("#seed input").input_value()
    choose_colour(desk, "hair", "blue")
    caption_has(desk, f"Seed {seed}", "hair recoloured blue")
    choose_colour(desk, "hair", "any")
    expect(desk.locator("#portrait p")).not_to_contain_text("recoloured")
    desk.locator("#keep-face input").uncheck()
    choose_colour(desk, "hair", "blue")
    caption_has(desk, f"Seed {seed} · blue hair")


def test_words_and_sliders_change_the_chosen_face_and_say_what_they_mean(desk):
    desk.locator("#words textarea, #words input").fill("pink hair, very big eyes, wings")
    desk.locator("#words textarea, #words input").press("Enter")
    caption_has(desk, "hair recoloured pink", "eye size +100%")
    expect(desk.locator("#understood")).to_contain_text("Not understood: 'wings'.")
    desk.locator("#sliders > button").click()
    expect(desk.locator("#slider-eye-size input[type=number]")).to_have_value("1")
    settle(desk)
    desk.locator("#slider-tilt input[type=number]").fill("-0.5")
    desk.locator("#slider-tilt input[type=number]").press("Tab")
    caption_has(desk, "tilt -50%", "eye size +100%", "hair recoloured pink")


def test_relatives_are_picked_and_narrowed_five_times(desk):
    desk.locator("#relatives > button").click()
    for generation in range(1, 6):
        before = face(desk)
        desk.locator("#draw-relatives").click()
        expect(desk.locator("#gallery .thumbnail-item")).to_have_count(9)
        settle(desk)
        quiet(desk)
        desk.locator("#gallery .thumbnail-item").nth(generation).click()
        caption_has(desk, f"generation {generation}")
        expect(desk.locator("#portrait img")).not_to_have_attribute("src", before)
        quiet(desk)

"""The Mix and Compare tabs."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect
from steps import choose_colour, download, face, open_checkpoint, open_tab, restore

from animegen_core.character import Character, Matrix
from animegen_core.grids import draw_matrix, generate_style_mixing_grid
from animegen_core.images import read_description, save_png
from animegen_core.studio import read_character, read_described


@pytest.fixture
def mixer(page):
    open_checkpoint(page, "tiny-stylegan2")
    open_tab(page, "Mix")
    expect(page.locator("#mix-portrait p")).to_contain_text("9 + 28 + 11")
    return page


def test_a_checkpoint_without_styles_says_so_and_offers_one(page, studios):
    open_tab(page, "Mix")
    expect(page.locator("#mix-reason")).to_contain_text("no styles to mix")
    page.locator("#mix-switch").click()
    expect(page.locator("#mix-portrait img")).to_be_visible()
    expect(page.locator("#checkpoint input")).to_have_value(studios.title(studios.best_with_styles()))


def test_three_faces_become_one_and_a_crossover_moves_what_is_taken_from_whom(mixer, studios, tmp_path):
    before = face(mixer, "mix-portrait")
    mixer.locator("#mix-middle input").fill("99")
    mixer.locator("#mix-middle input").press("Enter")
    expect(mixer.locator("#mix-portrait p")).to_contain_text("9 + 99 + 11")
    assert face(mixer, "mix-portrait") != before
    path = download(mixer, "mix-download", tmp_path)
    checkpoint, character = read_character(read_description(path))
    assert character == Character(9, psi=0.7, middle=99, fine=11)
    with Image.open(path) as picture:
        assert picture.tobytes() == studios.get(checkpoint).render(character, 256).tobytes()
    before = face(mixer, "mix-portrait")
    mixer.locator("#middle-from input[type=range]").fill("1")
    expect(mixer.locator("#mix-portrait img")).not_to_have_attribute("src", before)
    expect(mixer.locator("#middle-from")).to_contain_text("Features begin at 8 px")


def test_a_face_is_sent_as_a_source(page):
    open_checkpoint(page, "tiny-stylegan2")
    page.locator("#gallery .thumbnail-item").nth(5).click()
    expect(page.locator("#seed input")).to_have_value("7")
    page.locator("#to-fine").click()
    expect(page.locator("#mix-portrait p")).to_contain_text("9 + 28 + 7")


def test_a_sent_face_brings_its_colours_and_its_creativity(page):
    open_checkpoint(page, "tiny-stylegan2")
    choose_colour(page, "hair", "pink")
    expect(page.locator("#portrait p")).to_contain_text("pink hair")
    page.locator("#creativity input[type=range]").fill("0.9")
    expect(page.locator("#portrait p")).to_contain_text("creativity 0.9")
    page.locator("#to-fine").click()
    expect(page.locator("#mix-portrait p")).to_contain_text("9 + 28 + 2")
    assert page.locator("#mix-creativity input[type=range]").input_value() == "0.9"
    expect(page.locator("#mix-hair input:checked")).to_have_value("pink")


def test_there_is_one_download_button_whatever_checkpoint_was_open(mixer):
    for name, sign in (("dcgan-64", "#mix-reason"), ("tiny-stylegan2", "#mix-download")):
        mixer.locator("#checkpoint input").fill(name)
        mixer.locator("#checkpoint input").press("Enter")
        expect(mixer.locator(sign)).to_be_visible()
    assert mixer.get_by_text("Download PNG", exact=True).locator("visible=true").count() == 1


def test_the_matrix_is_the_grid_of_its_seeds_and_one_that_is_too_large_is_refused(mixer, studios):
    mixer.locator("#matrix-rows textarea, #matrix-rows input").first.fill("1-3")
    mixer.locator("#matrix-columns textarea, #matrix-columns input").first.fill("5,6")
    mixer.locator("#matrix-make").click()
    expect(mixer.locator("#matrix img")).to_be_visible()
    shown = mixer.locator("#matrix img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    wanted = generate_style_mixing_grid(studios.get("tiny-stylegan2"), [1, 2, 3], [5, 6], size=256)
    assert tuple(shown) == wanted.size
    mixer.locator("#matrix-rows textarea, #matrix-rows input").first.fill("1-9")
    mixer.locator("#matrix-make").click()
    expect(mixer.locator(".toast-body")).to_contain_text("9 rows, but at most 8")


def test_a_matrix_is_restored_from_its_file_and_from_the_history(mixer, studios, tmp_path):
    matrix = Matrix((5, 6, 9), (1, 2), template=Character(0, "pink", psi=0.5, crossovers=(8, 32)))
    studio = studios.get("tiny-stylegan2")
    restore(mixer, save_png(draw_matrix(studio, matrix), tmp_path / "matrix.png", studio.describe(matrix)))
    expect(mixer.locator("#matrix img")).to_be_visible()
    expect(mixer.locator("#matrix-rows textarea, #matrix-rows input").first).to_have_value("5-6,9")
    assert mixer.locator("#mix-creativity input[type=range]").input_value() == "0.5"
    path = tmp_path / "downloaded.png"
    path.write_bytes(mixer.request.get(mixer.locator("#matrix img").get_attribute("src")).body())
    assert read_described(read_description(path)) == ("tiny-stylegan2", matrix)
    mixer.locator("#matrix-rows textarea, #matrix-rows input").first.fill("1")
    mixer.locator("#matrix-make").click()
    expect(mixer.locator("#history .face").first).to_have_attribute("title", re.compile("Matrix of 1 rows"))
    mixer.locator("#history .face[title*='Matrix of 3 rows']").click()
    expect(mixer.locator("#matrix-rows textarea, #matrix-rows input").first).to_have_value("5-6,9")


def test_compare_shows_the_same_seeds_of_each_checkpoint_and_refuses_one_alone(page):
    open_tab(page, "Compare")
    sections = page.locator("#compare-table section")
    expect(sections.first.locator("img")).to_have_count(6)
    choose_colour(page, "compare-hair", "blue")
    expect(sections.first.locator("p")).to_contain_text("does not know colours")
    expect(sections.nth(1).locator("img").first).to_have_attribute("alt", "Seed 2 · blue hair")
    ticked = page.locator("#compare-names input:checked")
    expect(page.locator("#compare-table section")).to_have_count(ticked.count())
    while ticked.count() > 1:
        ticked.first.uncheck()
    expect(page.locator(".toast-body")).to_contain_text("1 checkpoints are ticked")


def test_a_compared_face_opens_in_generate(page):
    open_tab(page, "Compare")
    page.locator("#compare-table section").nth(1).locator("button").nth(2).click()
    expect(page.locator("#portrait p")).to_contain_text("Seed 4 · tiny-conditional-dcgan")
    expect(page.locator("#checkpoint input")).to_have_value("tiny-conditional-dcgan")


def test_about_tells_of_the_checkpoint_that_is_open(page):
    open_tab(page, "About")
    expect(page.locator("#card")).to_contain_text("1,005,824")
    expect(page.locator("#card")).not_to_contain_text("uncurated faces")  # which announces a picture
    expect(page.locator("#card")).to_contain_text("docs/training.md")
    links = page.locator("#card a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    assert all(link.startswith("https://") for link in links), links
    page.locator("#checkpoint input").fill("tiny-stylegan2")
    page.locator("#checkpoint input").press("Enter")
    expect(page.locator("#card")).to_contain_text("trained on: nothing", ignore_case=True)
    expect(page.locator("#about")).to_contain_text("Training images")

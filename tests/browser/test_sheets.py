"""Sheets and cut-outs of the chosen face."""

from PIL import Image
from playwright.sync_api import expect
from steps import download

from animegen_core.artwork import line_art, main_colours
from animegen_core.character import Character
from animegen_core.images import read_description
from animegen_core.studio import Studio, read_character


def test_line_art_palette_and_sheet_of_the_chosen_face(page, studios, tmp_path):
    face = studios.get("dcgan-64").render(Character(2), 256)
    lines = download(page, "line-art", tmp_path)
    assert lines.name == "dcgan-64-seed00002-256px-lines.png"
    with Image.open(lines) as picture:
        assert picture.tobytes() == line_art(face).tobytes()
    page.locator("#palette-show").click()
    expect(page.locator("#palette .colour span")).to_have_text([swatch.hex for swatch in main_colours(face, 6)])
    listed = download(page, "palette-gpl", tmp_path).read_text().splitlines()
    assert [line.split()[3] for line in listed[4:]] == [swatch.hex for swatch in main_colours(face, 6)]
    page.locator("#sheet-name textarea, #sheet-name input").first.fill("Aiko")
    sheet = download(page, "character-sheet", tmp_path)
    assert read_character(read_description(sheet)) == ("dcgan-64", Character(2))
    with Image.open(sheet) as picture:
        assert picture.size == (1888, 1024)


def test_a_click_on_a_colour_copies_its_code(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#palette-show").click()
    page.locator("#palette .colour").nth(1).click()
    code = page.locator("#palette .colour span").nth(1).inner_text()
    expect(page.locator("#palette [role=status]")).to_have_text(f"{code} is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == code


def test_a_transparent_face_of_the_chosen_size_or_one_sentence(page, monkeypatch, tmp_path):
    def plain(self, character, size=None):
        face = Image.new("RGB", (size, size), "white" if character.psi == 1 else "#204080")
        face.paste("#a04060", (size // 4, size // 4, 3 * size // 4, size))
        return face

    monkeypatch.setattr(Studio, "render", plain)
    page.locator("#download-size label").nth(3).click()
    for name in ("cutout-png", "cutout-webp"):
        path = download(page, name, tmp_path)
        assert read_description(path)["character"] == {"seed": 2}
        with Image.open(path) as picture:
            assert picture.size == (1024, 1024) and picture.mode == "RGBA"
            assert picture.getpixel((20, 20))[3] == 0 and picture.getpixel((512, 700))[3] == 255
    page.locator("#creativity input[type=range]").fill("0.5")
    page.locator("#cutout-png").click()
    expect(page.locator(".toast-body")).to_contain_text("it is not white")

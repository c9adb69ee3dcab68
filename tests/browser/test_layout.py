"""Nothing overflows at the widths of a desktop, a tablet and a phone, and everything has a name."""

import pytest
from playwright.sync_api import expect
from steps import face, generate, open_checkpoint, open_menu, open_tab, quiet, set_faces

TABS = {
    "Generate": ["generate", "seed", "lock", "hair", "creativity", "faces", "gallery", "portrait", "psi-row", "download"],
    "Animate": ["keys", "key-seed", "path", "loop", "frames", "fps", "film", "export"],
    "Mix": ["sources", "mix-coarse", "mix-fine", "middle-from", "mix-portrait", "matrix-rows", "matrix-make"],
    "Picture": ["picture", "picture-zoom", "picture-checkpoint", "picture-steps", "picture-go", "picture-pair"],
    "Compare": ["compare-names", "compare-seed", "compare-table"],
    "About": ["card", "about"],
}


def check_gallery_rows(page):
    gallery = page.locator("#gallery").bounding_box()
    faces = [face.bounding_box() for face in page.locator("#gallery .thumbnail-item").all()[:5]]
    assert faces[3]["x"] + faces[3]["width"] <= gallery["x"] + gallery["width"]  # the fourth in its row is not cut off
    assert faces[4]["y"] - faces[3]["y"] <= faces[3]["height"] + 12  # and the fifth is close below


@pytest.mark.parametrize("width, scheme", [(1440, "dark"), (1024, "light"), (390, "dark")])
def test_nothing_overflows_and_gallery_rows_are_whole(open_page, width, scheme):
    page = open_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    check_gallery_rows(page)
    open_checkpoint(page, "tiny-stylegan2")
    for tab, names in TABS.items():
        open_tab(page, tab)
        expect(page.locator(f"#{names[-1]}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        for name in ("masthead", "checkpoint", "theme-switch", "menu-button", "history", *names):
            box = page.locator(f"#{name}").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, (tab, name)


def test_on_a_phone_the_faces_and_generate_are_on_the_first_screen_and_the_menu_fits(open_page):
    page = open_page(viewport={"width": 390, "height": 844})
    for tile in page.locator("#gallery .thumbnail-item").all():
        box = tile.bounding_box()
        assert box["y"] + box["height"] <= 844
    for scrolled in (0, 600):
        page.evaluate(f"window.scrollTo(0, {scrolled})")
        box = page.locator("#generate").bounding_box()
        assert box["x"] >= 0 and box["y"] + box["height"] <= 844 and box["height"] >= 44
    open_menu(page)
    for name in ("restore", "embed"):
        box = page.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).not_to_be_visible()


def test_on_a_wide_screen_eight_faces_stand_in_a_row_and_the_controls_stay_in_view(open_page):
    page = open_page(viewport={"width": 1920, "height": 700})
    tops = [face.bounding_box()["y"] for face in page.locator("#gallery .thumbnail-item").all()]
    assert tops.count(tops[0]) == 8
    set_faces(page, 64)
    generate(page)
    page.evaluate("window.scrollTo(0, 300)")
    for name in ("generate", "portrait"):
        assert page.locator(f"#{name}").bounding_box()["y"] >= 0
    width, natural = page.locator("#portrait img").evaluate("face => [face.width, face.naturalWidth]")
    assert width == natural


def test_the_theme_is_switched_and_stays_so(open_page):
    page = open_page(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.locator("#theme-switch").click()
    assert page.evaluate(background) != light
    page.reload()
    page.locator("#portrait img").wait_for()
    assert page.evaluate(background) != light


def test_the_large_face_opens_over_the_page_and_arrows_walk_on(page):
    page.locator("#portrait .enlarge").click()
    large = page.locator(".lightbox img")
    expect(large).to_be_visible()
    expect(large).to_have_attribute("src", face(page))
    page.locator(".lightbox .next").click()
    expect(page.locator(".lightbox p")).to_contain_text("Seed 3")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lightbox p")).to_contain_text("Seed 4")
    expect(large).to_have_attribute("src", face(page))
    page.keyboard.press("Escape")
    expect(large).not_to_be_visible()


def test_pictures_and_controls_have_names(page):
    open_checkpoint(page, "tiny-stylegan2")
    for tab in TABS:
        open_tab(page, tab)
        quiet(page)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('img, button, input')].filter((e) => !(
                !e.checkVisibility({ visibilityProperty: true }) ||
                e.alt || e.ariaLabel || e.title || e.innerText || e.labels?.length || e.closest('label') || e.type === 'file'
            )).map((e) => e.outerHTML.slice(0, 200))"""
        )
        assert nameless == [], tab

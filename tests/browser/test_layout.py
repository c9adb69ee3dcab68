"""Nothing overflows at the widths of a desktop, a tablet and a phone, and everything has a name."""

import pytest
from playwright.sync_api import expect
from steps import open_checkpoint, open_tab, quiet

TABS = {
    "Generate": ["generate", "seed", "lock", "hair", "creativity", "faces", "gallery", "portrait", "psi-row", "download"],
    "Animate": ["keys", "key-seed", "path", "loop", "frames", "fps", "film", "export"],
    "Mix": ["sources", "mix-coarse", "mix-fine", "middle-from", "mix-portrait", "matrix-rows", "matrix-make"],
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
        for name in ("masthead", "checkpoint", "restore", "history", *names):
            box = page.locator(f"#{name}").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, (tab, name)


def test_pictures_and_controls_have_names(page):
    open_checkpoint(page, "tiny-stylegan2")
    for tab in TABS:
        open_tab(page, tab)
        quiet(page)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('img, button, input')].filter((e) => e.offsetParent && !(
                e.alt || e.ariaLabel || e.title || e.innerText || e.labels?.length || e.closest('label') || e.type === 'file'
            )).map((e) => e.outerHTML.slice(0, 200))"""
        )
        assert nameless == [], tab

"""axe-core finds no serious fault on any tab, light or dark, and what moves can be kept still."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from steps import open_checkpoint, open_menu, open_tab, quiet

TABS = ("Generate", "Animate", "Mix", "Compare", "Picture", "About")


def serious_faults(page):
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        (fault["id"], node["html"][:150])
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_tab_has_a_serious_fault(open_page, scheme):
    page = open_page(color_scheme=scheme)
    open_checkpoint(page, "tiny-stylegan2")
    for tab in TABS:
        open_tab(page, tab)
        quiet(page)
        assert serious_faults(page) == [], tab
    page.locator("#checkpoint input").fill("dcgan-64")
    page.locator("#checkpoint input").press("Enter")
    expect(page.locator("#card pre").first).to_be_visible()  # its card has commands and a table
    quiet(page)
    assert serious_faults(page) == []
    open_tab(page, "Generate")
    open_menu(page)
    assert serious_faults(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#menu-button")).to_be_focused()
    page.locator("#portrait .enlarge").click()
    assert serious_faults(page) == []


def test_focus_is_visible_and_nothing_moves_for_those_who_want_no_motion(open_page):
    page = open_page(reduced_motion="reduce")
    moving = page.evaluate(
        """() => [...document.querySelectorAll('.gradio-container *')].filter((e) =>
            parseFloat(getComputedStyle(e).transitionDuration) > 0.01 || getComputedStyle(e).animationName !== 'none'
        ).map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert moving == []
    page.keyboard.press("Tab")
    for _ in range(12):
        page.keyboard.press("Tab")
        style = page.evaluate(
            """() => {
                const shown = [document.activeElement, document.activeElement.parentElement].map((e) => getComputedStyle(e));
                return shown.map((s) => s.outlineStyle + ' ' + s.boxShadow);
            }"""
        )
        assert any(not one.startswith("none none") for one in style), page.evaluate("document.activeElement.outerHTML")

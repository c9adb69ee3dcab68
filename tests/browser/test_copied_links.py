"""A link opens the page with what it describes, whatever was there before."""

from playwright.sync_api import expect
from steps import choose_colour, generate, open_checkpoint, open_tab, seed_of, selected_tab


def copied(page, name):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(f"#{name}").click()
    expect(page.locator(f"#{name}")).to_have_text("Link copied")
    return page.evaluate("navigator.clipboard.readText()")


def opened(page, link):
    page.goto(link)
    page.locator("#portrait img").wait_for()


def test_a_copied_link_brings_the_face_back_with_all_controls(page):
    open_checkpoint(page, "tiny-conditional-dcgan")
    generate(page)
    choose_colour(page, "hair", "pink")
    expect(page.locator("#portrait p")).to_contain_text("pink hair")
    seed, caption = seed_of(page), page.locator("#portrait p").inner_text()
    link = copied(page, "copy-link")
    opened(page, link)
    expect(page.locator("#portrait p")).to_have_text(caption)
    assert seed_of(page) == seed
    expect(page.locator("#hair input:checked")).to_have_value("pink")
    expect(page.locator("#checkpoint input")).to_have_value("tiny-conditional-dcgan")


def test_a_copied_link_brings_a_film_back(page):
    open_tab(page, "Animate")
    expect(page.locator("#keys .face")).to_have_count(3)
    link = copied(page, "film-copy-link")
    page.goto(link)
    expect(page.locator("#keys .face span")).to_have_text(["9", "28", "11"])
    expect(page.locator("#film output")).to_contain_text("/ 60")
    assert selected_tab(page) == "Animate"


def test_a_link_by_hand_works_and_a_hostile_one_is_a_sentence_over_a_page_that_works(page, app_url):
    opened(page, f"{app_url}?seed=42&psi=0.5")
    expect(page.locator("#portrait p")).to_contain_text("Seed 42 · creativity 0.5")
    expect(page.locator("#psi-row img").first).to_be_visible()
    expect(page.locator(".toast-body")).to_have_count(0)
    opened(page, f"{app_url}?seed=<img src=x>&hair=mauve")
    expect(page.locator(".toast-body")).to_contain_text("The link's seed is '<img src=x>', but must be a whole number.")
    expect(page.locator("#portrait p")).to_contain_text("Seed 2 ·")

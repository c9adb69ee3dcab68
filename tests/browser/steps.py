"""What a user does in the app, and what they see: steps that several browser tests share."""

from playwright.sync_api import expect

from animegen_core.labels import EYES, HAIR


def seed_of(page):
    return int(page.locator("#seed input").input_value())


def faces_of(page):
    """Addresses of the pictures in the gallery; an address holds a hash of the picture's bytes."""
    return [image.get_attribute("src") for image in page.locator("#gallery .thumbnail-item img").all()]


def face(page, name="portrait"):
    """The large face: its address holds the picture."""
    return page.locator(f"#{name} img").get_attribute("src")


def settle(page):
    """Wait until no old face is left in the gallery; call it when the large face is new, as that comes first."""
    expect(page.locator("#gallery [class*='drawn-']")).to_have_count(0)


def quiet(page):
    """Wait until the page has asked the server for nothing for a while, and every answer has come."""
    still = 0
    while still < 6:
        page.wait_for_timeout(50)
        still = 0 if page.in_flight else still + 1


def generate(page):
    """Click Generate with the seed unlocked, and wait for the new seed and its faces."""
    before = str(seed_of(page))
    page.locator("#generate").click()
    expect(page.locator("#seed input")).not_to_have_value(before)
    expect(page.locator("#portrait p")).to_contain_text(f"Seed {seed_of(page)}")
    expect(page.locator("#gallery .thumbnail-item").first).to_contain_text(f"Seed {seed_of(page)}")
    settle(page)


def set_faces(page, count):
    page.locator("#faces input[type=number]").fill(str(count))
    page.locator("#faces input[type=number]").press("Enter")


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def open_menu(page):
    """Open the header's menu for files."""
    page.locator("#menu-button").click()
    expect(page.locator("#menu")).to_be_visible()


def open_checkpoint(page, name):
    for patience in (20_000, 60_000):  # on a busy computer the dropdown once lost what was typed
        page.locator("#checkpoint input").fill(name)
        page.locator("#checkpoint input").press("Enter")
        try:
            expect(page.locator("#portrait p")).to_contain_text(name, timeout=patience)
            break
        except AssertionError:
            if patience == 60_000:
                raise
    settle(page)


def choose_colour(page, part, colour):
    """Click a swatch; ``part`` is the element's id."""
    colours = HAIR if "hair" in part else EYES
    page.locator(f"#{part} label").nth(0 if colour == "any" else 1 + colours.index(colour)).click()


def drag(page, slider, value):
    """Move a slider as the mouse does, many events on the way."""
    handle = page.locator(f"#{slider} input[type=range]")
    for step in range(5):
        handle.fill(str(round(value - (4 - step) * 0.02, 2)))


def download(page, button, folder):
    with page.expect_download() as started:
        page.locator(f"#{button}").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def restore(page, path):
    """Hand the app a file."""
    page.locator("input[type=file]").first.set_input_files(path)


def selected_tab(page):
    return page.locator("button[role=tab][aria-selected=true]").inner_text()

"""python -m docs.make_screenshots: takes the screenshots in docs/ of the app in headless Chromium."""

import os
import shutil
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from playwright.sync_api import Browser, Page, sync_playwright

from animegen_core.checkpoint import DEFAULT_CHECKPOINT
from animegen_core.studio import Studio
from animegen_core.ui import build_app, launch_options
from animegen_core.ui.first_faces import draw_first_faces
from animegen_core.ui.studios import Studios

_FOLDER = Path(__file__).parent
_PATIENCE_MS = 300_000  # a busy computer draws slowly
_WINDOWS = {  # suffix of the file name: width, height and colour scheme of the window
    "": (1440, 900, "light"),
    "-dark": (1440, 900, "dark"),
    "-390": (390, 844, "light"),
}


def _generate(page: Page) -> None:
    for seed in (41, 7, 128):  # a history
        page.locator("#seed input").fill(str(seed))
        page.locator("#seed input").press("Enter")
        page.locator("#portrait p", has_text=f"Seed {seed}").wait_for()
    page.locator("#gallery [class*='drawn-']").wait_for(state="detached")
    for place in (1, 3, 6):  # picks
        page.locator("#gallery .gallery-item").nth(place).hover()
        page.locator("#gallery .star").nth(place).click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(2500)


def _animate(page: Page) -> None:
    page.locator("#keys .face").nth(2).wait_for()
    page.locator("#film canvas[data-side='256']").wait_for()  # the sharp film is loaded
    page.locator("#film .play").click()
    page.wait_for_timeout(2500)


def _mix(page: Page) -> None:
    page.locator("#mix-portrait img").wait_for()
    page.locator("#matrix-make").click()
    page.locator("#matrix img").wait_for()
    page.wait_for_timeout(2500)


def _compare(page: Page) -> None:
    page.locator("#compare-table img").first.wait_for()
    page.locator("#compare-progress .bar").wait_for(state="detached")
    page.wait_for_timeout(1000)


def _about(page: Page) -> None:
    page.locator("#card").wait_for()


_TABS = {"": ("Generate", _generate), "-animate": ("Animate", _animate), "-mix": ("Mix", _mix)}
_TABS |= {"-compare": ("Compare", _compare), "-about": ("About", _about)}


def _shoot(browser: Browser, url: str, window: str) -> None:
    width, height, scheme = _WINDOWS[window]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(url)
    page.locator("#psi-row img").first.wait_for()
    for tab, (name, prepare) in _TABS.items():
        page.get_by_role("tab", name=name, exact=True).click()
        prepare(page)
        page.evaluate("window.scrollTo(0, 0)")  # the header belongs on top
        page.screenshot(path=_FOLDER / f"studio{tab}{window}.png", full_page=True)
    page.close()


def main() -> None:
    """Take all screenshots."""
    studios = Studios(Studio.load(DEFAULT_CHECKPOINT))
    draw_first_faces(studios)
    demo = build_app(studios)
    _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options())
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for window in _WINDOWS:
            _shoot(browser, url, window)
    demo.close()


if __name__ == "__main__":
    main()

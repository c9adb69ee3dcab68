"""The real app on a free port of this computer, and one headless Chromium for all browser tests."""

import os
import shutil

import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

playwright_api = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="session")
def app_url():
    from animegen_core.studio import Studio
    from animegen_core.ui import build_app, launch_options
    from app import DEFAULT_CHECKPOINT

    demo = build_app(Studio.load(DEFAULT_CHECKPOINT, "cpu"))
    _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options())
    yield url
    demo.close()


@pytest.fixture(scope="session")
def browser():
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert executable, "The browser tests need Chromium: apt-get install chromium"
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, app_url):
    """Open the app in a fresh browser profile; at the end no script may have failed and no request have left the machine."""
    contexts, problems = [], []

    def open_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
        page.on("request", lambda request: problems.extend(_foreign(request.url, app_url)))
        page.goto(app_url)
        page.locator("#portrait img").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def _foreign(url: str, app_url: str) -> list[str]:
    return [] if url.startswith((app_url, "data:", "blob:")) else [f"request to {url}"]


@pytest.fixture
def page(open_page):
    return open_page()

"""The real app on a free port of this computer, and one headless Chromium for all browser tests."""

import os
import shutil

import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

playwright_api = pytest.importorskip("playwright.sync_api")

# No test measures time: these only end one that has failed, on the slowest and busiest machine too.
PATIENCE_MS = 60_000
VIEWPORT = {"width": 1440, "height": 900}
playwright_api.expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module", autouse=True)
def _small_upscaler(small_upscaler):
    """For all of these tests."""


@pytest.fixture(scope="session")
def studios(family_checkpoints):
    """A bundled one without colours or styles to open with, and tiny untrained ones that have them."""
    from animegen_core.studio import Studio
    from animegen_core.ui.studios import Studios

    others = [Studio.load(family_checkpoints[family], "cpu") for family in ("conditional-dcgan", "stylegan2")]
    return Studios(Studio.load("dcgan-64", "cpu"), *others, hub=False)


@pytest.fixture(scope="session")
def app_url(studios):
    from animegen_core.ui import build_app, launch_options

    demo = build_app(studios)
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


@pytest.fixture(scope="session")
def profile(browser):
    """The browser profile of most tests, which keeps the app's scripts from page to page: a second less for each."""
    context = browser.new_context(viewport=VIEWPORT)
    yield context
    context.close()


@pytest.fixture(scope="session")
def kept_page(profile, app_url):
    """The page that most tests load the app into: with a new page each, loading took half as long again."""
    return _watched(profile.new_page(), app_url)


@pytest.fixture
def open_page(browser, profile, kept_page, app_url):
    """Open the app in a browser that has not seen it in this test; each page with ``options`` is another visitor's.

    At the end no script may have failed and no request have left the machine.
    """
    contexts, pages = [], []

    def open_page(**options):
        if options:
            contexts.append(browser.new_context(**{"viewport": VIEWPORT, **options}))
            page = _watched(contexts[-1].new_page(), app_url)
        else:
            page = _watched(profile.new_page(), app_url) if kept_page in pages else kept_page
        pages.append(page)
        page.goto(app_url)
        page.locator("#portrait img").wait_for()
        page.locator("#psi-row img").first.wait_for()
        return page

    yield open_page
    problems = []
    for page in pages:
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto("about:blank") if page is kept_page else page.close()
        problems += page.problems
        page.problems.clear()
        page.in_flight.clear()
    profile.clear_cookies()
    profile.clear_permissions()
    for context in contexts:
        context.close()
    assert not problems


def _watched(page, app_url):
    """The page, which notes its ``problems`` and the requests ``in_flight``."""
    page.set_default_timeout(PATIENCE_MS)
    page.problems, page.in_flight = [], set()
    page.on("pageerror", lambda error: page.problems.append(f"script error: {error}"))
    page.on("console", lambda message: page.problems.extend(_script_errors(message)))
    page.on("request", lambda request: page.problems.extend(_foreign(request.url, app_url)))
    page.on("request", lambda request: None if "/heartbeat/" in request.url else page.in_flight.add(request))
    for ended in ("requestfinished", "requestfailed"):
        page.on(ended, lambda request: page.in_flight.discard(request))  # noqa: PLW0108 - Playwright reads its signature
    return page


def _foreign(url: str, app_url: str) -> list[str]:
    return [] if url.startswith((app_url, "data:", "blob:")) else [f"request to {url}"]


def _script_errors(message) -> list[str]:
    """What Gradio catches from a component's script and only logs."""
    return [message.text] if message.type == "error" and "callback" in message.text else []


@pytest.fixture
def page(open_page):
    return open_page()

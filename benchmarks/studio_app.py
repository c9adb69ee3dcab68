"""Response times of the studio in headless Chromium, with the default checkpoint.

App and browser use the same cores, as on a user's computer.
"""

import shutil
import statistics
import time

from playwright.sync_api import Page, sync_playwright

from benchmarks.studio_load import running_studio

_SECONDS_OF_DRAGGING = 3

# These scripts measure inside the page, from an event to the resulting image.
_CLICK_TO_FACES = """() => new Promise((done) => {
  const sources = () => [...document.querySelectorAll('#gallery .thumbnail-item img')].map((image) => image.src);
  const before = new Set(sources());
  const start = performance.now();
  document.querySelector('#generate').click();
  const look = async () => {
    const now = sources();
    if (now.length < 16 || now.some((src) => before.has(src))) return requestAnimationFrame(look);
    await Promise.all([...document.querySelectorAll('#gallery .thumbnail-item img')].map((image) => image.decode()));
    done(performance.now() - start);
  };
  look();
})"""
_DRAG = """(seconds) => new Promise((done) => {
  const slider = document.querySelector('#creativity input[type=range]');
  const picture = document.querySelector('#portrait img');
  let shown = 0;
  const observer = new MutationObserver((changes) => { shown += changes.length; });
  observer.observe(picture, { attributes: true, attributeFilter: ['src'] });
  const start = performance.now();
  const move = () => {
    const t = (performance.now() - start) / 1000;
    if (t > seconds) { observer.disconnect(); return done(shown / t); }
    slider.value = 0.9 + 0.3 * Math.sin(2 * t);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    requestAnimationFrame(move);
  };
  move();
})"""
_SCRUB = """() => {
  const slider = document.querySelector('#film input[type=range]');
  const canvas = document.querySelector('#film canvas');
  const times = [];
  for (let frame = 0; frame <= Number(slider.max); frame++) {
    const start = performance.now();
    slider.value = frame;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    canvas.getContext('2d').getImageData(0, 0, 1, 1);  // it is really drawn
    times.push(performance.now() - start);
  }
  return times;
}"""


def main() -> None:
    """Print times and rates."""
    start = time.perf_counter()
    with running_studio() as (url, _):
        print(f"  python app.py to the first page     {time.perf_counter() - start:7.2f} s")
        with sync_playwright() as playwright:
            executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
            page = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"]).new_page()
            _measure(page, url)


def _measure(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("#psi-row img").first.wait_for()
    page.wait_for_timeout(1500)
    clicks = []
    for _ in range(6):
        clicks.append(page.evaluate(_CLICK_TO_FACES))
        page.wait_for_timeout(800)  # the rows below follow
    print(f"  click to 16 faces on screen         {statistics.median(clicks[1:]):7.0f} ms")
    print(f"  pictures a second while dragging    {page.evaluate(_DRAG, _SECONDS_OF_DRAGGING):7.1f}")
    page.wait_for_timeout(1000)
    page.get_by_role("tab", name="Animate").click()
    page.wait_for_function("() => document.querySelector('#film canvas')?.dataset.frame")
    page.locator("#film .play").click()
    print(f"  scrubbing, a frame                  {statistics.median(page.evaluate(_SCRUB)):7.2f} ms")
    page.locator("#export-size label", has_text="256 px").click()
    for kind in ("GIF", "WebP", "MP4"):
        page.locator("#format label", has_text=kind).click()
        start = time.perf_counter()
        page.locator("#export").click()
        page.locator("#exported", has_text=f".{kind.lower()}").wait_for(timeout=60_000)
        print(f"  60 frames of 256 px as {kind:4}             {time.perf_counter() - start:7.2f} s")


if __name__ == "__main__":
    main()

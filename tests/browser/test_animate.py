"""The Animate tab: keys in, films out, each decoded."""

import time
import zipfile

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from steps import choose_colour, generate, open_checkpoint, open_tab, quiet, seed_of

from animegen_core.images import read_description
from animegen_core.studio import Studio, read_described


@pytest.fixture
def animate(page):
    open_tab(page, "Animate")
    expect(page.locator("#film output")).to_contain_text("/ 60")
    return page


def keys_of(page):
    return page.locator("#keys .face span").all_inner_texts()


def export(page, kind, folder):
    page.locator("#format label", has_text=kind).click()
    suffix = {"PNGs": "zip"}.get(kind, kind.lower())
    page.locator("#export").click()
    expect(page.locator("#exported")).to_contain_text(f".{suffix}")
    with page.expect_download() as started:
        page.locator("#exported a").first.click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def set_slider(page, name, value):
    page.locator(f"#{name} input[type=number]").fill(str(value))
    page.locator(f"#{name} input[type=number]").press("Enter")


def seam(frames):
    """The step from the last frame to the first, in units of the mean step between neighbours."""
    frames = frames.astype(float)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    return np.abs(frames[0] - frames[-1]).mean() / steps.mean()


def test_two_faces_sent_here_become_a_film(page):
    seeds = []
    for _ in range(2):
        generate(page)
        seeds.append(str(seed_of(page)))
        page.locator("#to-animate").click()
        expect(page.locator("#keys .face").last).to_contain_text(seeds[-1])
        open_tab(page, "Generate")
    open_tab(page, "Animate")
    assert keys_of(page)[-2:] == seeds
    expect(page.locator("#film output")).to_contain_text("/ 60")


def test_the_film_is_soon_there_and_then_sharp(animate):
    has_side = "side => document.querySelector('#film canvas').dataset.side == side"
    for path in ("Straight", "Circular"):
        animate.locator("#path label", has_text=path).click()
        animate.wait_for_function(has_side, arg=64)
        animate.wait_for_function(has_side, arg=256)


def test_keys_are_added_moved_and_removed(animate):
    assert keys_of(animate) == ["9", "28", "11"]
    animate.locator("#key-seed input").fill("99")
    animate.locator("#add-key").click()
    expect(animate.locator("#keys .face")).to_have_count(4)
    animate.locator("#keys .action[title='Move left']").nth(3).click()
    expect(animate.locator("#keys .face span").nth(2)).to_have_text("99")
    animate.locator("#keys .action[title='Remove']").nth(0).click()
    expect(animate.locator("#keys .face")).to_have_count(3)
    assert keys_of(animate) == ["28", "99", "11"]
    animate.locator("#keys .item").nth(2).drag_to(animate.locator("#keys .item").nth(0))
    expect(animate.locator("#keys .face span").first).to_have_text("11")


def test_a_reset_arrow_changes_the_film_too(animate):
    set_slider(animate, "frames", 8)
    expect(animate.locator("#film output")).to_contain_text("/ 8")
    animate.locator("#frames .reset-button").click()
    expect(animate.locator("#film output")).to_contain_text("/ 60")


def test_cleared_keys_end_the_film_and_a_ninth_is_refused(animate):
    animate.locator("#clear-keys").click()
    expect(animate.locator("#film canvas")).to_have_count(0)
    expect(animate.locator("#film")).to_contain_text("Add at least two key faces")
    for count in range(1, 9):
        animate.locator("#add-any-key").click()
        expect(animate.locator("#keys .face")).to_have_count(count)
        expect(animate.locator("#film canvas")).to_have_count(int(count > 1))
    animate.locator("#add-any-key").click()
    expect(animate.locator(".toast-body")).to_contain_text("at most 8")
    assert len(keys_of(animate)) == 8


def test_keys_have_the_creativity_that_the_checkpoint_is_opened_with(page):
    open_checkpoint(page, "tiny-stylegan2")
    open_tab(page, "Animate")
    page.locator("#add-key").click()
    expect(page.locator("#keys .face")).to_have_count(4)
    assert [key.get_attribute("title") for key in page.locator("#keys .face").all()] == [
        f"Seed {seed} · creativity 0.7" for seed in (9, 28, 11, 1)
    ]


def test_scrubbing_shows_another_frame_without_asking_the_server(animate):
    animate.locator("#film input[type=range]").fill("10")
    asked = []
    animate.on("request", lambda request: asked.append(request.url))
    picture = "() => document.querySelector('#film canvas').toDataURL()"
    first = animate.evaluate(picture)
    animate.locator("#film input[type=range]").fill("40")
    expect(animate.locator("#film canvas")).to_have_attribute("data-frame", "40")
    assert animate.evaluate(picture) != first
    assert asked == []


def test_the_film_plays_and_pauses(animate):
    shown = animate.locator("#film canvas")
    first = shown.get_attribute("data-frame")
    expect(shown).not_to_have_attribute("data-frame", first)
    animate.locator("#film .play").click()
    still = shown.get_attribute("data-frame")
    animate.wait_for_timeout(300)
    assert shown.get_attribute("data-frame") == still


def test_an_exported_loop_has_its_frames_size_loop_and_no_seam(animate, tmp_path):
    set_slider(animate, "frames", 24)
    expect(animate.locator("#film output")).to_contain_text("/ 24")
    animate.locator("#export-size label").first.click()
    for kind in ("GIF", "WebP", "MP4"):
        path = export(animate, kind, tmp_path)
        frames = np.stack(list(iio.imiter(path)))[..., :3]
        assert frames.shape == (24, 64, 64, 3), kind
        assert seam(frames) < 2, kind
        if kind != "MP4":
            with Image.open(path) as picture:
                assert (picture.info["loop"], picture.n_frames) == (0, 24), kind
        checkpoint, film = read_described(read_description(path))
        assert (checkpoint, [key.seed for key in film.keys], film.frames, film.loop) == ("dcgan-64", [9, 28, 11], 24, "closed")


def test_a_png_sequence_in_another_size(animate, tmp_path):
    set_slider(animate, "frames", 8)
    animate.locator("#export-size label").nth(1).click()
    with zipfile.ZipFile(export(animate, "PNGs", tmp_path)) as archive:
        names = archive.namelist()
        with archive.open(names[0]) as stream, Image.open(stream) as picture:
            assert picture.size == (256, 256)
    assert names == [f"frame{index:05d}.png" for index in range(8)]


def test_a_cancelled_export_writes_nothing(animate, monkeypatch):
    draw = Studio._draw

    def draw_slowly(self, point, size):
        time.sleep(0.05)  # so that no computer has written the film before it is cancelled
        return draw(self, point, size)

    monkeypatch.setattr(Studio, "_draw", draw_slowly)
    set_slider(animate, "frames", 240)
    animate.locator("#export-size label").nth(2).click()
    animate.locator("#export").click()
    animate.locator("#cancel-export").click()
    quiet(animate)
    expect(animate.locator("#exported")).to_have_count(0)
    expect(animate.locator("[data-testid=status-tracker] .error:visible")).to_have_count(0)
    set_slider(animate, "frames", 8)  # and the page goes on
    expect(animate.locator("#film output")).to_contain_text("/ 8")


def test_keys_that_the_checkpoint_cannot_draw_are_one_sentence(page):
    open_checkpoint(page, "tiny-conditional-dcgan")
    choose_colour(page, "hair", "red")
    expect(page.locator("#portrait p")).to_contain_text("red hair")
    page.locator("#to-animate").click()
    expect(page.locator("#keys .face").last).to_have_attribute("title", "Seed 2 · red hair")
    page.locator("#checkpoint input").fill("dcgan-64")
    page.locator("#checkpoint input").press("Enter")
    expect(page.locator(".toast-body").first).to_contain_text("Checkpoint 'dcgan-64' has no")

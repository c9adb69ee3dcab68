"""Files and the history bring everything back; foreign and hostile files change nothing."""

import json
from dataclasses import replace

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin
from playwright.sync_api import expect
from steps import faces_of, generate, open_checkpoint, open_tab, quiet, restore, seed_of, selected_tab

from animegen_core.animation import save_animation
from animegen_core.character import Animation, Character
from animegen_core.images import description_text, save_png

CHARACTER = Character(4321, hair="blue", eyes="red", psi=0.8, variation_seed=5, variation_strength=0.25)
FILM = Animation((Character(3), Character(9), Character(27)), path="circular", frames=16, fps=12, loop="closed")


def test_a_picture_restores_every_control(page, studios, tmp_path):
    studio = studios.get("tiny-conditional-dcgan")
    file = save_png(studio.render(CHARACTER), tmp_path / "face.png", studio.describe(CHARACTER))
    restore(page, file)
    caption = "Seed 4321 · blue hair · red eyes · creativity 0.8 · 25% toward 5 · tiny-conditional-dcgan"
    expect(page.locator("#portrait p")).to_have_text(caption)
    quiet(page)  # nothing that the change of checkpoint has set off comes after
    expect(page.locator("#portrait p")).to_have_text(caption)
    assert seed_of(page) == 4321
    assert page.locator("#creativity input[type=range]").input_value() == "0.8"
    expect(page.locator("#hair input:checked")).to_have_value("blue")
    expect(page.locator("#lock input")).to_be_checked()
    expect(page.locator("#checkpoint input")).to_have_value("tiny-conditional-dcgan")


def test_a_film_restores_the_animation(page, studios, tmp_path):
    studio, paths = studios.get("dcgan-64"), {".gif": "circular", ".webp": "linear", ".mp4": "slerp"}
    for number, (suffix, path) in enumerate(paths.items()):
        film = replace(FILM, path=path, frames=16 + number, fps=12 + number)
        file = save_animation(studio.animate(film), tmp_path / f"film{suffix}", film.fps, studio.describe(film))
        open_tab(page, "Generate")
        restore(page, file)
        expect(page.locator("#film output")).to_contain_text(f"/ {film.frames}")
        quiet(page)
        expect(page.locator("#film output")).to_contain_text(f"/ {film.frames}")
        assert selected_tab(page) == "Animate"
        assert page.locator("#keys .face span").all_inner_texts() == ["3", "9", "27"]
        expect(page.locator("#path input:checked")).to_have_value(path)
        assert page.locator("#fps input[type=range]").input_value() == str(film.fps)


def test_a_mixed_face_restores_the_mixer(page, studios, tmp_path):
    studio, character = studios.get("tiny-stylegan2"), Character(1, psi=0.5, middle=5, fine=8, crossovers=(8, 32))
    restore(page, save_png(studio.render(character), tmp_path / "mix.png", studio.describe(character)))
    expect(page.locator("#mix-portrait p")).to_contain_text("1 + 5 + 8")
    assert selected_tab(page) == "Mix"
    quiet(page)
    assert page.locator("#mix-creativity input[type=range]").input_value() == "0.5"
    assert page.locator("#middle-from input[type=range]").input_value() == "1"
    assert page.locator("#fine-from input[type=range]").input_value() == "3"


def described_png(path, description):
    text = description if isinstance(description, str) else json.dumps(description)
    info = PngImagePlugin.PngInfo()
    info.add_text("animegen", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


GOOD = {"program": "AnimeGen", "checkpoint": "dcgan-64", "character": {"seed": 1}}


HOSTILE = [
    (None, "has no AnimeGen description"),
    ("{", "damaged"),
    (GOOD | {"character": {"seed": 10**30}}, "Seed 1000000"),
    (GOOD | {"character": {"seed": "<img src=x onerror=alert(1)>"}}, "onerror"),
    (GOOD | {"character": {"seed": 1, "psi": 1e300}}, "psi"),
    (GOOD | {"character": {"seed": 1, "evil": 1}}, "evil"),
    (GOOD | {"checkpoint": "../../etc"}, "etc"),
    (GOOD | {"checkpoint": "nonesuch"}, "nonesuch"),
    (GOOD | {"character": {"seed": 1, "hair": "blue"}}, "has no hair and eye colours"),
    (GOOD | {"animation": {"keys": [{"seed": 1}] * 3, "frames": 10**9}}, "frames"),
]


def test_a_foreign_or_hostile_file_is_one_sentence_and_changes_nothing(page, tmp_path):
    faces, checkpoint = faces_of(page), page.locator("#checkpoint input").input_value()
    for number, (description, fragment) in enumerate(HOSTILE):
        path = tmp_path / f"file{number}.png"
        if description is None:
            Image.new("RGB", (8, 8)).save(path)
        else:
            described_png(path, description)
        restore(page, path)
        expect(page.locator(".toast-body", has_text=fragment)).to_be_visible()
    assert page.locator(".toast-body img").count() == 0
    expect(page.locator("[data-testid=status-tracker] .error:visible")).to_have_count(0)
    assert (faces_of(page), page.locator("#checkpoint input").input_value()) == (faces, checkpoint)
    assert selected_tab(page) == "Generate"


def large_files(folder, describe):
    """Files above the 10 MB that can be sent, each with the description of a face of its own."""
    noise = Image.frombytes("RGB", (2000, 2000), np.random.RandomState(0).bytes(12_000_000))
    exif = [Image.Exif() for _ in range(2)]
    for seed, one in enumerate(exif):
        one[ExifTags.Base.ImageDescription] = description_text(describe(seed))
    noise.save(folder / "0.jpg", quality=100, subsampling=0, exif=exif[0])
    noise.save(folder / "1.webp", lossless=True, exact=True, method=0, quality=0, exif=exif[1])
    save_png(noise, folder / "2.png", describe(2))
    film = [noise.convert("P").rotate(angle) for angle in (0, 90, 180, 270)]
    film[0].save(folder / "3.gif", save_all=True, append_images=film[1:], comment=description_text(describe(3)).encode())
    save_animation([Image.new("RGB", (16, 16))] * 8, folder / "4.mp4", 10, describe(4))
    with (folder / "4.mp4").open("ab") as stream:
        stream.write((11_000_008).to_bytes(4, "big") + b"mdat" + bytes(11_000_000))


def test_a_file_of_any_size_is_restored(page, studios, tmp_path):
    large_files(tmp_path, lambda seed: studios.get("dcgan-64").describe(Character(4000 + seed)))
    for seed, file in enumerate(sorted(tmp_path.iterdir())):
        assert file.stat().st_size > 10_000_000, file.name
        restore(page, file)
        expect(page.locator("#portrait p")).to_have_text(f"Seed {4000 + seed} · dcgan-64")


def test_an_upload_that_is_too_large_is_refused(page, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(bytes(11 * 1024 * 1024))
    restore(page, path)
    expect(page.locator(".toast-body").first).to_contain_text("10")
    assert seed_of(page) == 2


def test_the_history_survives_a_reload_and_brings_results_back(page):
    open_checkpoint(page, "tiny-conditional-dcgan")
    generate(page)
    seed = seed_of(page)
    generate(page)
    count = page.locator("#history .item").count()
    assert count >= 3
    page.reload()
    page.locator("#psi-row img").first.wait_for()
    expect(page.locator("#history .item")).to_have_count(count)
    expect(page.locator("#history .item.lost")).to_have_count(0)
    thumbnail = page.locator(f"#history .face[title*='Seed {seed} ']")
    thumbnail.click()
    expect(page.locator("#portrait p")).to_contain_text(f"Seed {seed} · tiny-conditional-dcgan")
    assert seed_of(page) == seed


def test_a_damaged_history_is_forgotten(open_page):
    page = open_page()
    for damage in ("{", "7", '[{"description": {"program": "AnimeGen"}, "label": "<b>x</b>"}]'):
        page.evaluate("text => localStorage.setItem('animegen-history', text)", damage)
        page.reload()
        page.locator("#psi-row img").first.wait_for()
        assert page.locator("#history b").count() == 0
    generate(page)
    expect(page.locator(f"#history .face[title*='Seed {seed_of(page)} ']")).to_have_count(1)

"""The history keeps every result, whatever another tab of the same browser does meanwhile."""

from playwright.sync_api import expect
from steps import choose_colour, drag, generate, open_checkpoint, open_tab, seed_of, selected_tab


def titles(page):
    return [face.get_attribute("title") for face in page.locator("#history .face").all()]


def item_of(page, seed):
    return page.locator(f"#history .item:has(.face[title*='Seed {seed} '])")


def star(page, seed):
    item_of(page, seed).hover()
    item_of(page, seed).locator(".star").click()


def test_two_tabs_keep_each_others_favourites_and_results(open_page):
    one, other = open_page(), open_page()
    generate(one)
    first = seed_of(one)
    star(one, first)
    expect(item_of(other, first).locator(".star")).to_have_attribute("aria-pressed", "true")
    generate(other)
    second = seed_of(other)
    star(other, second)
    generate(one)
    third = seed_of(one)
    for page in (one, other):
        for seed, starred in ((first, "true"), (second, "true"), (third, "false")):
            expect(item_of(page, seed).locator(".star")).to_have_attribute("aria-pressed", starred)
    one.reload()
    one.locator("#psi-row img").first.wait_for()
    for seed in (first, second):
        expect(item_of(one, seed).locator(".star")).to_have_attribute("aria-pressed", "true")
    expect(item_of(one, third)).to_have_count(1)


def test_a_tab_that_was_not_told_of_a_change_loses_nothing(open_page):
    """As after a computer's sleep: the other tab's events never came."""
    page = open_page()
    page.evaluate(
        """() => {
            const description = { program: "AnimeGen", checkpoint: "dcgan-64", character: { seed: 77 } };
            const entry = { label: "Seed 77 · from elsewhere", description, starred: true };
            localStorage.setItem("animegen-history", JSON.stringify([entry]));
        }"""
    )
    generate(page)
    expect(item_of(page, 77).locator(".star")).to_have_attribute("aria-pressed", "true")


def test_every_look_of_a_face_is_kept(page):
    open_checkpoint(page, "tiny-conditional-dcgan")
    for colour in ("pink", "blue"):
        choose_colour(page, "hair", colour)
        expect(page.locator("#portrait p")).to_contain_text(f"{colour} hair")
    drag(page, "creativity", 0.8)
    expect(page.locator("#portrait p")).to_contain_text("creativity 0.8")
    expect(page.locator("#history .face").first).to_have_attribute(
        "title", "Restore: Seed 2 · blue hair · creativity 0.8 · tiny-conditional-dcgan"
    )
    for look in ("pink hair · tiny", "blue hair · tiny", "blue hair · creativity 0.8"):
        assert any(f"Seed 2 · {look}" in title for title in titles(page)), look


def test_a_film_is_brought_back_whatever_its_path(page):
    open_tab(page, "Animate")
    page.locator("#path label", has_text="Circular").click()
    page.locator("#frames input[type=range]").fill("8")
    page.locator("#export").click()
    film = page.locator("#history .face[title*='8 frames']")
    film.wait_for()
    page.locator("#path label").first.click()
    open_tab(page, "Generate")
    film.click()
    expect(page.locator("#film")).to_be_visible()
    expect(page.locator("#path input:checked")).to_have_value("circular")
    assert selected_tab(page) == "Animate"


def test_a_face_clicked_in_the_gallery_is_kept(page):
    page.locator("#gallery .thumbnail-item").nth(5).click()
    expect(page.locator("#history .face").first).to_have_attribute("title", "Restore: Seed 7 · dcgan-64")
    assert len(titles(page)) == 2


def test_a_mix_is_kept_and_brought_back(page):
    open_checkpoint(page, "tiny-stylegan2")
    open_tab(page, "Mix")
    expect(page.locator("#mix-portrait p")).to_contain_text("9 + 28 + 11")
    assert not any("+" in title for title in titles(page))  # to open the tab makes nothing
    for seed in (99, 5):
        page.locator("#mix-middle input").fill(str(seed))
        page.locator("#mix-middle input").press("Enter")
        expect(page.locator("#history .face").first).to_have_attribute("title", f"Restore: 9 + {seed} + 11 · tiny-stylegan2")
    page.locator("#history .face[title*='9 + 99 + 11']").click()
    expect(page.locator("#mix-middle input")).to_have_value("99")


def test_clear_can_be_undone(page):
    generate(page)
    kept = seed_of(page)
    star(page, kept)
    generate(page)
    before = sorted(titles(page))
    page.locator("#history .clear").click()
    expect(page.locator("#history .item")).to_have_count(1)
    expect(item_of(page, kept)).to_have_count(1)
    generate(page)
    page.locator("#history .undo").click()
    expect(page.locator("#history .item")).to_have_count(len(before) + 1)
    assert set(before) < set(titles(page))
    expect(item_of(page, kept).locator(".star")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#history .undo")).to_have_count(0)


def test_a_favourite_let_go_is_not_dropped_at_once(open_page):
    page = open_page()
    page.evaluate(
        """() => {
            const described = (seed) => ({ program: "AnimeGen", checkpoint: "dcgan-64", character: { seed } });
            const entry = (seed, starred) => ({ label: `Seed ${seed} · stored`, starred, description: described(seed) });
            const plain = [...Array(250).keys()].map((index) => entry(1000 + index, false));
            localStorage.setItem("animegen-history", JSON.stringify([...plain, entry(77, true)]));
        }"""
    )
    page.reload()
    page.locator("#psi-row img").first.wait_for()
    star(page, 77)
    expect(item_of(page, 77).locator(".star")).to_have_attribute("aria-pressed", "false")

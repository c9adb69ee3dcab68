"""Exported checkpoints draw the studio's faces: with ONNX Runtime in Python, and in examples/web in a browser."""

import functools
import itertools
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import util
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import typer
from typer.testing import CliRunner

from animegen_core import Character, Studio
from animegen_core.checkpoint import load_checkpoint, save_checkpoint
from animegen_core.commands.errors import ExitOnError
from animegen_core.commands.onnx import export
from animegen_core.families import FAMILIES
from animegen_core.images import to_uint8
from animegen_core.labels import EYES, HAIR
from animegen_core.models.stylegan2 import StyleGAN2Generator
from animegen_core.onnx_export import export_onnx

WEB = Path(__file__).parents[1] / "examples" / "web"
RUNTIME = Path(os.environ.get("ANIMEGEN_ORT_WEB", WEB / "ort"))  # the three files that fetch.sh gets
LABELLED = ("conditional-dcgan", "stylegan2", "vae")


@pytest.fixture(scope="module")
def families(family_checkpoints, tmp_path_factory):
    """Folders of a generator of each family; the DCGANs have weights that draw more than grey."""
    folder = tmp_path_factory.mktemp("contrasting")
    loud = {}
    for family in ("dcgan", "conditional-dcgan"):
        generator = load_checkpoint(family_checkpoints[family]).generator
        torch.manual_seed(2)
        for weights in filter(lambda weights: weights.ndim > 1, generator.parameters()):
            weights.normal_(0, 0.2)
        loud[family] = save_checkpoint(folder / f"tiny-{family}", family, generator, 0, "nothing", "mit")
    return {**family_checkpoints, **loud}


@pytest.fixture(scope="module")
def exported(families, tmp_path_factory):
    """exported(family) -> the file, and what was said of it."""
    folder = tmp_path_factory.mktemp("exported")

    @functools.cache
    def exported(family):
        path = folder / f"{family}.onnx"
        return path, export_onnx(load_checkpoint(families[family]), path)

    return exported


def draw(path, characters):
    """The characters' faces (N, H, W, 3), uint8, from nothing but NumPy, the file and what it says of itself."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    known = session.get_modelmeta().custom_metadata_map
    lengths = {given.name: given.shape[1] for given in session.get_inputs() if given.shape}
    normals = {"z": lambda seed: seed, "noise": lambda seed: [seed, 1]}
    inputs = {"psi": np.array(characters[0].psi, dtype=np.float32)}
    for name in normals.keys() & lengths:
        streams = [np.random.RandomState(normals[name](who.seed)) for who in characters]
        inputs[name] = np.stack([stream.standard_normal(lengths[name]) for stream in streams]).astype(np.float32)
    if "labels" in lengths:
        names = [[None, *json.loads(known[attribute])] for attribute in ("hair", "eyes")]
        rows = [[names[0].index(who.hair) - 1, names[1].index(who.eyes) - 1] for who in characters]
        inputs["labels"] = np.array(rows, dtype=np.int32)
    (pictures,) = session.run(["picture"], inputs)
    assert pictures.dtype == np.float32
    assert np.abs(pictures).max() <= 1
    return to_uint8(torch.from_numpy(pictures))


def difference(a, b):
    return np.abs(a.astype(int) - b.astype(int)).max()


def characters_of(family, psi):
    looks = [(None, None), ("aqua", "yellow"), ("white", "aqua"), (None, "black")] if family in LABELLED else [(None, None)] * 4
    return [Character(seed, *colours, psi=psi) for seed, colours in zip([0, 42, 2**31, 2**32 - 1], looks)]


def render(studio, characters):
    return np.stack([np.asarray(studio.render(who)) for who in characters])


@pytest.fixture
def in_float32(monkeypatch):
    """The studio draws StyleGAN2 on a CPU as it does on a GPU."""
    for_inference = StyleGAN2Generator.for_inference
    monkeypatch.setattr(StyleGAN2Generator, "for_inference", lambda generator, _=None: for_inference(generator, torch.float32))


@pytest.mark.usefixtures("in_float32")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("psi", [0.6, 1.4])
def test_a_seed_is_the_studios_face(exported, families, family, psi):
    characters = characters_of(family, psi)
    wanted = render(Studio.load(families[family], "cpu"), characters)
    path, _ = exported(family)
    assert difference(draw(path, characters), wanted) <= 2
    assert difference(draw(path, characters[1:2]), wanted[1:2]) <= 2  # one alone
    assert all(difference(a, b) > 20 for a, b in itertools.combinations(wanted, 2))  # or the test would see nothing


def test_stylegan2_differs_little_from_the_studios_bfloat16(exported, families):
    characters = characters_of("stylegan2", 1.0)
    wanted = render(Studio.load(families["stylegan2"], "cpu"), characters)
    found = draw(exported("stylegan2")[0], characters)
    assert np.abs(found.astype(int) - wanted).mean() < 1
    assert difference(found, wanted) <= 10  # of untrained weights, whose contrast is that of noise


def test_the_file_tells_its_origin_and_colours(exported, families):
    path, written = exported("stylegan2")
    checkpoint = load_checkpoint(families["stylegan2"])
    known = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert (known["checkpoint"], known["checkpoint_hash"], known["licence"]) == ("tiny-stylegan2", checkpoint.hash, "mit")
    assert [json.loads(known["hair"]), json.loads(known["eyes"])] == [list(HAIR), list(EYES)]
    assert written.size == path.stat().st_size
    assert written.inputs == {"z": ("N", 16), "psi": (), "labels": ("N", 2), "noise": ("N", 2704)}
    assert 0 <= written.difference <= 1e-3


def run(*arguments):
    app = typer.Typer(cls=ExitOnError)
    app.command()(export)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def assert_refused(result, *fragments):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert all(fragment in result.stderr for fragment in fragments)


def test_the_command_writes_a_file_and_tells_its_size_and_inputs(tiny_checkpoint, tmp_path):
    out = tmp_path / "new" / "tiny.onnx"
    result = run(tiny_checkpoint, "--format", "onnx", "--out", out)
    assert result.exit_code == 0
    assert f"{out.stat().st_size / 1e6:.1f} MB" in result.stdout
    assert "z (N, 8), psi ()" in result.stdout
    assert list(out.parent.iterdir()) == [out]


def test_bad_arguments_are_refused_in_one_sentence(tiny_checkpoint, tmp_path):
    assert_refused(run(tiny_checkpoint, "--out", tmp_path / "a.onnx", "--format", "coreml"), "'coreml'", "onnx")
    assert_refused(run(tiny_checkpoint, "--out", tmp_path / "a.bin"), "'a.bin'", ".onnx")
    assert_refused(run("nobody", "--out", tmp_path / "a.onnx"), "'nobody'", "dcgan-64")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(tiny_checkpoint, tmp_path, monkeypatch):
    find_spec = util.find_spec
    monkeypatch.setattr("animegen_core.onnx_export.find_spec", lambda name: None if name == "onnxscript" else find_spec(name))
    assert_refused(run(tiny_checkpoint, "--out", tmp_path / "a.onnx"), "pip install onnx onnxscript onnxruntime")


def test_a_file_that_draws_other_pictures_than_pytorch_is_not_written(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("animegen_core.onnx_export.TOLERANCE", -1.0)
    assert_refused(run(tiny_checkpoint, "--out", tmp_path / "a.onnx"), "differ", "more than -1")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def in_browser():
    """in_browser(work) -> work(page), in a thread of its own, as Playwright allows one browser a thread and others may live."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert executable, "The browser tests need Chromium: apt-get install chromium"

    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(lambda: playwright_api.sync_playwright().start()).result()
        browser = thread.submit(lambda: playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])).result()

        def in_page(work):
            page = browser.new_page()
            page.set_default_timeout(20_000)
            try:
                return work(page)
            finally:
                page.close()

        yield lambda work: thread.submit(in_page, work).result()
        thread.submit(browser.close).result()
        thread.submit(playwright.stop).result()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path):
    """A copy of the example without runtime and model, and its address."""
    folder = tmp_path / "site"
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("ort", "*.onnx"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, "http://{}:{}/".format(*server.server_address)
    server.shutdown()
    server.server_close()


def test_seeds_are_numpys_numbers_in_the_browser(site, in_browser):
    seeds = [0, 1, 42, 2**31, 2**32 - 1, [0, 1], [42, 1], [2**32 - 1, 1]]
    script = """async (seeds) => {
        const { RandomState } = await import("/mt19937.js");
        return seeds.map((seed) => Array.from(new RandomState(seed).standardNormal(2001)));
    }"""

    def work(page):
        page.goto(site[1] + "mt19937.js")
        return page.evaluate(script, seeds)

    for seed, found in zip(seeds, in_browser(work)):
        assert np.abs(np.array(found) - np.random.RandomState(seed).standard_normal(2001)).max() <= 1e-12


def test_the_page_says_what_is_missing_and_knows_the_colours(site, in_browser):
    def work(page):
        page.goto(site[1])
        page.get_by_text("fetch.sh").wait_for()
        return page.evaluate("import('/face.js').then(({ HAIR, EYES }) => [HAIR, EYES])")

    assert in_browser(work) == [list(HAIR), list(EYES)]


@pytest.mark.usefixtures("in_float32")
@pytest.mark.skipif(
    not (RUNTIME / "ort.wasm.min.mjs").is_file(),
    reason="needs onnxruntime-web: run examples/web/fetch.sh, or name its folder in ANIMEGEN_ORT_WEB",
)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_page_shows_the_studios_face(site, in_browser, exported, families, family):
    folder, address = site
    shutil.copytree(RUNTIME, folder / "ort")
    shutil.copy(exported(family)[0], folder / "face.onnx")
    colours = dict(hair="pink", eyes="aqua") if family in LABELLED else {}
    read = "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)"

    def work(page):
        page.goto(address)
        page.get_by_text("Seed 42,").wait_for()
        assert page.get_by_label("Hair").is_visible() == bool(colours)
        for name, colour in colours.items():
            page.get_by_label(name).select_option(colour)
        page.get_by_label("Creativity").fill("1.2")
        page.get_by_label("Seed", exact=True).fill("4294967295")
        page.get_by_role("button", name="Generate").click()
        page.get_by_text("Seed 4294967295,").wait_for()
        return page.locator("canvas").evaluate(read)

    wanted = np.asarray(Studio.load(families[family], "cpu").render(Character(2**32 - 1, **colours, psi=1.2)))
    shown = np.array(in_browser(work), dtype=np.uint8).reshape(*wanted.shape[:2], 4)
    assert difference(shown[..., :3], wanted) <= 2
    assert (shown[..., 3] == 255).all()

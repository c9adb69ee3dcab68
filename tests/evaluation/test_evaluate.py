"""From a checkpoint and a folder of pictures to figures, a table, JSON, a page and a comparison."""

import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from animegen_core.character import Character
from animegen_core.commands import evaluation as command
from animegen_core.commands.errors import ExitOnError
from animegen_core.data.tags import Tag, write_tags
from animegen_core.errors import AnimeGenError
from animegen_core.evaluation import colours, comparison, evaluate, measuring
from animegen_core.evaluation.drawing import characters
from animegen_core.evaluation.drawing import draw as draw_faces
from animegen_core.evaluation.inception import feature_scores, inception_scores
from animegen_core.evaluation.intervals import Interval
from animegen_core.evaluation.measuring import _Comparison
from animegen_core.evaluation.results import MEASURES, Evaluation, Measure
from animegen_core.evaluation.splits import split
from animegen_core.helpers.features import random_space
from animegen_core.studio import Studio

app = typer.Typer(cls=ExitOnError)
for function in (command.evaluate, command.compare, command.features):
    app.command()(function)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def real(tmp_path_factory, draw):
    """A folder of 124 pictures of 64 px and, beside it, their tags."""
    folder = tmp_path_factory.mktemp("real") / "faces"
    folder.mkdir()
    for seed in range(124):
        draw(seed, (64, 64)).save(folder / f"{seed:03d}.png")
    write_tags(folder.parent / "tags.csv", [Tag(f"{seed:03d}.png", (seed % 3, seed % 2)) for seed in range(124)])
    return folder


@pytest.fixture(scope="module", autouse=True)
def small():
    """Fewer pairs for the path length, fewer faces of each colour, and a small network in place of EfficientNet-Lite1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "imagenet_space", lambda resolution: replace(random_space(1), title="imagenet", key="small"))
        length = measuring.path_length
        patch.setattr(measuring, "path_length", lambda generator, network: length(generator, network, pairs=10))
        patch.setattr(colours, "_EACH", 2)
        patch.setattr(colours, "_EACH_PAIR", 1)
        yield


@pytest.fixture(scope="module")
def plain(real, tiny_checkpoint, tmp_path_factory):
    """The printed and the written results of the command, for a checkpoint without colours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANIMEGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        out = tmp_path_factory.mktemp("out") / "new"
        arguments = ["--checkpoint", tiny_checkpoint, "--real", real, "--out", out, "--samples", 60]
        return run("evaluate", *arguments, "--json", "--neighbours"), out


def test_the_command_writes_json_a_table_and_a_page_that_needs_nothing_else(plain):
    result, out = plain
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"evaluation.json", "evaluation.md", "report.html", "neighbours.png"}
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r"https?://|<script|<link|src=\"(?!data:)", page)
    assert "| FD-anime | " in (out / "evaluation.md").read_text()
    assert Image.open(out / "neighbours.png").size == (8 * 66 + 2, 4 * 66 + 2)


def test_every_measure_has_its_interval_and_an_untrained_generator_is_far_off_the_floor(plain):
    written = json.loads((plain[1] / "evaluation.json").read_text())
    assert json.loads(plain[0].stdout) == written
    measures = written["measures"]
    assert set(measures) == set(MEASURES) - {"nearest_held_out", "fid", "kid", "inception_score"}
    assert all(m["low"] <= m["value"] <= m["high"] for m in measures.values())
    assert (written["samples"], written["real_pictures"], written["colours"]) == (60, 124, None)
    for name in ("fd_imagenet", "kid_imagenet", "fd_anime", "kid_anime", "fd_random", "swd", "ms_ssim"):
        assert measures[name]["value"] > 2 * abs(measures[name]["floor"])
    for name in (
        "recall_imagenet",
        "coverage_imagenet",
        "precision_anime",
        "recall_anime",
        "coverage_anime",
        "coverage_random",
    ):
        assert measures[name]["value"] < 0.5 < measures[name]["floor"]


def test_real_pictures_in_place_of_faces_sit_at_the_floor(real, tiny_checkpoint, monkeypatch):
    pictures = np.stack([np.asarray(Image.open(path)) for path in sorted(real.iterdir())])
    chosen = split(124, 60)
    monkeypatch.setattr(measuring, "draw", lambda studio, drawn: pictures[chosen.floor_images])
    found = evaluate(tiny_checkpoint, real, samples=60).measures
    for name in ("fd_anime", "kid_anime", "precision_anime", "density_random", "checkerboard", "sharpness"):
        assert found[name].value == pytest.approx(found[name].floor, rel=1e-3, abs=1e-3)
    assert found["swd"].value == pytest.approx(found["swd"].floor, rel=0.1)  # other patches of the same pictures
    assert found["nearest_ratio"].value == pytest.approx(1)


def test_without_its_packages_the_imagenet_measures_are_left_out_and_it_says_so(real, tiny_checkpoint, monkeypatch):
    def missing(resolution):
        raise AnimeGenError("efficientnet-lite1 needs the package timm")

    monkeypatch.setattr(measuring, "imagenet_space", missing)
    found = evaluate(tiny_checkpoint, real, samples=60)
    assert not [name for name in found.measures if name.endswith("_imagenet")] and "fd_anime" in found.measures
    assert found.notes == [
        "FD-imagenet and the other measures in ImageNet features were left out: efficientnet-lite1 needs the package timm"
    ]


def test_copies_of_real_pictures_are_told(real, tiny_checkpoint, monkeypatch, draw, tmp_path):
    pictures = np.stack([np.asarray(Image.open(path)) for path in sorted(real.iterdir())])
    for seed in range(200, 260):
        draw(seed, (64, 64)).save(tmp_path / f"{seed}.png")
    new = np.stack([np.asarray(Image.open(path)) for path in sorted(tmp_path.iterdir())])
    monkeypatch.setattr(measuring, "draw", lambda studio, drawn: new)
    assert evaluate(tiny_checkpoint, real, samples=60, held_out=tmp_path).measures["nearest_held_out"].value == 1
    monkeypatch.setattr(measuring, "draw", lambda studio, drawn: pictures[split(124, 60).reference[:60]])
    comparison_of_copies = evaluate(tiny_checkpoint, real, samples=60, held_out=tmp_path)
    assert comparison_of_copies.measures["nearest_ratio"].high < 0.1
    assert comparison_of_copies.measures["nearest_held_out"].high < 0.1
    closest = comparison_of_copies.curves["closest"][0]
    index = int(closest["file"][:3])
    assert split(124, 60).reference[closest["character"]["seed"]] == index


def test_kernel_distances_are_shown_times_a_thousand():
    interval = Interval(0.002, 0.001, 0.003)
    assert Measure.of("kid_anime", interval, 0.0005) == Measure(2, 1, 3, 0.5)
    assert Measure.of("fd_anime", interval) == Measure(0.002, 0.001, 0.003)


def test_stand_ins_and_reference_share_no_picture_and_are_always_the_same():
    chosen = split(1000, 300)
    assert chosen.count == 300 and sorted([*chosen.floor_images, *chosen.reference]) == list(range(1000))
    assert np.array_equal(split(1000, 300).reference, chosen.reference)
    assert split(200, 10_000).count == 100


@pytest.fixture
def unmeasured(monkeypatch):
    """Evaluations leave out all but the colours."""
    monkeypatch.setattr(_Comparison, "distances", lambda self, space: None)
    for name in ("patches", "similarity", "path_length", "spectra", "neighbours", "map"):
        monkeypatch.setattr(_Comparison, name, lambda self: None)


def test_more_samples_than_half_of_the_real_pictures_are_cut_and_said_to_be(real, family_checkpoints, unmeasured):
    studio = Studio.load(family_checkpoints["conditional-dcgan"])
    evaluation = evaluate(studio, real, samples=500, tags=real.parent / "tags.csv")
    assert evaluation.samples == 62
    assert "62 faces were compared, not 500: at most half as many as the 124 real images" in evaluation.notes[0]
    drawn = evaluation.colours["hair"]["aqua"].drawn
    assert 0 <= drawn.low <= drawn.value <= drawn.high <= 1
    assert evaluation.colours["hair"]["red"].real is None  # no real picture is tagged so
    assert evaluation.colours["eyes"]["all"].real is not None
    rows = {row[1] for row in evaluation.colour_rows() if row[0] == "eyes"}
    assert rows == {"all", *colours.ATTRIBUTES["eyes"], "every pair"}
    assert evaluation.looks == "colours as frequent as the tags'"
    assert "seeds 0 to 61" in evaluation.heading


def test_real_pictures_that_are_too_small_can_be_enlarged_by_the_upscaler(
    tiny_checkpoint, draw, tmp_path, isolated_cache, unmeasured
):
    for seed in range(120):
        draw(seed, (64, 64) if seed % 2 else (32, 32)).save(tmp_path / f"{seed}.png")
    studio = Studio.load(tiny_checkpoint)
    way = "60 of the real images were smaller than 64 px: {} enlarged them."
    assert evaluate(studio, tmp_path, 60).notes == [way.format("interpolation")]
    assert evaluate(studio, tmp_path, 60, upscale_small=True).notes == [way.format("the upscaler")]
    soft, crisp = (measuring.load_real_pictures(studio, tmp_path, each) for each in (False, True))
    changed = [name for name, a, b in zip(soft.names, soft.pictures, crisp.pictures) if (a != b).any()]
    assert sorted(changed) == sorted(f"{seed}.png" for seed in range(0, 120, 2))


def test_colours_are_drawn_as_often_as_the_tags_have_them(family_checkpoints, tiny_checkpoint):
    labels = torch.tensor([[0, -1]] * 3 + [[1, 2]])
    drawn = characters(Studio.load(family_checkpoints["conditional-dcgan"]), 400, 7, 0.7, labels)
    assert [face.seed for face in drawn] == list(range(7, 407))
    assert {(face.hair, face.eyes, face.psi) for face in drawn} == {("aqua", None, 0.7), ("black", "blue", 0.7)}
    assert 0.65 < sum(face.hair == "aqua" for face in drawn) / 400 < 0.85
    assert {face.hair for face in characters(Studio.load(tiny_checkpoint), 5, 0, 1, labels)} == {None}


def test_a_colour_is_asked_for_in_its_usual_company(family_checkpoints, monkeypatch):
    asked = {}

    def note(studio, faces, what):
        asked[what] = [(face.hair, face.eyes) for face in faces]
        return draw_faces(studio, faces)

    monkeypatch.setattr(colours, "draw", note)
    labels = torch.tensor([[0, 2], [0, -1], [1, 2]])
    real = {name: dict.fromkeys((colours.ALL, *values), 0.9) for name, values in colours.ATTRIBUTES.items()}
    colours.colour_scores(Studio.load(family_checkpoints["conditional-dcgan"]), 1, 0, labels, real)
    hair, eyes = colours.ATTRIBUTES.values()
    assert sorted(asked["faces of every pair"]) == sorted(itertools.product(hair, eyes))
    assert set(asked["faces by hair"]) <= {
        ("aqua", "blue"),
        ("aqua", None),
        ("black", "blue"),
        *((one, None) for one in hair[2:]),
    }
    assert [face[0] for face in asked["faces by hair"]] == [one for one in hair for _ in range(2)]
    assert {face for face in asked["faces by eyes"] if face[1] == "blue"} <= {("aqua", "blue"), ("black", "blue")}


def test_a_colour_of_which_a_classifier_was_unsure_is_not_asked_for(real, family_checkpoints, tmp_path, monkeypatch):
    unsure = [Tag(f"{seed:03d}.png", (0, 1), (0.9, 0.5)) for seed in range(124)]
    write_tags(tmp_path / "tags.csv", unsure)
    asked = []
    monkeypatch.setattr(measuring, "draw", lambda studio, faces: asked.extend(faces) or draw_faces(studio, faces))
    monkeypatch.setattr(measuring, "colour_scores", lambda *arguments: None)
    evaluate(Studio.load(family_checkpoints["conditional-dcgan"]), real, samples=60, tags=tmp_path / "tags.csv")
    assert {(face.hair, face.eyes) for face in asked} == {("aqua", None)}


def test_the_judges_accuracy_without_tags_is_the_one_it_was_trained_with():
    known = colours.known_accuracies()
    assert 0.6 < known["hair"][colours.ALL] < 0.8 and 0 < known["eyes"]["orange"] < 1


def test_a_comparison_names_all_and_shows_their_faces(plain, family_checkpoints, tiny_checkpoint, tmp_path, monkeypatch):
    written = json.loads((plain[1] / "evaluation.json").read_text())
    measures = {key: Measure(**value) for key, value in written["measures"].items()}

    def known(studio, *arguments, upscale_small):
        assert upscale_small
        info = studio.checkpoint.info()
        found = Evaluation(**written | {"measures": measures, "checkpoint": info})
        return replace(found, measures={**measures, "fd_anime": Measure(1.5, 1, 2, 0.5)})

    monkeypatch.setattr(comparison, "evaluate", known)
    out = tmp_path / "docs" / "comparison.md"
    result = run(
        "compare", tiny_checkpoint, family_checkpoints["stylegan2"], "--real", "unused", "--out", out, "--upscale-small"
    )
    assert result.exit_code == 0, result.output
    page = out.read_text()
    assert "| family | dcgan | stylegan2 |" in page and "1.50 (1.00 to 2.00) | 1.50 (1.00 to 2.00) | 0.50 |" in page
    assert "| parameters of the generator | 16,632 |" in page
    sheets = re.findall(r"\]\((.+?)\)", page)
    assert sheets == ["comparison-faces.png", "comparison-ways.png"]
    faces = Image.open(out.parent / sheets[0])
    assert faces.size == (12 * 66 + 2, 2 * 66 + 2)  # the smaller pictures are enlarged
    first = Studio.load(tiny_checkpoint).render(characters(Studio.load(tiny_checkpoint), 1, 0, 1.0, None)[0])
    assert faces.crop((2, 2, 66, 66)).tobytes() == first.tobytes()
    second = Studio.load(family_checkpoints["stylegan2"]).render(Character(0))
    assert faces.crop((2, 68, 66, 132)).tobytes() == second.resize((64, 64), Image.Resampling.NEAREST).tobytes()


@pytest.mark.parametrize(
    "changed, fragment",
    [
        ({"--checkpoint": "dcgan-65"}, "Unknown checkpoint 'dcgan-65'"),
        ({"--real": "nowhere"}, "Data path 'nowhere' does not exist"),
        ({"--samples": 5}, "samples is 5, but must be from 60"),
        ({"--seed": -1}, "seed is -1, but must be from 0"),
        ({"--psi": 9}, "psi is 9"),
        ({"--labels": "nowhere.csv"}, "'nowhere.csv'"),
    ],
)
def test_bad_input_ends_with_code_2_and_one_sentence(real, tiny_checkpoint, tmp_path, changed, fragment):
    options = {"--checkpoint": tiny_checkpoint, "--real": real, "--out": tmp_path / "out", "--samples": 60} | changed
    result = run("evaluate", *(part for pair in options.items() for part in pair))
    assert result.exit_code == 2 and fragment in result.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_other_mistakes_are_told_before_any_work(pictures, tiny_checkpoint, tmp_path):
    (tmp_path / "file").touch()
    common = ["--real", pictures, "--out"]
    assert "must be a folder" in run("evaluate", *common, tmp_path / "file", "--checkpoint", tiny_checkpoint).stderr
    assert (
        "12 real images, but comparing needs at least 120"
        in run("evaluate", *common, tmp_path / "out", "--checkpoint", tiny_checkpoint).stderr
    )
    assert "written as .md, not to 'page.html'" in run("compare", tiny_checkpoint, *common, tmp_path / "page.html").stderr
    assert "epochs is 0" in run("features", "--data", pictures, "--labels", "x", "--out", tmp_path, "--epochs", 0).stderr


def test_missing_inception_weights_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found, sentence = inception_scores(np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 8, 8, 3), np.uint8))
    assert found == {} and "were left out: there is no" in sentence and sentence.count(".pth") == 1


def test_the_inception_score_is_the_number_of_classes_seen_evenly():
    features = torch.randn(100, 6, generator=torch.Generator().manual_seed(0))
    sure = 100 * torch.eye(4)[torch.arange(400) % 4]
    found = feature_scores(features, features, sure)
    assert found["inception_score"].value == pytest.approx(4) and found["fid"].value == pytest.approx(0, abs=1e-6)
    with pytest.raises(AnimeGenError):
        split(10, 100)

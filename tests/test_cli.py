import errno
import json
import os
import runpy
import shutil
from pathlib import Path

import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from animegen_core import Animation, Character, Matrix, Studio, checkpoint
from animegen_core.checkpoint.directions import Directions, save_directions
from animegen_core.commands.main import app
from animegen_core.data.tags import read_tags
from animegen_core.errors import AnimeGenError
from animegen_core.images import read_description
from animegen_core.labels import ATTRIBUTES
from animegen_core.latents import parse_seeds
from animegen_core.studio import read_described
from animegen_core.version import __version__

ROOT = Path(__file__).parents[1]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def generate(tiny_checkpoint, out, seeds="0-3,100", *more):
    return run("generate", "--checkpoint", tiny_checkpoint, "--seeds", seeds, "--out", out, "--device", "cpu", *more)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_refused(result, *fragments):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert all(fragment in result.stderr for fragment in fragments)


@pytest.mark.parametrize(
    "text, seeds",
    [
        ("7", [7]),
        ("0-3,100", [0, 1, 2, 3, 100]),
        (" 5 , 2-2 ,5", [5, 2, 5]),
        ("4294967294-4294967295", [4294967294, 4294967295]),
    ],
)
def test_seeds_and_ranges_include_both_ends(text, seeds):
    assert parse_seeds(text) == seeds


BAD_SEEDS = ["", "one", "-1", "1-", "1-2-3", "1,,2", "1.5", "3-1", "4294967296", "0-4294967295", "²", "9" * 5000]


@pytest.mark.parametrize("text", BAD_SEEDS)
def test_bad_seeds_are_refused(text):
    with pytest.raises(AnimeGenError):
        parse_seeds(text)


def test_generate_writes_one_named_and_described_picture_per_seed(tiny_checkpoint, tmp_path):
    assert generate(tiny_checkpoint, tmp_path / "out", "0-3,100,4294967295").exit_code == 0
    names = [*(f"seed{seed:05d}.png" for seed in (0, 1, 2, 3, 100)), "seed4294967295.png"]
    assert sorted(contents(tmp_path / "out")) == sorted(names)
    description = read_description(tmp_path / "out" / "seed00100.png")
    assert description["checkpoint"] == "tiny"
    assert description["character"] == {"seed": 100}


def test_two_runs_write_identical_bytes(tiny_checkpoint, tmp_path):
    for name in ("first", "second"):
        assert generate(tiny_checkpoint, tmp_path / name).exit_code == 0
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_a_sheet_of_all_faces_on_request(tiny_checkpoint, tmp_path):
    assert generate(tiny_checkpoint, tmp_path / "out", "0-3", "--sheet", tmp_path / "sheet.png").exit_code == 0
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.size == (2 * 66 + 2, 2 * 66 + 2)
    assert sheet.crop((2, 2, 66, 66)).tobytes() == Image.open(tmp_path / "out" / "seed00000.png").tobytes()
    description = read_description(tmp_path / "sheet.png")
    assert read_described(description)[1] == Character(0) and description["seeds"] == "0-3"


def test_info_prints_json(tiny_checkpoint):
    result = run("info", tiny_checkpoint)
    assert result.exit_code == 0
    info = json.loads(result.stdout)
    assert (info["family"], info["resolution"], info["images_seen"]) == ("dcgan", 64, 1234)
    assert info["generator_parameters"] == 16_632


def test_info_without_a_name_lists_the_bundled_checkpoints(tiny_checkpoint, monkeypatch):
    monkeypatch.setattr("animegen_core.checkpoint.format.BUNDLED", tiny_checkpoint.parent)
    assert json.loads(run("info").stdout) == ["tiny"]
    assert json.loads(run("info", "tiny").stdout)["name"] == "tiny"


def test_an_unknown_checkpoint_is_refused_and_nothing_written(tmp_path):
    assert_refused(run("info", "dcgan-65"), "Unknown checkpoint 'dcgan-65'", "bundled are: ")
    assert_refused(generate("dcgan-65", tmp_path / "out"), "Unknown checkpoint 'dcgan-65'")
    assert not (tmp_path / "out").exists()


def test_an_unknown_device_is_refused(tiny_checkpoint, tmp_path):
    assert_refused(generate(tiny_checkpoint, tmp_path, "1", "--device", "banana"), "'banana'")


def test_an_output_folder_that_is_a_file_is_refused(tiny_checkpoint, tmp_path):
    (tmp_path / "out").touch()
    result = generate(tiny_checkpoint, tmp_path / "out", "1")
    assert result.exit_code == 2
    assert str(tmp_path / "out") in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_mistake_ends_with_code_2_one_line_and_no_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["animegen_core", "generate", "--seeds", "1-x", "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("animegen_core", run_name="__main__")
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err.splitlines() == [
        "Error: '1-x' in '1-x' is not a seed; write seeds and ranges from 0 to 4294967295, such as 0-63,100."
    ]
    assert not (tmp_path / "out").exists()


def test_generate_takes_looks(family_checkpoints, tmp_path):
    looks = ["--hair", "red", "--eyes", "blue", "--psi", "0.7", "--variation-seed", "3", "--variation-strength", "0.2"]
    assert generate(family_checkpoints["conditional-dcgan"], tmp_path, "5", *looks).exit_code == 0
    character = Character(5, "red", "blue", 0.7, 3, 0.2)
    assert Character.from_dict(read_description(tmp_path / "seed00005.png")["character"]) == character
    studio = Studio.load(family_checkpoints["conditional-dcgan"], "cpu")
    assert Image.open(tmp_path / "seed00005.png").tobytes() == studio.render(character).tobytes()


@pytest.mark.parametrize("name", ["loop.gif", "loop.webp", "loop.mp4", "frames"])
def test_an_animation_is_written_restored_and_drawn_again(tiny_checkpoint, tmp_path, name):
    on = ["--checkpoint", tiny_checkpoint, "--device", "cpu"]
    options = ["--path", "linear", "--frames", "9", "--fps", "10", "--easing", "ease-in-out", "--loop", "once"]
    assert run("animate", "--seeds", "3,7", "--out", tmp_path / name, *options, *on).exit_code == 0
    one = tmp_path / name if "." in name else tmp_path / name / "frame00000.png"
    restored = run("restore", one)
    animation = read_described(json.loads(restored.stdout))[1]
    assert animation == Animation((Character(3), Character(7)), "linear", 9, 10, "ease-in-out", "once")
    (tmp_path / "description.json").write_text(restored.stdout)
    for source in (one, tmp_path / "description.json"):
        again = tmp_path / f"again-{source.suffix[1:]}-{name}"
        result = run("render", source, "--out", again, *on)
        assert result.exit_code == 0
        assert "other weights" not in result.stderr
        if "." in name:
            assert again.read_bytes() == one.read_bytes()


def test_a_description_drawn_with_other_weights_says_so(tiny_checkpoint, family_checkpoints, tmp_path):
    assert generate(tiny_checkpoint, tmp_path, "1").exit_code == 0
    result = run("render", tmp_path / "seed00001.png", "--out", tmp_path / "a.png", "--checkpoint", family_checkpoints["dcgan"])
    assert result.exit_code == 0
    assert "other weights" in result.stderr


def test_a_description_whose_checkpoint_is_not_here_says_its_hash_and_the_way(tiny_checkpoint, tmp_path):
    moved = shutil.copytree(tiny_checkpoint, tmp_path / "00003-dcgan-64" / "checkpoint")
    assert generate(moved, tmp_path, "1").exit_code == 0
    moved = moved.parent.rename(tmp_path / "elsewhere") / "checkpoint"
    face = tmp_path / "seed00001.png"
    wanted = read_description(face)["checkpoint_hash"]
    render = ["render", face, "--out", tmp_path / "again.png"]
    assert_refused(run(*render), "Unknown checkpoint '00003-dcgan-64'", f"'{wanted}'", "--checkpoint")
    assert run(*render, "--checkpoint", moved).exit_code == 0
    assert Image.open(tmp_path / "again.png").tobytes() == Image.open(face).tobytes()


def test_mix_writes_a_face_or_a_matrix(family_checkpoints, tmp_path):
    on = ["--checkpoint", family_checkpoints["stylegan2"], "--device", "cpu", "--hair", "pink"]
    sources = ["--coarse", "1", "--middle", "2", "--fine", "3", "--crossovers", "8,32"]
    assert run("mix", *sources, "--out", tmp_path / "mix.png", *on).exit_code == 0
    mixed = Character.from_dict(read_description(tmp_path / "mix.png")["character"])
    assert mixed == Character(1, "pink", middle=2, fine=3, crossovers=(8, 32))
    assert run("mix", "--rows", "1-2", "--columns", "4,5,6", "--out", tmp_path / "matrix.png", *on).exit_code == 0
    assert Image.open(tmp_path / "matrix.png").size == (4 * 34 + 2, 3 * 34 + 2)
    assert Matrix.from_dict(read_description(tmp_path / "matrix.png")["matrix"]) == Matrix(
        (1, 2), (4, 5, 6), template=Character(0, "pink")
    )
    assert run("render", tmp_path / "matrix.png", "--out", tmp_path / "again.png", *on[:4]).exit_code == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "matrix.png").read_bytes()


@pytest.mark.parametrize(
    "arguments, fragment",
    [
        (["generate", "--seeds", "1", "--hair", "teal"], "Unknown hair colour 'teal'; choose any or one of: aqua, black"),
        (["generate", "--seeds", "1", "--hair", "red"], "Checkpoint 'tiny' has no hair and eye colours"),
        (["generate", "--seeds", "1", "--psi", "nan"], "psi is nan"),
        (["generate", "--seeds", "1", "--variation-strength", "2"], "must be a number from 0 to 1"),
        (["animate", "--seeds", "1"], "2 to 8 key characters, not 1"),
        (["animate", "--seeds", "1,2", "--frames", "7"], "from 8 to 240"),
        (["animate", "--seeds", "1,2", "--path", "cubic"], "known are: slerp, linear, circular"),
        (["mix", "--coarse", "1", "--middle", "2", "--fine", "3"], "Checkpoint 'tiny' has no styles to mix"),
        (["mix", "--rows", "1", "--columns", "2"], "has no styles to mix"),
        (["mix", "--coarse", "1"], "Give either --coarse, --middle and --fine, or --rows and --columns."),
        (["mix", "--coarse", "1", "--rows", "1", "--columns", "1"], "Give either"),
        (["mix", "--rows", "1", "--columns", "2", "--crossovers", "1,2"], "must be two ascending sizes"),
        (["mix", "--rows", "0-99", "--columns", "2"], "A grid has 1 to 32 rows, not 100"),
        (["generate", "--seeds", "1", "--sheet", "faces.jpg"], "A sheet is written as .png, not to 'faces.jpg'."),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(tiny_checkpoint, tmp_path, arguments, fragment):
    out = tmp_path / "out" / "file.png" if arguments[0] == "mix" else tmp_path / "out"
    assert fragment in run(*arguments, "--checkpoint", tiny_checkpoint, "--out", out).stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_an_animation_of_an_unknown_format_is_refused(tiny_checkpoint, tmp_path):
    result = run("animate", "--seeds", "1,2", "--checkpoint", tiny_checkpoint, "--out", tmp_path / "loop.avi")
    assert_refused(result, "'loop.avi' has an unknown suffix; use .gif, .webp, .mp4, or a folder.")


def written(result):
    """What --json printed, by file name; standard output must hold nothing else."""
    assert result.exit_code == 0
    return {Path(entry["file"]).name: entry["description"] for entry in json.loads(result.stdout)}


def test_json_lists_the_faces_with_their_descriptions(tiny_checkpoint, tmp_path):
    sheet = ["--sheet", tmp_path / "sheet.png", "--json"]
    listed = written(generate(tiny_checkpoint, tmp_path / "out", "3,100", *sheet))
    assert list(listed) == ["seed00003.png", "seed00100.png", "sheet.png"]
    assert listed["seed00100.png"] == read_description(tmp_path / "out" / "seed00100.png")
    assert listed["sheet.png"]["seeds"] == "3,100"
    result = generate(tiny_checkpoint, tmp_path / "out", "3,100")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "generating" in result.stderr


@pytest.mark.parametrize("name, files", [("loop.gif", 1), ("frames", 8)])
def test_json_lists_the_files_of_an_animation(tiny_checkpoint, tmp_path, name, files):
    options = ["--checkpoint", tiny_checkpoint, "--frames", "8", "--device", "cpu", "--json"]
    listed = written(run("animate", "--seeds", "3,7", "--out", tmp_path / name, *options))
    assert len(listed) == files
    folder = tmp_path / name if files > 1 else tmp_path
    assert all(read_description(folder / file) == description for file, description in listed.items())


def test_json_lists_what_mix_and_render_wrote(family_checkpoints, tmp_path):
    on = ["--checkpoint", family_checkpoints["stylegan2"], "--device", "cpu", "--json"]
    mixed = written(run("mix", "--coarse", "1", "--middle", "2", "--fine", "3", "--out", tmp_path / "mix.png", *on))
    assert mixed == {"mix.png": read_description(tmp_path / "mix.png")}
    assert written(run("mix", "--rows", "1", "--columns", "2", "--out", tmp_path / "m.png", *on)) == {
        "m.png": read_description(tmp_path / "m.png")
    }
    drawn = written(run("render", tmp_path / "mix.png", "--out", tmp_path / "again.png", *on))
    assert drawn == {"again.png": mixed["mix.png"]}


def test_label_counts_colours_as_json(pictures, tmp_path):
    result = run("label", "--data", pictures, "--out", tmp_path / "tags.csv", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["file"], found["pictures"]) == (str(tmp_path / "tags.csv"), 12)
    tags = read_tags(tmp_path / "tags.csv")
    for index, (name, colours) in enumerate(ATTRIBUTES.items()):
        assert found[name] == {colour: n for i, colour in enumerate(colours) if (n := [t.labels[index] for t in tags].count(i))}
        assert list(found[name].values()) == sorted(found[name].values(), reverse=True)
    assert run("label", "--data", pictures, "--out", tmp_path / "tags.csv").stdout.startswith("Tagged 12 images in ")


@pytest.mark.parametrize("command", ["generate", "animate", "mix"])
def test_without_a_name_the_default_checkpoint_is_opened(command):
    (option,) = (option for option in typer.main.get_command(app).commands[command].params if option.name == "checkpoint")
    assert option.default == checkpoint.DEFAULT_CHECKPOINT


def test_the_version():
    result = run("--version")
    assert (result.exit_code, result.stdout.strip()) == (0, __version__)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_the_installed_program(shell, monkeypatch):
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: (shell, shell))  # tests may have none above them
    result = CliRunner().invoke(app, ["--show-completion"], prog_name="animegen")
    assert result.exit_code == 0
    assert "_ANIMEGEN_COMPLETE" in result.stdout


def test_a_shell_cannot_complete_python_with_a_module():
    result = CliRunner().invoke(app, ["--install-completion"], prog_name="python -m animegen_core")
    assert result.exit_code == 2
    assert "No such option" in result.stderr


@pytest.mark.parametrize(
    "words, completed",
    [
        ("animegen anim", ["animate"]),
        ("animegen generate --hair bl", ["black", "blonde", "blue"]),
        ("animegen generate --checkpoint ", checkpoint.bundled_names()),
    ],
)
def test_commands_colours_and_checkpoints_are_completed(words, completed):
    asked = {"_ANIMEGEN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    result = CliRunner().invoke(app, [], prog_name="animegen", env=asked)
    assert result.stdout.split() == completed


def test_a_full_disk_is_one_sentence(tiny_checkpoint, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    result = generate(tiny_checkpoint, tmp_path, "1")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: '{tmp_path / 'seed00001.png'}': No space left on device."


def test_a_file_that_a_folder_is_in_the_way_of_is_named(tiny_checkpoint, tmp_path):
    (tmp_path / "seed00001.png").mkdir()
    result = generate(tiny_checkpoint, tmp_path, "1")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"Error: '{tmp_path / 'seed00001.png'}': ")


@pytest.mark.parametrize(
    "text, fragment",
    [
        (b"{", "The description in 'd.json' is damaged"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[" * 60_000, "is damaged"),
        (b" " * 300_000 + b"{}", "is damaged"),
        (b"{}", "was not written by AnimeGen"),
        (b'{"program": "AnimeGen", "checkpoint": "nowhere", "character": {"seed": 1}}', "Unknown checkpoint 'nowhere'"),
        (b'{"program": "AnimeGen", "checkpoint": "tiny", "character": {"seed": 1e99}}', "Seed 1e+99"),
        (b'{"program": "AnimeGen", "checkpoint": "tiny", "animation": {"keys": [1, 2]}}', "but got 1"),
    ],
)
def test_a_bad_description_is_refused(tmp_path, text, fragment):
    (tmp_path / "d.json").write_bytes(text)
    assert_refused(run("render", tmp_path / "d.json", "--out", tmp_path / "out.png"), fragment)
    assert_refused(run("restore", tmp_path / "d.json"), "could not be read as an image")
    assert_refused(run("restore", tmp_path / "missing.png"), "could not be read as an image")
    assert run("render", tmp_path / "missing.json", "--out", tmp_path / "out.png").exit_code == 2


def test_a_face_is_written_as_a_png(tiny_checkpoint, tmp_path):
    assert generate(tiny_checkpoint, tmp_path, "1").exit_code == 0
    options = ["--checkpoint", tiny_checkpoint, "--out", tmp_path / "face.gif"]
    assert_refused(run("render", tmp_path / "seed00001.png", *options), "A face is written as .png, not to 'face.gif'.")
    matrix = run("mix", "--rows", "1", "--columns", "2", *options)
    assert_refused(matrix, "A matrix is written as .png, not to 'face.gif'.")


@pytest.fixture
def coloured(family_checkpoints, tmp_path):
    """A checkpoint with colours, styles and one slider."""
    folder = tmp_path / "coloured"
    shutil.copytree(family_checkpoints["stylegan2"], folder)
    ours = Studio.load(folder, "cpu").checkpoint
    save_directions(folder, Directions(ours.hash, {"hair length": torch.ones(8, 16)}, facts={"hair length": {}}))
    return folder


def test_a_face_is_steered_by_flags_and_words(coloured, tmp_path):
    out = tmp_path / "faces"
    words = ["--describe", "pink hair, green eyes, long hair, smiling, wings", "--eyes", "red", "--recolour-hair", "blue"]
    result = generate(coloured, out, "3", *words)
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("Not understood: 'wings'. This checkpoint has no slider for 'smiling'.")
    described = read_described(read_description(out / "seed00003.png"))[1]
    assert described == Character(3, "pink", "red", recolour_hair="blue", sliders={"hair length": 0.6})
    assert generate(coloured, out, "4", "--slider", "hair length=-1").exit_code == 0
    assert read_described(read_description(out / "seed00004.png"))[1].sliders == (("hair length", -1.0),)


@pytest.mark.parametrize(
    "flags, fragment",
    [
        (["--slider", "hair length"], "'hair length' is not a slider; write its name and a strength"),
        (["--slider", "grin=1"], "has no slider 'grin'; it has: hair length"),
        (["--describe", "wings"], "Nothing in 'wings' was understood"),
        (["--recolour-eyes", "mauve"], "Unknown eyes colour 'mauve'"),
    ],
)
def test_wrong_steering_is_refused(coloured, tmp_path, flags, fragment):
    assert_refused(generate(coloured, tmp_path / "faces", "3", *flags), fragment)


def test_relatives_of_a_file_are_drawn_and_have_relatives(coloured, tmp_path):
    generate(coloured, tmp_path / "faces", "3", "--hair", "pink")
    face = tmp_path / "faces" / "seed00003.png"
    for generation in (1, 2):
        found = tmp_path / f"children{generation}"
        more = ["--checkpoint", coloured, "--count", "2", "--spread", "0.3", "--device", "cpu"]
        result = run("relatives", face, "--out", found, *more)
        assert result.exit_code == 0, result.output
        face = found / "relative01.png"
    described = read_described(read_description(face))[1]
    assert (described.seed, described.hair, len(described.lineage)) == (3, "pink", 2)

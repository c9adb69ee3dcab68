"""The commands cutout, lineart, palette and sheet."""

from PIL import Image
from test_cutout import bust
from typer.testing import CliRunner

from animegen_core.character import Character
from animegen_core.commands.main import app
from animegen_core.images import read_description, save_png
from animegen_core.studio import Studio


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_cutout_and_lineart_keep_the_description(tmp_path):
    description = {"program": "AnimeGen", "checkpoint": "dcgan-64", "character": {"seed": 7}}
    face = save_png(bust(), tmp_path / "face.png", description)
    for command, name, mode in (("cutout", "cut.png", "RGBA"), ("cutout", "cut.webp", "RGBA"), ("lineart", "lines.png", "L")):
        assert run(command, face, "--out", tmp_path / name).exit_code == 0
        assert read_description(tmp_path / name) == description
        with Image.open(tmp_path / name) as picture:
            assert picture.mode == mode and picture.size == (160, 160)


def test_palette_writes_png_and_gpl_and_prints_the_codes(tmp_path):
    face = tmp_path / "face.jpg"
    bust().save(face)
    for name in ("palette.png", "palette.gpl"):
        result = run("palette", face, "--out", tmp_path / name, "--colours", 5)
        assert result.exit_code == 0 and len(result.stdout.splitlines()) == 5 and result.stdout.startswith("#")
    assert (tmp_path / "palette.gpl").read_text().startswith("GIMP Palette\nName: face\n")


def test_sheet_draws_the_character_of_a_file(tmp_path, family_checkpoints, small_upscaler):
    folder = family_checkpoints["dcgan"]
    studio = Studio.load(folder, "cpu")
    face = save_png(studio.render(Character(3)), tmp_path / "face.png", studio.describe(Character(3)))
    result = run("sheet", face, "--out", tmp_path / "sheet.png", "--name", "Aiko", "--checkpoint", folder)
    assert result.exit_code == 0, result.stderr
    assert read_description(tmp_path / "sheet.png")["character"] == {"seed": 3}


def test_what_cannot_be_done_is_one_sentence(tmp_path):
    face, text = tmp_path / "face.png", tmp_path / "text.png"
    bust("#203080").save(face)
    text.write_text("no picture")
    for arguments, sentence in (
        (("cutout", face, "--out", tmp_path / "a.png"), "not white"),
        (("cutout", face, "--out", tmp_path / "a.jpg"), "'a.jpg'"),
        (("lineart", text, "--out", tmp_path / "a.png"), "'text.png' could not be read"),
        (("palette", face, "--out", tmp_path / "a.txt"), "'a.txt'"),
        (("palette", face, "--out", tmp_path / "a.png", "--colours", 99), "5 to 8"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2 and sentence in result.stderr and len(result.stderr.splitlines()) == 1
        assert not any(tmp_path.glob("a.*"))

"""The Space that this repository is: its front matter, the files it needs, and how it is published."""

import ast
import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import test_hub
from huggingface_hub import ModelCard
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from typer.testing import CliRunner

from animegen_core.checkpoint import BUNDLED, DEFAULT_CHECKPOINT
from animegen_core.commands import space
from animegen_core.commands.main import app

hub, logged_in = test_hub.hub, test_hub.logged_in  # fixtures: a Hub of this test's own, and a token that it knows
pytestmark = test_hub.pytestmark
ROOT = Path(__file__).parents[1]
NAME = "me/studio"


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small clone with all that a Space needs, and with what it does not."""
    pictures = '![one](docs/one.png) <img src="docs/two.webp"> [text](docs/guide.md) ![no](docs/no.png) ![out](../out.png)'
    files = {
        "app.py": "print('the studio')",
        "requirements.txt": "gradio",
        "README.md": f"---\nsdk: gradio\n---\n{pictures}",
        "LICENSE": "MIT",
        "docs/one.png": "1",
        "docs/two.webp": "2",
        "docs/three.png": "3",
        "docs/guide.md": "words",
        "animegen_core/__init__.py": "",
        "animegen_core/ui/assets/studio.css": "body {}",
        "animegen_core/__pycache__/x.pyc": "compiled",
        "animegen_core/.half.123.py": "written just now",
        "checkpoints/one/config.json": "{}",
        "checkpoints/one/model.safetensors": "weights",
        "checkpoints/one/notes.txt": "not tracked",
        "animegen_core/secret.py": "not tracked",
        "tests/test_x.py": "",
        "runs/00000/log": "",
        ".env": "secret",
        "../out.png": "somebody's",
    }
    for name, text in files.items():
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clone" / name).write_text(text)
    git(tmp_path / "clone", "init", "--quiet")
    git(tmp_path / "clone", "add", ".", ":!*/notes.txt", ":!*/secret.py", ":!*/x.pyc", ":!.env", ":!*/.half*")
    monkeypatch.setattr(space, "ROOT", tmp_path / "clone")
    return tmp_path / "clone"


NEEDED = [
    "LICENSE",
    "README.md",
    "animegen_core/__init__.py",
    "animegen_core/ui/assets/studio.css",
    "app.py",
    "checkpoints/one/config.json",
    "checkpoints/one/model.safetensors",
    "docs/one.png",
    "docs/two.webp",
    "requirements.txt",
]


def run(*arguments):
    return CliRunner().invoke(app, ["space", *arguments])


def assert_refused(result, *fragments):
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert all(fragment in result.stderr for fragment in fragments)


def front_matter():
    return ModelCard((ROOT / "README.md").read_text(encoding="utf-8")).data.to_dict()


def requirements():
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return {parsed.name: parsed.specifier for parsed in map(Requirement, filter(None, lines))}


def test_the_gradio_of_the_space_is_one_that_requirements_accept_and_tests_run_on():
    wanted = str(front_matter()["sdk_version"])
    assert wanted in requirements()["gradio"]
    assert version("gradio") in SpecifierSet(f"~={wanted.rpartition('.')[0]}")


def test_the_front_matter_names_what_is_there():
    found = front_matter()
    assert (found["sdk"], found["license"]) == ("gradio", "mit")
    assert (ROOT / found["app_file"]).is_file()
    assert found["python_version"] in SpecifierSet(">=3.10")
    assert len(found["short_description"]) <= 60  # the Hub's limit


@pytest.mark.parametrize("torch, torchvision", [("2.8.0", "0.23.0"), ("2.11.0", "0.26.0")])
def test_requirements_accept_the_torch_of_zerogpu(torch, torchvision):
    assert torch in requirements()["torch"]
    assert torchvision in requirements()["torchvision"]


def test_no_syntax_is_newer_than_the_oldest_python():
    for path in [ROOT / "app.py", *(ROOT / "animegen_core").rglob("*.py")]:
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 10))


def test_this_repository_gives_all_that_the_studio_imports_and_opens():
    files = space.space_files()
    assert f"checkpoints/{DEFAULT_CHECKPOINT}/model.safetensors" in files
    assert any(name.startswith("docs/") for name in files)
    assert {name.partition("/")[0] for name in files} <= {*space._FILES, *space._FOLDERS, "docs"}
    assert not any(name.endswith(".md") for name in files if name.startswith("docs/"))
    runpy.run_path(str(ROOT / "app.py"))
    ours = [module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "animegen_core"]
    imported = {Path(file).relative_to(ROOT).as_posix() for file in ours}
    assert "animegen_core/ui/__init__.py" in imported and imported <= set(files)
    assert BUNDLED.relative_to(ROOT).as_posix() in space._FOLDERS


def test_a_space_is_made_and_holds_what_it_needs_and_nothing_else(hub, logged_in, clone):
    result = run(NAME)
    assert (result.exit_code, result.stdout.strip()) == (0, f"{hub.endpoint}/spaces/{NAME}")
    assert sorted(hub.files(NAME)) == NEEDED
    assert all(data == (clone / name).read_bytes() for name, data in hub.files(NAME).items())
    assert (hub.sdks[NAME], hub.private[NAME]) == ("gradio", False)


def test_a_second_time_removes_what_is_gone_and_keeps_what_is_the_owners(hub, logged_in, clone):
    assert run(NAME).exit_code == 0
    hub.put(NAME, hub.files(NAME) | {"NOTES.md": b"mine", ".gitattributes": b"lfs"})
    (clone / "checkpoints/one/model.safetensors").rename(clone / "checkpoints/one/model-00001-of-00001.safetensors")
    (clone / "animegen_core/ui/assets/studio.css").unlink()
    git(clone, "add", "--update")
    git(clone, "add", "checkpoints/one/model-00001-of-00001.safetensors")
    assert run(NAME).exit_code == 0
    gone = {"checkpoints/one/model.safetensors", "animegen_core/ui/assets/studio.css"}
    new = {"checkpoints/one/model-00001-of-00001.safetensors", "NOTES.md", ".gitattributes"}
    assert set(hub.files(NAME)) == set(NEEDED) - gone | new


def test_a_private_space(hub, logged_in, clone):
    assert run(NAME, "--private").exit_code == 0
    assert hub.private[NAME]
    assert run("me/open").exit_code == 0
    before = hub.branches["me/open"]["main"]
    assert_refused(run("me/open", "--private"), "'me/open' is public already")
    assert hub.branches["me/open"]["main"] == before


def test_a_space_that_was_made_on_the_hub_is_filled(hub, logged_in, clone):
    hub.put(NAME, {"README.md": b"---\nsdk: gradio\n---\n", ".gitattributes": b""})
    hub.sdks[NAME] = "gradio"
    assert run(NAME).exit_code == 0
    assert sorted(hub.files(NAME)) == [".gitattributes", *NEEDED]


def test_a_space_of_something_else_is_left_alone(hub, logged_in, clone):
    files = {"app.py": b"another program", "checkpoints/its/own": b"weights"}
    hub.put(NAME, files)
    assert_refused(run(NAME), "The Space 'me/studio' has another program than AnimeGen; give another name.")
    assert hub.files(NAME) == files


@pytest.mark.parametrize("name", ["studio", "me/studio@main", "a/b/c", "../x", ""])
def test_what_cannot_be_a_space_is_refused(hub, logged_in, clone, name):
    assert_refused(run(name), f"{name!r} cannot be a Space on the Hugging Face Hub; write user/name.")
    assert hub.requests == []


def test_without_a_login(hub, clone):
    assert_refused(run(NAME), "Nobody is logged in to the Hugging Face Hub; log in with: hf auth login")
    assert hub.requests == []


def test_with_a_token_of_long_ago(hub, clone, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_long_ago")
    assert_refused(run(NAME), "rejects the current token")


def test_without_permission(hub, logged_in, clone):
    assert_refused(run("you/studio"), "no permission for 'you/studio'")


def test_without_network(hub, logged_in, clone):
    hub.switch_off()
    assert_refused(run(NAME), "cannot be reached", "nothing was published.")


def test_a_front_matter_that_the_hub_refuses(hub, logged_in, clone):
    (clone / "README.md").write_text("---\nlicense: unheard-of\n---\n")
    assert_refused(run(NAME), "license must be one of those known")


@pytest.mark.parametrize("missing", ["app.py", "README.md", "checkpoints"])
def test_an_installed_package_without_a_clone_is_told(hub, logged_in, clone, missing):
    (clone / missing).rename(clone / "elsewhere")
    assert_refused(run(NAME), f"A Space is made from a clone of AnimeGen, but '{clone}' has no {missing}.")
    assert hub.requests == []


def test_what_git_does_not_know_is_no_clone(hub, logged_in, clone):
    (clone / ".git").rename(clone / "elsewhere")
    assert_refused(
        run(NAME), f"A Space is made from the files that git tracks, but '{clone}' is not a clone, or git is missing."
    )
    assert hub.requests == []

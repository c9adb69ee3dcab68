"""What the documents promise: their commands, flags, examples, links, numbers of parameters and maps are true."""

import ast
import contextlib
import doctest
import importlib.util
import inspect
import io
import re
import shlex
import shutil
from functools import cache
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from animegen_core.commands import main as cli
from animegen_core.commands import training
from animegen_core.families import FAMILIES
from animegen_core.models import count_parameters
from animegen_core.training.options import DCGANOptions
from animegen_core.training.presets import preset
from animegen_core.ui.settings import read_command_line

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "animegen_core"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
OUR_PYTHON = r"(?:\.venv/bin/)?python"
# Runs in an empty folder with some pictures; what is not here costs minutes or needs the network, and is only parsed.
QUICK = ("generate", "animate", "restore", "render", "mix", "label", "info")
CLIS = {"python -m animegen_core": typer.main.get_command(cli.app), "train.py": typer.main.get_command(training.app)}


def text_of(document):
    return document.read_text(encoding="utf-8")


def blocks(document):
    """Language and text of each fenced block."""
    return re.findall(r"^```(\w*)[^\n]*\n(.*?)^```$", text_of(document), re.MULTILINE | re.DOTALL)


def prose(document):
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text_of(document), flags=re.MULTILINE | re.DOTALL)


def inline_code(document):
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(document))]


def looks_like_command(line):
    return bool(re.match(r"[a-z.]|[A-Z_]+=", line))


def command_blocks(document):
    """The commands of each block that begins with one; output, as "30,041 pictures ...", does not."""
    for language, text in blocks(document):
        lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
        if language in ("", "sh", "bash") and looks_like_command(lines[0]):
            yield lines


def table_rows(document):
    """Cells of every row of every table."""
    lines = [line for line in text_of(document).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def of_documents(find):
    """Parameters for a test: all that is found in every document."""
    return [pytest.param(document, found, id=f"{document.name}: {found}") for document in DOCUMENTS for found in find(document)]


def parsed(arguments, group):
    """Context of a command with all its flags parsed as the program would. Unknown ones raise click's errors."""
    name = arguments[0]
    found = group.commands.get(name)
    assert found is not None, f"there is no command {name!r}"
    return found.make_context(name, list(arguments[1:]), parent=None)


def arguments_of(command):
    """Which of our command lines this is, and its arguments without what the shell and launchers take; or None."""
    line = command.split("#")[0].replace("...", "")
    words = shlex.split(line)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    line = shlex.join(words)
    for program, pattern in (
        ("python -m animegen_core", rf"{OUR_PYTHON} -m animegen_core "),
        ("train.py", r"(.* )?train\.py "),
    ):
        if match := re.match(pattern, line):
            launcher = match[0].removesuffix("train.py ")
            assert program != "train.py" or re.fullmatch(rf"|{OUR_PYTHON} |(accelerate launch|torchrun) .*", launcher), line
            return program, shlex.split(line[match.end() :])
    return None


def check_other(command):
    """A command of other programs, and of our modules and scripts."""
    line, _, comment = command.partition("#")
    words = [word for word in shlex.split(line) if not re.match(r"[A-Z_]+=", word)]
    if re.fullmatch(OUR_PYTHON, words[0]) and words[1] == "-m":
        assert importlib.util.find_spec(words[2]), f"there is no module {words[2]}"
    elif re.fullmatch(OUR_PYTHON, words[0]):
        assert (ROOT / words[1]).is_file()
        if words[1] == "app.py":
            read_command_line(words[2:], {})
    elif words[0] == "make":
        targets = re.findall(r"^([\w-]+):", text_of(ROOT / "Makefile"), re.MULTILINE)
        assert set(words[1:]) <= set(targets)
    elif words[0] == ".venv/bin/ruff":
        assert words[1] in ("check", "format")
    else:
        assert words[0] in ("pip", "git", "hf"), f"{words[0]} is no program that the documents use"
        assert "network" in comment, "say in a comment that it needs the network"


@pytest.mark.parametrize("document, line", of_documents(lambda d: [line for block in command_blocks(d) for line in block]))
def test_a_command_exists_with_all_its_flags(document, line):
    ours = arguments_of(line)
    if ours is None:
        check_other(line)
        return
    program, arguments = ours
    parsed(["dcgan" if argument == "FAMILY" else argument for argument in arguments], CLIS[program])


def training_starts(document):
    """Command lines that start a run of a family."""
    for line in (line for block in command_blocks(document) for line in block):
        program, arguments = arguments_of(line) or ("", [""])
        if program == "train.py" and arguments[0] in FAMILIES and "--resume" not in arguments:
            yield shlex.join(arguments)


@pytest.mark.parametrize("document, line", of_documents(training_starts))
def test_options_of_a_training_are_accepted(document, line):
    result = CliRunner().invoke(training.app, [*shlex.split(line), "--dry-run"])
    assert result.exit_code == 0, result.output


def our_inline_commands(document):
    for code in inline_code(document):
        if re.match(
            rf"{OUR_PYTHON} (-m animegen_core|train\.py) \w|train\.py \w|(accelerate launch|torchrun) .*train\.py \w", code
        ):
            yield code


@pytest.mark.parametrize("document, code", of_documents(our_inline_commands))
def test_a_command_in_a_sentence_exists(document, code):
    program, arguments = arguments_of(code)
    if program == "train.py" and arguments[0] == "FAMILY":
        arguments[0] = "dcgan"
    arguments = [argument for argument in arguments if argument != "--help"]
    group = CLIS[program]
    assert arguments[0] in group.commands
    known = flags_of(group.commands[arguments[0]])
    assert {argument for argument in arguments if argument.startswith("--")} <= known


def flags_of(found):
    return {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}


@cache
def all_flags():
    with pytest.raises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as help_of_app:
        read_command_line(["--help"], {})
    of_app = re.findall(r"^  (--\w+)", help_of_app.getvalue(), re.MULTILINE)
    commands = [found for group in CLIS.values() for found in group.commands.values()]
    return {"--version", "--help"}.union(of_app, *map(flags_of, commands))


@pytest.mark.parametrize(
    "document, code", of_documents(lambda d: sorted({code for code in inline_code(d) if code.startswith("--")}))
)
def test_a_flag_in_a_sentence_exists(document, code):
    assert set(re.findall(r"--[\w-]+", code)) <= all_flags()


@pytest.fixture
def workplace(tmp_path, monkeypatch, draw, family_checkpoints):
    """An empty folder with what the documents take for granted: some faces, and a run of a tiny conditional StyleGAN2."""
    for seed in range(16):
        picture = tmp_path / "path" / "to" / "faces" / f"{seed}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        draw(seed).save(picture)
    shutil.copytree(family_checkpoints["stylegan2"], tmp_path / "runs" / "00000-stylegan2-64" / "checkpoint")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def quick_lines(document):
    for lines in command_blocks(document):
        found = [arguments_of(line) for line in lines]
        quick = [ours[1] for ours in found if ours and ours[0] != "train.py" and ours[1][0] in QUICK]
        if quick:
            yield quick


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if list(quick_lines(document))], ids=lambda d: d.name)
def test_quick_commands_run_in_their_order(document, workplace):
    for arguments in (arguments for block in quick_lines(document) for arguments in block):
        fewer = ["0-3,100" if argument == "0-63,100" else argument for argument in arguments]
        result = CliRunner().invoke(cli.app, fewer)
        assert result.exit_code == 0, (arguments, result.output)
        if "--out" in arguments:
            assert Path(arguments[arguments.index("--out") + 1]).exists()


def python_of(document):
    return [text for language, text in blocks(document) if language == "python"]


def is_marked(code):
    return code.startswith("# Needs ")


@pytest.mark.usefixtures("quick_snapshots")
@pytest.mark.parametrize("document", [document for document in DOCUMENTS if python_of(document)], ids=lambda d: d.name)
def test_python_examples_run_in_their_order(document, workplace, draw):
    names = {"face": draw(0, (64, 64))}  # what a document may take for granted
    for code in python_of(document):
        tree = ast.parse(code)
        if is_marked(code):
            for node in tree.body:
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    exec(ast.unparse(node), {})
        else:
            exec(compile(tree, document.name, "exec"), names)


def test_what_examples_say_that_they_print_is_printed(workplace, capsys):
    """A comment behind a call of print shows what comes; ... stands for whatever is left."""
    names = {}
    for code in python_of(ROOT / "docs" / "python.md")[:4]:
        exec(code, names)
        printed = capsys.readouterr().out
        wanted = "\n".join(re.findall(r"print\(.*\)  # (.*)", code))
        assert doctest.OutputChecker().check_output(wanted, printed.strip(), doctest.ELLIPSIS)


def test_the_endpoints_take_what_the_examples_give_them():
    tree = ast.parse(text_of(PACKAGE / "ui" / "api.py"))
    taken = {node.name: {a.arg for a in node.args.args} for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    code = "\n".join(python_of(ROOT / "docs" / "studio.md"))
    calls = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "predict"]
    assert len(calls) >= 3
    for call in calls:
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        assert given.keys() - {"api_name"} <= taken[given["api_name"].value.removeprefix("/")]


def slugs(document):
    """Anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(document):
    return re.findall(r"\]\(([^)\s]+)\)", prose(document))


@pytest.mark.parametrize("document, link", of_documents(lambda d: sorted({x for x in links(d) if "://" not in x})))
def test_a_link_leads_somewhere(document, link):
    path, _, anchor = link.partition("#")
    target = (document.parent / path) if path else document
    assert target.exists()
    assert target.resolve().is_relative_to(ROOT)
    assert not anchor or anchor in slugs(target)


def paths_in(document):
    """Files of the project that are named in code: by their way from its root, or modules by their names alone."""
    for code in inline_code(document):
        if re.fullmatch(r"(animegen_core|tests|docs|examples|benchmarks|checkpoints)/[\w./-]*|[\w-]+\.(py|toml)", code):
            yield code


@pytest.mark.parametrize("document, path", of_documents(lambda d: sorted(set(paths_in(d)))))
def test_a_file_that_is_named_exists(document, path):
    if "NAME" in path:
        return
    assert (ROOT / path).exists() or ("/" not in path and list(PACKAGE.rglob(path)))


def test_the_map_in_the_contributors_guide_is_complete():
    named = re.findall(r"`(\w+/?)`", " ".join(row[0] for row in table_rows(ROOT / "CONTRIBUTING.md")))
    modules = [path.stem for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]
    folders = [f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")]
    assert sorted(named) == sorted(modules + folders)


def test_the_readme_leads_to_every_document():
    wanted = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS} - {"README.md"}
    assert wanted <= {link.partition("#")[0] for link in links(ROOT / "README.md")}


def test_environment_variables_in_documents_are_read_somewhere():
    sources = "".join(text_of(path) for path in [*PACKAGE.rglob("*.py"), ROOT / "app.py"])
    for document in DOCUMENTS:
        assert set(re.findall(r"ANIMEGEN_\w+", text_of(document))) <= set(re.findall(r"ANIMEGEN_\w+", sources))


def numbers(cells):
    return [int(number.replace(",", "")) for cell in cells for number in re.findall(r"\b\d[\d,]{5,}\b", cell)]


def parameters(family, options):
    """Numbers of both networks' parameters; built without memory."""
    family = FAMILIES[family]
    with torch.device("meta"):
        return [
            count_parameters(network) for network in family.recipe(family.options(**options)).build() if network is not None
        ]


def tables_of_parameters():
    """Family, options and the numbers that docs/models.md gives for its families, presets and DCGAN's variants."""
    for cells in table_rows(ROOT / "docs" / "models.md"):
        named = (re.findall(r"`([^`]+)`", cells[0]) or [""])[0]
        if not numbers(cells):
            continue
        if named in FAMILIES:
            labels = {"labels": "tags.csv"} if "with `--labels`" in cells[0] else {}
            yield named, labels, numbers(cells)
        elif named:
            family = named.split("-")[0]
            assert named in FAMILIES[family].presets
            chosen = preset(named, family)
            yield family, chosen, numbers(cells[1:3])
            if numbers(cells[3:4]):
                yield family, chosen | {"labels": "tags.csv"}, numbers(cells[3:4])
        else:
            context = parsed(["dcgan", *shlex.split(re.search(r"`(--[^`]+)`", cells[1])[1])], CLIS["train.py"])
            known = inspect.signature(DCGANOptions).parameters
            yield "dcgan", {name: value for name, value in context.params.items() if name in known}, numbers(cells)


@pytest.mark.parametrize("family, options, written", list(tables_of_parameters()))
def test_numbers_of_parameters_are_counted(family, options, written):
    assert written == parameters(family, options)


def test_every_family_and_preset_has_its_numbers():
    found = list(tables_of_parameters())
    assert {family for family, *_ in found} == set(FAMILIES)
    assert len(found) >= 20


def imports(path):
    """What of ours a file imports, as first names under the package, and the other packages."""
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            full = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from full


def test_imports_run_the_way_the_contributors_guide_says():
    rows = [re.findall(r"`(\w+)/?`", cells[0]) for cells in table_rows(ROOT / "CONTRIBUTING.md")]
    layers = {name: number for number, row in enumerate(rows) for name in row}
    assert {"errors", "models", "studio", "training", "ui"} <= layers.keys()
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imports(path):
            first, _, rest = name.partition(".")
            assert first != "gradio" or own == "ui", f"{path.name} imports gradio"
            theirs = rest.split(".")[0]
            if first != "animegen_core" or theirs not in layers or own not in layers:
                continue
            assert layers[theirs] <= layers[own], f"{path.name} imports {name}"
            assert own != "models" or theirs in ("models", "errors", "labels"), f"{path.name} imports {name}"

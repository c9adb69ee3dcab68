"""What no linter's rule says: how long a function may be."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST = 59  # lines, from its ``def`` to its end


def functions(path):
    """Name and length of each function and method in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def test_functions_are_short():
    folders = [ROOT / name for name in ("animegen_core", "benchmarks", "docs", "examples", "tests")]
    files = [*ROOT.glob("*.py"), *(path for folder in folders for path in folder.rglob("*.py"))]
    assert len(files) > 100
    long = [f"{path.relative_to(ROOT)}: {name}, {n} lines" for path in files for name, n in functions(path) if n > MOST]
    assert not long

"""Scripts that are run by file name find the program, from any folder."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STARTED_BY_PROGRAM = {"subprocesses.py"}  # the program passes them its path
PACKAGES = ("pipeline", "scripts", "tests")


def imports_of_project(tree: ast.Module) -> list[int]:
    """The statements of a module that import from the project."""
    names = [node.module if isinstance(node, ast.ImportFrom) else None for node in tree.body]
    return [number for number, name in enumerate(names) if name and name.startswith(PACKAGES)]


SCRIPTS = [
    path
    for path in sorted((ROOT / "scripts").rglob("*.py"))
    if '__name__ == "__main__"' in path.read_text()
    and path.name not in STARTED_BY_PROGRAM
    and imports_of_project(ast.parse(path.read_text()))
]


def test_there_are_scripts() -> None:
    assert {"benchmark", "train_motifnet", "image_quality"} <= {script.stem for script in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_run_as_a_file_finds_the_program(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs everything above the first import of the project, as Python would."""
    tree = ast.parse(script.read_text())
    first = imports_of_project(tree)[0]
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "unchanged")
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if Path(folder).resolve() != ROOT])
    head = compile(ast.Module(tree.body[:first], []), str(script), "exec")
    exec(head, {"__name__": "__main__", "__package__": None, "__file__": str(script)})
    assert sys.path[0] == str(ROOT)

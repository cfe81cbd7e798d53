"""Scripts find the program when they are run by their files' names, from any folder."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STARTED = {"children.py"}  # by the program itself, which says where it is
OWN = ("pipeline", "scripts", "tests")
SCRIPTS = [
    path
    for path in sorted((ROOT / "scripts").rglob("*.py"))
    if '__name__ == "__main__"' in path.read_text() and path.name not in STARTED
]


def test_there_are_scripts() -> None:
    assert {"benchmark", "train_motifnet", "pictures"} <= {script.stem for script in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_run_as_a_file_finds_the_program(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that stands above the first import of our own is run as it would be then."""
    tree = ast.parse(script.read_text())
    first = next(
        n for n, node in enumerate(tree.body) if isinstance(node, ast.ImportFrom) and str(node.module).startswith(OWN)
    )
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "as it was")
    monkeypatch.setattr(sys, "path", [place for place in sys.path if Path(place).resolve() != ROOT])
    head = compile(ast.Module(tree.body[:first], []), str(script), "exec")
    exec(head, {"__name__": "__main__", "__package__": None, "__file__": str(script)})
    assert sys.path[0] == str(ROOT)

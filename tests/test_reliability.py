"""Every row of the tables in docs/reliability.md, run: the sentence, the exit code, no traceback, nothing left behind.

A row's second column is what is typed, in backquotes, or words that name one of FAULTS.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.config import LimitsConfig, settings
from tests import bad_files
from tests.forked import Program, Run

RUNNING = "While a film is rendered"  # the table of tests/test_faults.py
DOCS = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
SMALL = ("frame.width=96", "frame.height=64", "frame.fps=12", "duration=6f", "start.steps=2", "dream.octaves=2")
LONG = "n" * 300
ROW = re.compile(r"\| (?P<wrong>[^|]+) \| (?P<done>`.+`|[^|`]+) \| `(?P<said>.+)` \|")


def written() -> list[str]:
    """The lines of docs/reliability.md up to the faults of a running render, which stand last."""
    return DOCS.read_text(encoding="utf-8").partition(f"## {RUNNING}")[0].splitlines()


def rows() -> Iterator[tuple[str, str, str]]:
    """(table: what is wrong, what is done, what is said) for every row of every table."""
    table = ""
    for line in written():
        table = line.removeprefix("## ") if line.startswith("## ") else table
        match = ROW.fullmatch(line)
        if match:
            yield f"{table}: {match['wrong']}", match["done"], match["said"]


ROWS = list(rows())


def in_a_deleted_folder(folder: Path) -> Run:
    """The program, started where there is no folder any more."""
    shell = f"mkdir lost; cd lost; rmdir ../lost; exec {shlex.quote(sys.executable)} -m pipeline.render duration=1f"
    run = subprocess.run(["/bin/sh", "-c", shell], cwd=folder, capture_output=True, text=True, timeout=120)
    return Run(run.returncode, run.stdout, run.stderr)


FAULTS: dict[str, Callable[[Path], Run]] = {
    "started in a folder that was deleted": in_a_deleted_folder,
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of bad files, which no run may change."""
    folder = tmp_path_factory.mktemp("reliability") / "bad"
    bad_files.draw(folder)
    return folder


def listing(folder: Path) -> dict[Path, tuple[int, int]]:
    """Everything in ``folder`` and below: size and time of the last change, of folders the name alone."""
    found = {path: path.lstat() for path in folder.rglob("*")}
    return {path: (0, 0) if path.is_dir() else (s.st_size, s.st_mtime_ns) for path, s in found.items()}


def pattern(said: str) -> str:
    """The sentence of a row as a regular expression: … stands for anything."""
    return ".*".join(map(re.escape, said.split("…")))


@pytest.mark.parametrize(("wrong", "done", "said"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(
    program: Program, bad: Path, wrong: str, done: str, said: str
) -> None:
    before = listing(bad)
    if done.startswith("`"):
        typed = shlex.split(done.strip("`").replace("{long}", LONG))
        output = [] if "output=" in done else ["output=film.mp4"]
        run = program.run(*SMALL, *output, *typed, folder=bad)
    else:
        run = FAULTS[done](bad)
    *notes, error = run.err.strip().splitlines() or [""]
    assert run.code == 1, run.err
    assert re.fullmatch(f"error: {pattern(said)}", error), error
    assert all(note.startswith("note: ") for note in notes), run.err
    assert not run.out
    assert listing(bad) == before


def test_the_tables_are_all_there() -> None:
    assert len({wrong for wrong, _, _ in ROWS}) == len(ROWS) >= 160
    lines = written()
    others = ("| what is wrong |", "| setting |", "| limits.")
    assert len([line for line in lines if line.startswith("| ") and not line.startswith(others)]) == len(ROWS)
    for key, item, value in settings(LimitsConfig()):
        assert f"| limits.{key} | {value:g} | {item.metadata['help']} |" in lines
    assert set(FAULTS) == {done for _, done, _ in ROWS if not done.startswith("`")}


def test_a_run_that_is_right_succeeds_in_the_same_harness(program: Program, tmp_path: Path) -> None:
    run = program.run(*SMALL, "output=film.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    assert run.out.split() == ["film.mp4", "film.poster.png", "film.run.yaml"]

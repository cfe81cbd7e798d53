"""Bad input, run: one sentence, exit code 1, no traceback, no files. The cases are in data/bad_input.yaml."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import bad_files
from tests.forked import Program, Run

DATA = Path(__file__).resolve().parent / "data"
SMALL = ("frame.width=96", "frame.height=64", "frame.fps=12", "duration=6f", "start.steps=2", "dream.octaves=2")
CASES = [
    pytest.param(case, id=f"{group}: {case['wrong']}")
    for group, cases in yaml.safe_load((DATA / "bad_input.yaml").read_text(encoding="utf-8")).items()
    for case in cases
]


def matches(line: str, words: str) -> bool:
    """Whether ``line`` starts with ``words``, in which … stands for anything."""
    return re.match(".*".join(map(re.escape, words.split("…"))), line) is not None


def listing(folder: Path) -> dict[Path, tuple[int, int]]:
    """Everything in and below ``folder``: size and time of the last change; (0, 0) for a folder."""
    stats = {path: path.lstat() for path in folder.rglob("*")}
    return {path: (0, 0) if path.is_dir() else (s.st_size, s.st_mtime_ns) for path, s in stats.items()}


def assert_refused(run: Run, words: str) -> None:
    """The run failed with one error that has these words, and with notes at most."""
    *notes, error = run.err.strip().splitlines() or [""]
    assert run.code == 1, run.err
    assert matches(error, f"error: {words}"), error
    assert all(note.startswith("note: ") for note in notes), run.err
    assert not run.out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of bad files, which no run may change."""
    path = tmp_path_factory.mktemp("reliability") / "bad"
    bad_files.write(path)
    return path


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_error_and_leaves_no_files(
    program: Program, folder: Path, case: dict[str, str | list[str]]
) -> None:
    before = listing(folder)
    arguments = [case["arguments"]] if isinstance(case["arguments"], str) else case["arguments"]
    arguments = [argument.replace("{300 letters}", "n" * 300) for argument in arguments]
    if not any(argument.startswith("output=") for argument in arguments):
        arguments.insert(0, "output=film.mp4")
    run = program.run(*SMALL, *arguments, folder=folder)
    assert_refused(run, str(case["error"]))
    assert listing(folder) == before


def test_deleted_working_folder_is_one_error(tmp_path: Path) -> None:
    shell = f"mkdir lost; cd lost; rmdir ../lost; exec {shlex.quote(sys.executable)} -m pipeline.render duration=1f"
    run = subprocess.run(["/bin/sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert_refused(Run(run.returncode, run.stdout, run.stderr), "…folder…No such file or directory…hydra.run.dir=")
    assert not listing(tmp_path)


def test_case_names_are_unique() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 155


def test_good_input_succeeds_in_the_same_harness(program: Program, tmp_path: Path) -> None:
    run = program.run(*SMALL, "output=film.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    assert run.out.split() == ["film.mp4", "film.mp4.poster.png", "film.mp4.run.yaml"]

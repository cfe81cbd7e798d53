"""The shell scripts: which Python and which versions they take, and that nothing in the caller's folder hides ours."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("python3.13", "python3.12", "python3.11", "python3")
PROCESSES = (os.cpu_count() or 1) + 1  # of the tests
LOOSE = {"torch", "torchvision", "dream-zoom"}

# Answers as a Python of this version would, makes an environment with itself in it, and notes each command.
STAND_IN = """#!/bin/sh
case "$*" in
"-P -c "*) exec {real} -P -c "import sys; sys.version_info = ({version}); $3" ;;
"-P -m venv "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python"; echo "{name}" >>{log} ;;
"-P -m pip --version") ;;
*) echo "$0 $*" >>{log} ;;
esac
"""


class Copy:
    """The shell scripts in a folder of their own, and Pythons that stand in for real ones."""

    def __init__(self, folder: Path) -> None:
        self.root, self._bin, self._log = folder / "root", folder / "bin", folder / "log"
        (self.root / "scripts").mkdir(parents=True)
        self._bin.mkdir()
        for name in ("setup", "test", "render"):
            shutil.copy(ROOT / "scripts" / name, self.root / "scripts" / name)
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.root / name)
            os.utime(self.root / name, (1, 1))
        self.have()

    def have(self, **versions: str) -> None:
        """These are the Pythons there are, python3_12="3, 12", and no others."""
        for name in NAMES:
            version = versions.get(name.replace(".", "_"))
            words = STAND_IN.format(real=sys.executable, version=version, name=name, log=self._log)
            (self._bin / name).write_text(words if version else "#!/bin/sh\nexit 127\n")
            (self._bin / name).chmod(0o755)

    def run(self, script: str, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        path = {"PATH": f"{self._bin}:/usr/bin:/bin"}
        env = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "PYTHONPATH")} | path
        command = [str(self.root / "scripts" / script), *words]
        return subprocess.run(command, cwd=folder or self.root, env=env, capture_output=True, text=True, timeout=120)

    def commands(self) -> list[str]:
        """Commands of the stand-ins since the last call."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return [line.replace(f"{self.root}/", "") for line in lines]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3_13": "3, 13", "python3_12": "3, 12", "python3": "3, 11"}, "python3.13"),
        ({"python3_12": "3, 12", "python3_11": "3, 11", "python3": "3, 14"}, "python3.12"),
        ({"python3_11": "3, 11", "python3": "3, 14"}, "python3.11"),
        ({"python3": "3, 12"}, "python3"),
    ],
)
def test_the_newest_python_that_works_is_taken(copy: Copy, there: dict[str, str], taken: str) -> None:
    copy.have(**there)
    assert copy.run("setup").returncode == 0
    assert copy.commands()[0] == taken


@pytest.mark.parametrize("version", ["3, 14", "3, 10", ""])
def test_a_missing_python_is_one_sentence(copy: Copy, version: str) -> None:
    copy.have(python3=version)
    run = copy.run("setup")
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert re.fullmatch(r"error: Python 3\.11, 3\.12 or 3\.13 .*3\.14.*; .*PYTHON=.*\n", run.stderr)
    assert not (copy.root / ".venv").exists()


def test_tested_versions_are_installed_when_they_change(copy: Copy) -> None:
    copy.have(python3="3, 12")
    assert copy.run("setup", "dev").returncode == 0
    _, install = copy.commands()
    assert install.startswith(".venv/bin/python -P -m pip install ")
    assert "--constraint constraints.txt " in install and install.endswith("[dev]")
    assert copy.run("setup", "dev").returncode == copy.run("setup").returncode == 0
    assert not copy.commands()
    os.utime(copy.root / "constraints.txt", (4e9, 4e9))
    assert copy.run("setup", "dev").returncode == 0
    assert copy.commands() == [install]


def test_an_environment_of_another_python_is_made_anew(copy: Copy) -> None:
    copy.have(python3="3, 12")
    copy.run("setup")
    words = (copy.root / ".venv/bin/python").read_text()
    (copy.root / ".venv/bin/python").write_text(words.replace("3, 12", "3, 14"))
    os.utime(copy.root / "pyproject.toml", (4e9, 4e9))
    copy.commands()
    assert copy.run("setup").returncode == 0
    assert copy.commands()[0] == "python3"
    assert (copy.root / ".venv/bin/python").read_text() == words


def test_the_newest_versions_have_an_environment_of_their_own(copy: Copy) -> None:
    copy.have(python3="3, 12")
    assert copy.run("test", "-q", "tests").returncode == 0
    assert copy.commands()[-1] == f".venv/bin/python -m pytest --numprocesses {PROCESSES} --dist worksteal -q tests"
    for _ in range(2):
        assert copy.run("test", "--newest", "-q", "tests").returncode == 0
        *_, install, tests = copy.commands()
        assert install.startswith(".venv-newest/bin/python -P -m pip install ") and "--upgrade " in install
        assert "--constraint" not in install and install.endswith("[dev]")
        assert tests == f".venv-newest/bin/python -m pytest --numprocesses {PROCESSES} --dist worksteal -q tests"


def test_the_callers_folder_hides_nothing_of_ours(copy: Copy, tmp_path: Path) -> None:
    (copy.root / "scripts" / "setup").write_text("#!/bin/sh\n")
    python = copy.root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    folder = tmp_path / "mine"
    for name in ("random.py", "pipeline/__init__.py", "pipeline/render.py", "yaml.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("raise SystemExit('the wrong one')\n")
    run = copy.run("render", "--help", folder=folder)
    assert run.returncode == 0, run.stderr
    assert "the wrong one" not in run.stderr and "output=" in run.stdout


def test_constraints_hold_one_version_of_all_but_torch() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    fixed = {re.sub("[-_.]+", "-", name).lower(): version for name, version in (line.split("==") for line in lines)}
    assert len(fixed) == len(lines)
    assert not [name for name in fixed if name in LOOSE or name.startswith(("nvidia-", "cuda-", "triton"))]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in map(
        Requirement, itertools.chain(project["dependencies"], *project["optional-dependencies"].values())
    ):
        if requirement.name not in LOOSE:
            assert fixed[re.sub("[-_.]+", "-", requirement.name).lower()] in requirement.specifier, requirement

"""The Dockerfile copies everything that a render needs, and asks for nothing that needs a screen."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.counted import probe_and_count

ROOT = Path(__file__).resolve().parent.parent
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COPIES = [line.split()[1:] for line in re.findall(r"^COPY .*", LINES, re.MULTILINE)]
FILM = ("preset=spiral", "network=motifnet", "frame.width=96", "frame.height=64", "duration=3f", "start.steps=1")


def test_copied_files_render_a_film(tmp_path: Path) -> None:
    """The image's folder, laid out by the COPY lines, without the rest of the checkout."""
    root, films = tmp_path / "opt" / "dream-zoom", tmp_path / "films"
    films.mkdir()
    for *sources, target in COPIES:
        for name in sources:
            place = root / target / ("" if (ROOT / name).is_dir() else name)
            place.parent.mkdir(parents=True, exist_ok=True)
            ignore = shutil.ignore_patterns("__pycache__")
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place, ignore=ignore, dirs_exist_ok=True)
            else:
                shutil.copy2(ROOT / name, place)
    module = re.search(r'^ENTRYPOINT \["python", "-m", "([\w.]+)"\]', LINES, re.MULTILINE)
    assert module
    command = [sys.executable, "-P", "-m", module[1], *FILM, "output=film.mp4"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    run = subprocess.run(command, cwd=films, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert probe_and_count(films / "film.mp4").frames == 3


def test_what_is_copied_is_not_ignored() -> None:
    included = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {name for *sources, _ in COPIES for name in sources} == included
    assert all((ROOT / name).exists() for name in included)


def test_packages_are_headless_and_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = re.search(r'--editable "\.\[(\w+)\]"', LINES)
    assert extra and extra[1] in project["optional-dependencies"]
    names = [re.split(r"[<>=\[ ]", each)[0] for each in project["dependencies"]]
    assert "opencv-python-headless" in names and "opencv-python" not in names
    assert not re.search(r"install[^\n]*\b(libgl1|libglib2|ffmpeg)", LINES)

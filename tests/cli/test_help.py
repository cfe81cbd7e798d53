"""``--help`` is short and quick; ``--help all`` lists everything."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import help
from pipeline.cli.sanitize import choices
from pipeline.config import RenderConfig, settings
from tests.forked import Program

ROOT = Path(__file__).resolve().parents[2]


def test_short_help_fits_a_screen_and_names_all_presets() -> None:
    text = help.text(help.RENDER, full=False)
    assert len(text.splitlines()) <= 50 and max(map(len, text.splitlines())) <= 120
    for name in choices("preset"):
        assert f"preset={name} " in text
    assert "output=" in text and "dream.octaves" not in text


@pytest.mark.parametrize("words", [["--help", "all"], ["seed=1", "--help=all"]])
def test_full_help_lists_every_setting(program: Program, tmp_path: Path, words: list[str]) -> None:
    run = program.run(*words, folder=tmp_path)
    assert run.code == 0, run.err
    for key, item, _ in settings(RenderConfig()):
        assert f"  {key}=" in run.out and item.metadata["help"] in run.out
    assert not list(tmp_path.iterdir())


def test_help_loads_no_torch() -> None:
    code = (
        "import sys; sys.argv[1:] = ['-h']; from pipeline import render\ntry: render.main()\nexcept SystemExit as e: "
    )
    code += "print(e.code, [name for name in ('torch', 'cv2', 'numpy') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.stdout.endswith("0 []\n"), run.stdout + run.stderr

"""A film of many shots over a song outlives its renderer, and one changed shot is rendered alone."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_film_killed_at_random_moments_is_the_same_film() -> None:
    command = [sys.executable, "-m", "scripts.film_torture", "--seconds", "8.4", "--shots", "5", "--kills", "2"]
    root = Path(__file__).resolve().parent.parent.parent
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "67 frames, 67 wanted" in run.stdout
    assert "2 kills, when " in run.stdout and "the same bytes as in peace" in run.stdout
    assert "rendered again were the shots 4\n" in run.stdout

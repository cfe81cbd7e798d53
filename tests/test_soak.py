"""Memory and open files do not grow with a film's length."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_long_film_takes_no_more_memory_or_files_than_a_short_one() -> None:
    command = [sys.executable, "-m", "scripts.soak", "--frames", "1000", "--after", "400"]
    root = Path(__file__).resolve().parent.parent
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "growth: " in run.stdout

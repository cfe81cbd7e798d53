"""Memory and open files do not grow with the length of a film."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_and_files_do_not_grow() -> None:
    command = [sys.executable, "-m", "scripts.soak", "--frames", "1000", "--after", "400"]
    root = Path(__file__).resolve().parent.parent
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "growth: " in run.stdout

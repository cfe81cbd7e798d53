"""A killed film of many shots resumes to the same bytes, and a changed shot is rendered alone."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.film_torture import segments, wait_for_segments

GROW = """
import sys, time
from pathlib import Path
for number in range(int(sys.argv[2])):
    (Path(sys.argv[1]) / f"{number:06}.mp4").touch()
    time.sleep(float(sys.argv[3]))
"""


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_wait_for_segments_waits_at_any_speed(tmp_path: Path, pause: float) -> None:
    shot = tmp_path / "film.mp4.work" / "shot-001"
    shot.mkdir(parents=True)
    command = [sys.executable, "-c", GROW, str(shot), "9", str(pause)]
    process = subprocess.Popen([*command[:-2], "5", "0"], text=True)
    assert not wait_for_segments(process, tmp_path / "film.mp4", 9, 0.0)  # it ends before
    process = subprocess.Popen([*command[:2], GROW + "time.sleep(60)", *command[3:]], text=True)
    began = time.monotonic()
    assert wait_for_segments(process, tmp_path / "film.mp4", 9, 0.1)
    assert len(segments(tmp_path / "film.mp4")) == 9 and time.monotonic() - began >= 0.1
    process.kill()
    process.wait(60)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_film_has_the_same_bytes() -> None:
    command = [sys.executable, "-m", "scripts.film_torture", "--seconds", "8.4", "--shots", "5", "--kills", "1"]
    root = Path(__file__).resolve().parent.parent.parent
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "67 frames, 67 expected" in run.stdout
    assert "1 kills, at " in run.stdout and "the same bytes" in run.stdout
    assert "rendered again: 4\n" in run.stdout

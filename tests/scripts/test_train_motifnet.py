"""Training from first drawing to contact sheet, tiny."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scripts.motifnet.export import read

ROOT = Path(__file__).resolve().parent.parent.parent


def run(folder: Path, *arguments: str) -> str:
    """The output of the training program, which writes below ``folder``."""
    command = [sys.executable, "-m", "scripts.train_motifnet", "--smoke", "--size", "72", "--crop", "48"]
    command += ["--device", "cpu", "--workers", "1", "--count", "2", "--check", "1", "--judge-count", "1"]
    places = ["--cache", folder / "cache", "--out", folder / "net.safetensors", "--docs", folder / "docs"]
    done = subprocess.run(
        [*command, *map(str, places), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def line(row: str, output: str) -> str:
    """The table's line that starts with ``row``."""
    return next(text for text in output.splitlines() if text.startswith(f"{row} "))


@pytest.mark.slow
def test_training_runs_and_resumes(tmp_path: Path) -> None:
    output = run(tmp_path)
    assert "robust: accuracy" in output
    rows = ("fresh drawings", "robust, bare", "robust, program", "plain, bare", "plain, program")
    assert all(line(row, output) for row in rows)
    net = read(tmp_path / "net.safetensors")
    assert net(torch.full((1, 3, 48, 48), 0.5)).isfinite().all()
    assert {path.name for path in (tmp_path / "docs").iterdir()} == {
        "drawings.jpg",
        "classes.jpg",
        "stages.jpg",
        "channels.jpg",
    }
    drawn = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").glob("*.npy")}
    again = run(tmp_path, "--judge")
    assert "robust: accuracy" not in again
    assert all(line(row, again) == line(row, output) for row in rows)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").glob("*.npy")} == drawn

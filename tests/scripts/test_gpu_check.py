"""The check of a GPU, on the processor."""

import json
from pathlib import Path

import pytest
import torch

from scripts import gpu_check
from scripts.gpu_check import Check, Figures, StageError


@pytest.mark.slow
def test_a_film_is_rendered_twice_killed_and_resumed(tmp_path: Path) -> None:
    assert gpu_check.main(["--dry", "--stages", "determinism", "--output", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "gpu.json").read_text())
    assert results["determinism"].pop("seconds of this stage") > 0
    assert results["determinism"] == {
        "two renders are the same": True,
        "killed before its end": True,
        "resumed is the same": True,
    }
    assert "| resumed is the same | True |" in (tmp_path / "gpu.md").read_text()


def test_a_failed_stage_is_reported_and_the_next_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(check: Check) -> Figures:
        check.python("pipeline.render", "seed=x", seconds=60)
        return {}

    monkeypatch.setattr(gpu_check, "STAGES", {"fails": fails, "goals": gpu_check.goals})
    assert gpu_check.main(["--dry", "--stages", "fails", "goals", "--output", str(tmp_path)]) == 1
    results = json.loads((tmp_path / "gpu.json").read_text())
    assert "ended with 1\nerror: seed=x" in results["fails"]["failed"]
    assert results["goals"]["left out"]


def test_a_stage_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"took longer than 0 s"):
        Check(tmp_path, dry=True).python("pipeline.render", "--help", seconds=0.05)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu_check.main([]) == 1
    assert "there is no CUDA GPU here" in capsys.readouterr().err

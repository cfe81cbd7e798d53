"""RAFT says in one sentence why it cannot run."""

from pathlib import Path

import pytest
import torch

from pipeline.config import FlowConfig
from pipeline.errors import ConfigError, InputError
from pipeline.motion.raft import FILE, find_weights, load_model, raft


def test_raft_needs_a_gpu() -> None:
    with pytest.raises(ConfigError, match=r"flow.kind=raft: raft needs device=cuda, not cpu"):
        raft(FlowConfig(kind="raft"), torch.device("cpu"))


def test_missing_or_damaged_weights_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match=FILE):
        find_weights()
    path = tmp_path / "hub" / "checkpoints" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match="is damaged"):
        find_weights()


def test_weights_of_another_layout_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / FILE)
    monkeypatch.setattr("pipeline.motion.raft.find_weights", lambda: tmp_path / FILE)
    with pytest.raises(InputError, match="not the weights of raft_small"):
        load_model(torch.device("cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="RAFT runs on CUDA alone")
def test_pan_is_estimated() -> None:
    from pipeline.motion.optical_flow import fit
    from tests.motion.test_optical_flow import SIZE, texture, view

    try:
        find_weights()
    except InputError:
        pytest.skip("RAFT's weights are not in torch's cache")
    plane = texture(1)
    estimate = raft(FlowConfig(kind="raft"), torch.device("cuda"))
    motion = estimate(view(plane, 0, 0), view(plane, 3.0, -1.0))
    mean = fit(motion.backward, SIZE)[:, :, 12:-12, 12:-12].mean(dim=(0, 2, 3)).tolist()
    assert mean == pytest.approx([3.0, -1.0], abs=0.3)

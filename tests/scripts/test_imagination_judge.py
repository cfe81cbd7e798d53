"""The judge of a generator's pictures, trained on very few drawings."""

from pathlib import Path

import pytest
import torch

from scripts import imagination_judge
from scripts.motifnet.motifs import MOTIFS


def test_judge_trains_once_where_no_gradients_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagination_judge, "COUNT", 2)
    monkeypatch.setattr(imagination_judge, "EPOCHS", 2)
    monkeypatch.setattr(imagination_judge, "BATCH", 16)
    path = tmp_path / "judges" / "judge.pt"
    pictures = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        trained = imagination_judge.probabilities(imagination_judge.load_judge(path), pictures)
        assert path.is_file()
        loaded = imagination_judge.probabilities(imagination_judge.load_judge(path), pictures)
    assert trained.shape == (3, len(MOTIFS)) and torch.equal(trained, loaded)

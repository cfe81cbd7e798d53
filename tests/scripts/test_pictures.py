"""Training pictures: crops of drawings, and counterexamples that belong to no class."""

import numpy as np
import torch

from scripts.motifnet.compose import Style, picture
from scripts.motifnet.dataset import Pictures
from scripts.motifnet.motifs import MOTIFS

NOTHING = len(MOTIFS)
CPU = torch.device("cpu")


def six_pictures() -> Pictures:
    """One drawing of each of six motifs."""
    labels = list(range(0, 42, 7))
    drawn = [picture(k, 64, np.random.default_rng([5, k]), Style()) for k in labels]
    images = torch.from_numpy((np.stack(drawn) * 255).astype(np.uint8)).permute(0, 3, 1, 2)
    return Pictures(images, torch.tensor(labels))


def detail(x: torch.Tensor) -> float:
    return float((x[..., 1:] - x[..., :-1]).abs().mean())


def test_crops_keep_their_labels_and_repeat() -> None:
    first, second = (six_pictures().cut(12, 48, np.random.default_rng(3)).on(CPU) for _ in range(2))
    assert first[0].shape == (12, 3, 48, 48)
    assert 0 <= float(first[0].min()) and float(first[0].max()) <= 1
    assert set(first[1].tolist()) <= set(range(0, 42, 7))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_melted_picture_belongs_to_nothing() -> None:
    whole, _ = six_pictures().cut(12, 48, np.random.default_rng(3)).on(CPU)
    melted, labels = six_pictures().cut(12, 48, np.random.default_rng(3), melted=1.0).on(CPU)
    assert labels.tolist() == [NOTHING] * 12
    assert detail(melted) < 0.2 * detail(whole)
    assert abs(float(melted.mean() - whole.mean())) < 0.05


def test_scrambled_objects_belong_to_nothing() -> None:
    _, labels = six_pictures().cut(60, 48, np.random.default_rng(4), scrambled=1.0).on(CPU)
    fields = {k for k, motif in enumerate(MOTIFS.values()) if motif.field}
    assert NOTHING in labels.tolist()
    assert set(labels.tolist()) - {NOTHING} <= fields

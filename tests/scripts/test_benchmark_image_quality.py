"""The same film in every way: what is the same is called so, and the sheet shows each film from first to last."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.cli import compose
from scripts.benchmarks import image_quality


def test_likeness_is_in_decibels() -> None:
    black = torch.zeros(1, 3, 4, 4)
    assert image_quality.likeness(black, black.clone()) == "the same"
    assert image_quality.likeness(black, black + 0.1) == pytest.approx(20, abs=1e-3)


@pytest.mark.slow
def test_variants_are_compared_with_float32(tmp_path: Path) -> None:
    compose.register()
    results = image_quality.measure("motifnet", (64, 96), tmp_path, device="cpu", frames=6, sheets=tmp_path)
    names = [name.partition(" (")[0] for name in results]
    assert names == list(image_quality.VARIANTS)
    first = {name: row["first"] for name, row in zip(names, results.values(), strict=True)}
    assert first["float32"] == "the same"
    assert 20 < first["tiles"] < 80  # the class looks further than the margins
    assert all(row["flicker"] > 0 for row in results.values())
    exact = next(iter(results.values()))["seen"]
    assert all(abs(row["seen"] - exact) < 0.3 for row in results.values())  # nats
    with Image.open(tmp_path / "pictures-motifnet.png") as sheet:
        shown = np.asarray(sheet)
    assert shown.shape == (4 * (64 + image_quality.LABEL_PIXELS), image_quality.SHEET_FRAMES * 96, 3)
    whole, tiled = (
        shown[row * (64 + image_quality.LABEL_PIXELS) :][image_quality.LABEL_PIXELS :][:64].astype(int)
        for row in (0, 3)
    )
    assert abs(whole[:, :96] - tiled[:, :96]).mean() < abs(whole[:, -96:] - tiled[:, -96:]).mean()

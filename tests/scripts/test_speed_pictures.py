"""The same film in every way: what is the same is called so, and the sheet shows each film from first to last."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline import command
from scripts.speed import pictures


def test_likeness_is_in_decibels() -> None:
    black = torch.zeros(1, 3, 4, 4)
    assert pictures.likeness(black, black.clone()) == "the same"
    assert pictures.likeness(black, black + 0.1) == pytest.approx(20, abs=1e-3)


@pytest.mark.slow
def test_ways_are_compared_with_float32_and_shown(tmp_path: Path) -> None:
    command.register()
    found = pictures.measure("motifnet", (64, 96), tmp_path, device="cpu", frames=6, sheets=tmp_path)
    names = [name.partition(" (")[0] for name in found]
    assert names == list(pictures.WAYS)
    first = {name: row["first"] for name, row in zip(names, found.values(), strict=True)}
    assert first["float32"] == first["adaptive"] == "the same"
    assert 20 < first["tiles"] < 80  # the class looks further than the margins
    assert all(row["flicker"] > 0 for row in found.values())
    exact = next(iter(found.values()))["seen"]
    assert all(abs(row["seen"] - exact) < 0.3 for row in found.values())  # nats
    with Image.open(tmp_path / "pictures-motifnet.png") as sheet:
        shown = np.asarray(sheet)
    assert shown.shape == (5 * (64 + pictures.LABEL), pictures.SHOWN * 96, 3)
    whole, tiled = (shown[row * (64 + pictures.LABEL) :][pictures.LABEL :][:64].astype(int) for row in (0, 3))
    assert abs(whole[:, :96] - tiled[:, :96]).mean() < abs(whole[:, -96:] - tiled[:, -96:]).mean()

"""The contact sheet shows the film in order."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipeline.errors import OutputError
from pipeline.media.encode.contact_sheet import ContactSheet


def grey(value: float) -> Tensor:
    return torch.full((1, 3, 45, 80), value)


def sheet(poster: ContactSheet, frames: int, path: Path) -> np.ndarray:
    for index in range(frames):
        poster.add(index, grey(index / max(1, frames - 1)))
    poster.save(path)
    with Image.open(path) as image:
        return np.asarray(image).astype(float) / 255


def test_frames_are_spread_evenly() -> None:
    chosen = sorted(ContactSheet(2400).indices)
    assert len(chosen) == 12
    assert set(np.diff(chosen)) == {200} and chosen[0] == 100


@pytest.mark.parametrize("frames", range(1, 40))
def test_short_films_have_all_their_frames(frames: int) -> None:
    chosen = ContactSheet(frames).indices
    assert len(chosen) == min(frames, 12) and max(chosen) < frames


def test_pictures_stand_in_reading_order(tmp_path: Path) -> None:
    picture = sheet(ContactSheet(12), 12, tmp_path / "a.png")
    assert picture.shape == (3 * 47 + 2, 4 * 82 + 2, 3)
    centres = picture[24::47, 42::82, 0].ravel()
    assert centres == pytest.approx(np.arange(12) / 11, abs=0.003)
    assert picture[0].max() < 0.15  # the gaps


def test_a_short_film_still_has_a_contact_sheet(tmp_path: Path) -> None:
    poster = ContactSheet(12, columns=4)
    picture = sheet(poster, 3, tmp_path / "a.png")
    assert picture.shape == (47 + 2, 3 * 82 + 2, 3)


def test_thumbnails_are_small(tmp_path: Path) -> None:
    assert sheet(ContactSheet(1, max_width=40), 1, tmp_path / "a.png").shape == (22 + 4, 40 + 4, 3)


def test_times_can_be_shown(tmp_path: Path) -> None:
    plain = sheet(ContactSheet(2), 2, tmp_path / "a.png")
    timed = sheet(ContactSheet(2, fps=24), 2, tmp_path / "b.png")
    changed = np.argwhere((plain != timed).any(2))
    assert 0 < len(changed) < 0.1 * plain[..., 0].size
    assert changed[:, 0].min() > 24  # in the lower half


def test_a_contact_sheet_needs_a_frame(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no frame was rendered"):
        ContactSheet(12).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="0 frames"):
        ContactSheet(0)

"""Figures of long films and of films that stand still."""

import numpy as np
import pytest

from scripts.steadiness import flicker, main, tone


def test_tone_of_known_frames() -> None:
    half = np.zeros((4, 4, 3), np.uint8)
    half[:2] = 255
    gray = np.full((4, 4, 3), 51, np.uint8)
    assert tone([half]) == pytest.approx((0.5, 0.5, 1.0))
    assert tone([gray, gray]) == pytest.approx((0.2, 0.0, 0.0))


def test_flicker_is_the_mean_change() -> None:
    frames = [np.full((2, 2, 3), value, np.uint8) for value in (0, 51, 0)]
    assert flicker(frames) == pytest.approx(0.2)
    assert flicker([frames[1]] * 3) == 0


@pytest.mark.slow
def test_a_small_film_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--frames", "8", "--size", "64x48", "network=motifnet", "start.steps=1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["frames", "to", "flicker", "flicker,"]
    assert 0.2 < float(lines[1].split()[2]) < 0.7

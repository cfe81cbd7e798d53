"""Films that are shown backwards, forth and back, slower and at a higher rate; stopped and resumed."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.media.decode.probe import probe
from pipeline.media.encode.mux import read_record
from tests.counted import probe_and_count
from tests.forked import Program
from tests.test_part import SMALL, frames

FILM = (*SMALL, "duration=10f", "preset=spiral")


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return len(first) == len(second) and all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def dreamed(program: Program, tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """The frames of the film as they are dreamed."""
    folder = tmp_path_factory.mktemp("dreamed")
    assert program.run(*FILM, "encode=ffv1", "output=film.mkv", folder=folder).code == 0
    return frames(folder / "film.mkv")


def test_film_is_shown_backwards_and_forth_and_back(
    program: Program, tmp_path: Path, dreamed: list[np.ndarray]
) -> None:
    words = (*FILM, "encode=ffv1", "output=film.mkv", "keep_segments=true", "overwrite=true")
    run = program.run(*words, "film.reverse=true", folder=tmp_path)
    assert run.code == 0, run.err
    assert same(frames(tmp_path / "film.mkv"), dreamed[::-1])
    run = program.run(*words, "film.pingpong=true", folder=tmp_path)
    assert run.code == 0 and "resuming: 10 of 10 frames" in run.err, run.err  # nothing is dreamed again
    assert same(frames(tmp_path / "film.mkv"), dreamed + dreamed[-2:0:-1])


def test_frames_in_between_are_counted_and_marked(program: Program, tmp_path: Path, dreamed: list[np.ndarray]) -> None:
    run = program.run(*FILM, "encode=ffv1", "output=film.mkv", "encode.interpolate=24", folder=tmp_path)
    assert run.code == 0 and "10 dreamed frames are shown as 20, 9 of them in between" in run.err, run.err
    shown = frames(tmp_path / "film.mkv")
    assert same(shown[::2], dreamed) and probe(tmp_path / "film.mkv").fps == 24
    assert not any(np.array_equal(shown[2 * n + 1], dreamed[n]) for n in range(9))
    assert "in between by optical flow: 9" in read_record(tmp_path / "film.mkv")


def test_rate_of_the_dream_itself_changes_nothing(program: Program, tmp_path: Path, dreamed: list[np.ndarray]) -> None:
    run = program.run(*FILM, "encode=ffv1", "output=film.mkv", "encode.interpolate=12", folder=tmp_path)
    assert run.code == 0 and same(frames(tmp_path / "film.mkv"), dreamed), run.err
    run = program.run(*FILM, "output=film.mp4", "encode.interpolate=12", folder=tmp_path)
    assert run.code == 0 and probe_and_count(tmp_path / "film.mp4").codec == "h264", run.err


def test_shots_with_a_transition_are_shown_backwards(program: Program, tmp_path: Path) -> None:
    shots = "film=[{preset: spiral, duration: 6f},{preset: breathing, duration: 6f, transition: crossfade, fade: 2f}]"
    for name, words in (("plain", ()), ("back", ("film.reverse=true",))):
        run = program.run(*SMALL, shots, *words, "encode=ffv1", f"output={name}.mkv", folder=tmp_path)
        assert run.code == 0, run.err
    assert same(frames(tmp_path / "back.mkv"), frames(tmp_path / "plain.mkv")[::-1])

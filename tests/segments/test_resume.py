"""Whatever stops a render, it resumes, and the finished film is the same as without a stop."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline import film
from pipeline.errors import Interrupted, OutputError
from pipeline.networks.generator_header import BUILT_IN
from pipeline.runtime.files import sha256_of
from scripts.torture import main as torture
from tests.counted import probe_and_count
from tests.test_shot import planned

TINY = ("frame.width=96", "frame.height=64", "dream.octaves=2", "start.steps=2", "encode.quality=draft", "segment=4")
TINY = (*TINY, "network=motifnet")


@dataclass
class FrameCounter:
    """Counts the rendered frames; calls ``act`` at frame ``at``."""

    at: int = -1
    act: Callable[[], None] = lambda: None
    frames: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        self.frames.append(index)
        if index == self.at:
            self.act()

    def segment(self, path: Path, first: int, frames: int) -> None:
        assert probe_and_count(path).frames == frames
        self.segments.append(first)


def fail() -> None:
    raise RuntimeError("at this frame")


def make(folder: Path, *overrides: str, at: int = -1, act: Callable[[], None] = fail) -> FrameCounter:
    """Render folder/film.mp4, with ``act`` at frame ``at``."""
    folder.mkdir(exist_ok=True)
    counter = FrameCounter(at, act)
    plan = planned(folder, *TINY, f"output={folder}/film.mp4", *overrides)
    film.render(plan, (counter,))
    return counter


@pytest.fixture(autouse=True)
def spool_even_fast_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.segments.writer.MIN_SPOOLED_SECONDS", 0.0)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """SHA-256 of the film without a stop, by its length in frames."""
    hashes = {}
    for frames in (8, 14):
        folder = tmp_path_factory.mktemp("expected")
        make(folder, f"duration={frames}f")
        assert sorted(path.name for path in folder.iterdir()) == [
            "film.mp4",
            "film.mp4.poster.png",
            "film.mp4.run.yaml",
        ]
        assert probe_and_count(folder / "film.mp4").frames == frames
        hashes[frames] = sha256_of(folder / "film.mp4")
    return hashes


def test_an_error_within_a_segment_loses_no_frame(tmp_path: Path, expected: dict[int, str]) -> None:
    with pytest.raises(RuntimeError, match="at this frame"):
        make(tmp_path, "duration=14f", at=6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4.work"]
    again = make(tmp_path, "duration=14f")
    assert again.frames == list(range(7, 14))
    assert again.segments == [0, 4, 8, 12]  # also what was there already, for those who look on
    assert sha256_of(tmp_path / "film.mp4") == expected[14]
    assert not (tmp_path / "film.mp4.work").exists()


def test_two_stops_in_one_segment_lose_no_frame(tmp_path: Path, expected: dict[int, str]) -> None:
    for at in (4, 6):
        with pytest.raises(Interrupted, match=rf"stopped; {at + 1} of 14 frames are kept in .*film.mp4.work"):
            make(tmp_path, "duration=14f", at=at, act=lambda: os.kill(os.getpid(), signal.SIGINT))
    assert make(tmp_path, "duration=14f").frames == list(range(7, 14))
    assert sha256_of(tmp_path / "film.mp4") == expected[14]


@pytest.mark.parametrize("arithmetic", [(torch.float32, True), (torch.float32, False), (torch.bfloat16, True)])
def test_a_film_resumes_in_its_precision_and_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arithmetic: tuple[torch.dtype, bool]
) -> None:
    """Even if the rule would choose others by now."""
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.build.choose_arithmetic", lambda *given: arithmetic)
        make(tmp_path / "expected", "duration=8f")
        with pytest.raises(RuntimeError, match="at this frame"):
            make(tmp_path / "stopped", "duration=8f", at=5)
    assert make(tmp_path / "stopped", "duration=8f").frames == [6, 7]
    assert sha256_of(tmp_path / "stopped" / "film.mp4") == sha256_of(tmp_path / "expected" / "film.mp4")


def test_a_longer_film_renders_only_what_is_new(tmp_path: Path, expected: dict[int, str]) -> None:
    make(tmp_path, "duration=8f", "keep_segments=true")
    assert sha256_of(tmp_path / "film.mp4") == expected[8]
    assert make(tmp_path, "duration=14f").frames == list(range(8, 14))
    assert sha256_of(tmp_path / "film.mp4") == expected[14]


def test_a_score_that_changes_with_the_length_is_refused(tmp_path: Path) -> None:
    moving = "camera.zoom='0s: 1.1, 100%: 1.9'"
    make(tmp_path, "duration=8f", "keep_segments=true", moving)
    with pytest.raises(OutputError, match=r"holds frames with another score, from frame 0 on"):
        make(tmp_path, "duration=14f", moving)
    assert probe_and_count(tmp_path / "film.mp4").frames == 8
    make(tmp_path, "duration=14f", moving, "resume=false")
    assert probe_and_count(tmp_path / "film.mp4").frames == 14


def test_a_film_resumes_with_its_built_in_generator_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of the program may have another generator, whose pictures differ."""
    words = ("duration=8f", "start=imagine", "start.steps=1", "imagine.z=class:owl")
    with pytest.raises(RuntimeError, match="at this frame"):
        make(tmp_path, *words, at=5)
    monkeypatch.setitem(BUILT_IN, "vae", BUILT_IN["helmholtz"])
    with pytest.raises(OutputError, match=r"embedded generator.sha256"):
        make(tmp_path, *words)
    monkeypatch.undo()
    monkeypatch.setattr("pipeline.segments.writer.MIN_SPOOLED_SECONDS", 0.0)
    assert make(tmp_path, *words).frames[-1] == 7


def test_a_part_is_a_film_and_the_rest_resumes(tmp_path: Path, expected: dict[int, str]) -> None:
    assert make(tmp_path, "duration=14f", "frames=0..7").frames == list(range(8))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "film.mp4.work"]
    assert probe_and_count(tmp_path / "film.mp4").frames == 7
    assert make(tmp_path, "duration=14f").frames == list(range(8, 14))
    assert sha256_of(tmp_path / "film.mp4") == expected[14]


def test_overwrite_accepts_other_settings(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="at this frame"):
        make(tmp_path, "duration=8f", at=6)
    assert make(tmp_path, "duration=8f", "seed=3", "overwrite=true").frames == list(range(8))


def test_resume_false_starts_over(tmp_path: Path, expected: dict[int, str]) -> None:
    with pytest.raises(RuntimeError, match="at this frame"):
        make(tmp_path, "duration=14f", at=9)
    assert make(tmp_path, "duration=14f", "resume=false").frames == list(range(14))
    assert sha256_of(tmp_path / "film.mp4") == expected[14]


@pytest.mark.slow
def test_random_kills_do_not_change_the_film(capsys: pytest.CaptureFixture[str]) -> None:
    assert torture(["--codecs", "h264", "--kills", "2", "--frames", "30"]) == 0
    assert re.search(r"^2 kills, 0 of \d+ films lost$", capsys.readouterr().out, re.MULTILINE)

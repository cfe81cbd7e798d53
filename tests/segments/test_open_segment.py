"""Frames of an async device: not waited for while they are fast, not lost when they are slow."""

import os
import signal
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.errors import DreamError, Interrupted
from pipeline.media.encode.encoder import Encoder
from pipeline.runtime.files import sha256_of
from pipeline.segments import open_segment, shot_render, writer
from pipeline.segments.open_segment import FrameTimer, OpenSegment
from pipeline.segments.spool import Spool, SpoolFolder
from pipeline.shot import Step
from tests.segments.test_resume import make

FILM = ("duration=8f", "segment=6")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """SHA-256 of the film without a stop, from a synchronous device."""
    folder = tmp_path_factory.mktemp("expected")
    make(folder, *FILM)
    return sha256_of(folder / "film.mp4")


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts deferred frames, packed frames and spools, with the CPU treated as an async device."""
    monkeypatch.setattr(shot_render, "ASYNC_DEVICES", ("cpu",))
    monkeypatch.setattr(open_segment, "TIMED_FRAMES", 3)
    counts = {"write_later": 0, "pack": 0, "new": 0}
    for kind, name in ((Encoder, "write_later"), (Encoder, "pack"), (SpoolFolder, "new")):

        def counted(self: object, *given: object, name: str = name, real: object = getattr(kind, name)) -> object:
            counts[name] += 1
            return real(self, *given)  # type: ignore[operator]

        monkeypatch.setattr(kind, name, counted)
    return counts


def test_fast_frames_are_not_spooled(
    tmp_path: Path, expected: str, counts: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MIN_SPOOLED_SECONDS", 1e9)
    make(tmp_path, *FILM)
    assert counts["new"] == 0
    assert counts["write_later"] == 3  # on the CPU only until the frame time is known; on a GPU the others, too
    assert sha256_of(tmp_path / "film.mp4") == expected


@pytest.mark.parametrize("at", [1, 2, 4])
def test_slow_frames_survive_a_stop(
    tmp_path: Path, expected: str, counts: dict[str, int], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Before, at and after the frame at which they prove slow."""
    monkeypatch.setattr(writer, "MIN_SPOOLED_SECONDS", 0.0)
    with pytest.raises(Interrupted, match=rf"stopped; {at + 1} of 8 frames are kept"):
        make(tmp_path, *FILM, at=at, act=partial(os.kill, os.getpid(), signal.SIGINT))
    assert counts["write_later"] == min(at + 1, 3)
    assert counts["pack"] == max(0, at - 2)
    assert make(tmp_path, *FILM).frames == list(range(at + 1, 8))
    # Frames of an earlier run are spooled at once; after one more frame the next segment is not settled yet.
    assert counts["write_later"] == min(at + 1, 3) + (2 if at == 4 else 0)
    assert sha256_of(tmp_path / "film.mp4") == expected


def test_short_segments_survive_a_stop(tmp_path: Path, counts: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MIN_SPOOLED_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="at this frame"):
        make(tmp_path, "duration=8f", "segment=2", at=4)
    assert (counts["write_later"], counts["pack"], counts["new"]) == (3, 2, 2)
    assert make(tmp_path, "duration=8f", "segment=2").frames == [5, 6, 7]


def encoder(path: Path) -> Encoder:
    return Encoder(path, width=64, height=48, fps=Fraction(24), encode=EncodeConfig())


def step(index: int, frame: Tensor) -> Step:
    return Step(index, frame, "", frame, {})


def test_pending_frames_equal_spooled_frames(tmp_path: Path) -> None:
    frames = [torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(n)) for n in range(3)]
    pending = OpenSegment(0, encoder(tmp_path / "pending.mp4"), None, defer=True)
    spooled = OpenSegment(1, encoder(tmp_path / "spooled.mp4"), Spool(tmp_path / "spooled.raw"))
    for index, frame in enumerate(frames):
        for each in (pending, spooled):
            each.add(step(index, frame))
    pending.settle(Spool(tmp_path / "pending.raw"))
    for each in (pending, spooled):
        each.encoder.__exit__(RuntimeError, RuntimeError(), None)
        each.close()
    assert (tmp_path / "pending.raw").read_bytes() == (tmp_path / "spooled.raw").read_bytes()
    assert (tmp_path / "pending.raw").stat().st_size > 3 * 48 * 64
    assert torch.equal(pending.canvas_on_cpu(), frames[2])
    assert pending.pending is None


def test_frames_that_are_not_finite_are_dropped(tmp_path: Path) -> None:
    opening = OpenSegment(0, encoder(tmp_path / "a.mp4"), None, defer=True)
    opening.add(step(0, torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))))
    opening.add(step(1, torch.full((1, 3, 48, 64), torch.nan)))
    with pytest.raises(DreamError, match=r"frame 1 of .* no numbers"):
        opening.settle(Spool(tmp_path / "a.raw"))
    opening.encoder.__exit__(RuntimeError, RuntimeError(), None)
    assert opening.spool is None
    assert not list(tmp_path.iterdir())


def test_the_timer_ignores_the_first_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = iter(
        [
            0.0,
            *(9.0 + 0.5 * n for n in range(open_segment.TIMED_FRAMES)),
            *(100.0 + 2 * n for n in range(open_segment.TIMED_FRAMES)),
        ]
    )
    monkeypatch.setattr("pipeline.segments.open_segment.time.monotonic", lambda: next(ends))
    timer, seconds = FrameTimer(), []
    for _ in range(2 * open_segment.TIMED_FRAMES + 1):
        timer.frame()
        seconds.append(timer.seconds())
    assert seconds[: open_segment.TIMED_FRAMES - 1] == [None] * (open_segment.TIMED_FRAMES - 1)
    assert seconds[open_segment.TIMED_FRAMES - 1 : open_segment.TIMED_FRAMES + 2] == [0.5] * 3
    assert seconds[-1] == 2.0

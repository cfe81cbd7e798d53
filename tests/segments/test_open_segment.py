"""What a device that runs ahead has dreamed is not waited for while it is quick, and not lost when it is slow."""

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
def quiet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SHA-256 of the film that nothing happened to, on a device that is waited for."""
    folder = tmp_path_factory.mktemp("quiet")
    make(folder, *FILM)
    return sha256_of(folder / "film.mp4")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often frames were fetched later, packed at once and given a spool, with a processor that runs ahead."""
    monkeypatch.setattr(shot_render, "ASYNC_DEVICES", ("cpu",))
    monkeypatch.setattr(open_segment, "TIMED_FRAMES", 3)
    counts = {"write_later": 0, "pack": 0, "new": 0}
    for kind, name in ((Encoder, "write_later"), (Encoder, "pack"), (SpoolFolder, "new")):

        def counted(self: object, *given: object, name: str = name, real: object = getattr(kind, name)) -> object:
            counts[name] += 1
            return real(self, *given)  # type: ignore[operator]

        monkeypatch.setattr(kind, name, counted)
    return counts


def test_quick_frames_are_neither_waited_for_nor_spooled(
    tmp_path: Path, quiet: str, asked: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MIN_SPOOLED_SECONDS", 1e9)
    make(tmp_path, *FILM)
    assert asked["new"] == 0
    assert asked["write_later"] == 3  # of a processor: those of which it was not known; of a GPU the others, too
    assert sha256_of(tmp_path / "film.mp4") == quiet


@pytest.mark.parametrize("at", [1, 2, 4])
def test_slow_frames_are_all_kept_when_it_stops(
    tmp_path: Path, quiet: str, asked: dict[str, int], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Before it is known that they are slow, when it becomes known, and after."""
    monkeypatch.setattr(writer, "MIN_SPOOLED_SECONDS", 0.0)
    with pytest.raises(Interrupted, match=rf"stopped; {at + 1} of 8 frames are kept"):
        make(tmp_path, *FILM, at=at, act=partial(os.kill, os.getpid(), signal.SIGINT))
    assert asked["write_later"] == min(at + 1, 3)
    assert asked["pack"] == max(0, at - 2)
    assert make(tmp_path, *FILM).frames == list(range(at + 1, 8))
    # What an earlier run left is spooled again at once; after one more frame the next segment is not settled yet.
    assert asked["write_later"] == min(at + 1, 3) + (2 if at == 4 else 0)
    assert sha256_of(tmp_path / "film.mp4") == quiet


def test_a_film_of_segments_too_short_to_tell_is_kept_as_well(
    tmp_path: Path, asked: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MIN_SPOOLED_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="a stone"):
        make(tmp_path, "duration=8f", "segment=2", at=4)
    assert (asked["write_later"], asked["pack"], asked["new"]) == (3, 2, 2)
    assert make(tmp_path, "duration=8f", "segment=2").frames == [5, 6, 7]


def encoder(path: Path) -> Encoder:
    return Encoder(path, width=64, height=48, fps=Fraction(24), encode=EncodeConfig())


def step(index: int, frame: Tensor) -> Step:
    return Step(index, frame, "", frame, {})


def test_frames_that_are_held_are_those_that_would_have_been_spooled(tmp_path: Path) -> None:
    frames = [torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(n)) for n in range(3)]
    held = OpenSegment(0, encoder(tmp_path / "held.mp4"), None, defer=True)
    kept = OpenSegment(1, encoder(tmp_path / "kept.mp4"), Spool(tmp_path / "kept.raw"))
    for index, frame in enumerate(frames):
        for each in (held, kept):
            each.add(step(index, frame))
    held.settle(Spool(tmp_path / "held.raw"))
    for each in (held, kept):
        each.encoder.__exit__(RuntimeError, RuntimeError(), None)
        each.close()
    assert (tmp_path / "held.raw").read_bytes() == (tmp_path / "kept.raw").read_bytes()
    assert (tmp_path / "held.raw").stat().st_size > 3 * 48 * 64
    assert torch.equal(held.canvas_on_cpu(), frames[2])
    assert held.pending is None


def test_frames_of_no_numbers_are_not_kept(tmp_path: Path) -> None:
    opening = OpenSegment(0, encoder(tmp_path / "a.mp4"), None, defer=True)
    opening.add(step(0, torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))))
    opening.add(step(1, torch.full((1, 3, 48, 64), torch.nan)))
    with pytest.raises(DreamError, match=r"frame 1 of .* no numbers"):
        opening.settle(Spool(tmp_path / "a.raw"))
    opening.encoder.__exit__(RuntimeError, RuntimeError(), None)
    assert opening.spool is None
    assert not list(tmp_path.iterdir())


def test_the_pace_is_that_of_the_last_frames_and_not_of_setting_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = iter(
        [
            0.0,
            *(9.0 + 0.5 * n for n in range(open_segment.TIMED_FRAMES)),
            *(100.0 + 2 * n for n in range(open_segment.TIMED_FRAMES)),
        ]
    )
    monkeypatch.setattr("pipeline.segments.open_segment.time.monotonic", lambda: next(ends))
    pace, found = FrameTimer(), []
    for _ in range(2 * open_segment.TIMED_FRAMES + 1):
        pace.frame()
        found.append(pace.seconds())
    assert found[: open_segment.TIMED_FRAMES - 1] == [None] * (open_segment.TIMED_FRAMES - 1)
    assert found[open_segment.TIMED_FRAMES - 1 : open_segment.TIMED_FRAMES + 2] == [0.5] * 3
    assert found[-1] == 2.0

"""Footage in chunks: equal in every engine, and equal to one piece where a scene begins."""

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.farm.__main__ import do_task
from pipeline.media.decode.probe import decode
from pipeline.plan.chunks import plan_chunks
from tests.farm.films import digest, render
from tests.media.drawing import draw
from tests.test_shot import planned

LOOK = (
    "source=video",
    "camera=static",
    "frame.fps=12",
    "flow.warmup=1",
    "score=constant",
    "score.targets=[class:owl]",
    "audio=none",
)


def clip(folder: Path, *, cut: bool) -> Path:
    """Two seconds of slowly moving colours; with a ``cut`` after 10 of 24 frames."""
    seconds = (10 / 12, 14 / 12) if cut else (2.0,)
    sources = [
        f"gradients=s=96x64:r=12:d={length:.6f}:speed=0.01:seed={seed}:{colors}"
        for seed, (length, colors) in enumerate(zip(seconds, ("c0=red:c1=black", "c0=blue:c1=white"), strict=False))
    ]
    inputs = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    joined = ("-filter_complex", f"concat=n={len(sources)}:v=1:a=0")
    return draw(folder / f"clip-{cut}.mp4", *inputs, *joined)


def frames(folder: Path) -> list[str]:
    return [hashlib.sha256(frame.tobytes()).hexdigest() for frame in decode(folder / "film.mp4")]


def test_chunks_in_tasks_are_those_of_one_machine(tmp_path: Path) -> None:
    words = (*LOOK, f"source.path={clip(tmp_path, cut=False)}", "farm.chunk=1s", "farm.pre_roll=6f")
    plan = planned(tmp_path, *words, "segment=4")
    render(tmp_path / "one", *words)
    render(tmp_path / "many", *words, "engine=script")
    tasks = sorted((tmp_path / "many").glob("film.mp4.work/task-*"))
    for task in reversed(tasks):
        do_task(task)
    render(tmp_path / "many", *words)
    assert (len(tasks), digest(tmp_path / "many")) == (2, digest(tmp_path / "one"))
    (shot,) = plan.shots
    assert plan_chunks(shot) == ((12, 6),)
    shown = [frame.astype(float) for frame in decode(tmp_path / "one" / "film.mp4")]
    steps = [abs(after - before).mean() for before, after in pairwise(shown)]
    assert steps[11] < 1.5 * sum(steps[6:11] + steps[12:17]) / 10  # from frame 11 to 12, where the chunks meet


def test_chunk_at_a_scene_has_the_frames_of_one_piece(tmp_path: Path) -> None:
    words = (*LOOK, f"source.path={clip(tmp_path, cut=True)}")
    (shot,) = planned(tmp_path, *words, "farm.chunk=1s", "segment=4").shots
    assert plan_chunks(shot) == ((12, 10),)
    render(tmp_path / "one", *words)
    render(tmp_path / "many", *words, "farm.chunk=1s")
    assert frames(tmp_path / "many") == frames(tmp_path / "one")


def test_chunk_is_no_shorter_than_a_segment(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"farm\.chunk=1s: a chunk has at least one segment, 48 frames"):
        planned(tmp_path, *LOOK, f"source.path={clip(tmp_path, cut=False)}", "farm.chunk=1s")

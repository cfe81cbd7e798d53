"""``frames=FIRST..END``: exactly these frames of the film, under the name that was given, of one shot or several."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.decode.probe import read_frame
from tests.counted import probe_and_count
from tests.forked import Program

SMALL = ("frame.width=96", "frame.height=64", "frame.fps=12", "start.steps=2", "dream.octaves=1", "segment=4")
SMALL = (*SMALL, "network=motifnet", "device=cpu")
ONE = ("duration=14f",)
SHOTS = "film=[{preset: spiral, duration: 9f}, {preset: breathing, duration: 8f, transition: crossfade, fade: 3f},"
SEVERAL = (f"{SHOTS} {{preset: spiral, duration: 6f, transition: zoom_through}}]",)  # 20 frames
LOOP = (*ONE, "loop=true", "preset=spiral")
LOOPS = (f"{SHOTS} {{preset: spiral, duration: 7f}}]", "loop=true")  # 21 frames


def frames(film: Path) -> list[np.ndarray]:
    if film.is_dir():
        return [read_frame(path, 0) for path in sorted(film.iterdir())]
    return [read_frame(film, index) for index in range(probe_and_count(film).frames)]


@pytest.fixture(scope="module")
def whole(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], list[np.ndarray]]:
    """The frames of a film, without loss. Each film is rendered once."""

    @cache
    def render(words: tuple[str, ...]) -> list[np.ndarray]:
        folder = tmp_path_factory.mktemp("whole")
        run = program.run(*SMALL, *words, "encode=ffv1", "output=whole.mkv", folder=folder)
        assert run.code == 0, run.err
        return frames(folder / "whole.mkv")

    return render


@pytest.mark.parametrize(
    ("words", "first", "stop"),
    [
        *((ONE, 5, 6), (ONE, 3, 9), (ONE, 0, 14), (SEVERAL, 5, 8), (SEVERAL, 7, 9), (SEVERAL, 2, 17)),
        *((LOOP, 0, 1), (LOOP, 12, 14), (LOOPS, 6, 9), (LOOPS, 20, 21)),
    ],
)
def test_part_has_exactly_its_frames(
    program: Program,
    tmp_path: Path,
    whole: Callable[[tuple[str, ...]], list[np.ndarray]],
    words: tuple[str, ...],
    first: int,
    stop: int,
) -> None:
    run = program.run(*SMALL, *words, "encode=ffv1", "output=p.mkv", f"frames={first}..{stop}", folder=tmp_path)
    assert (run.code, run.out.split()) == (0, ["p.mkv"]), run.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.mkv", "p.mkv.work"]
    expected = whole(words)[first:stop]
    assert all(np.array_equal(*pair) for pair in zip(frames(tmp_path / "p.mkv"), expected, strict=True))


@pytest.mark.parametrize("output", ["p.mp4", "p.gif encode=gif", "p encode=png"])
def test_part_is_whole_in_every_kind_of_file(program: Program, tmp_path: Path, output: str) -> None:
    run = program.run(*SMALL, *ONE, *f"output={output}".split(), "frames=3..9", folder=tmp_path)
    assert run.code == 0, run.err
    film = tmp_path / output.split()[0]
    assert len(list(film.iterdir()) if film.is_dir() else frames(film)) == 6


def test_parts_and_the_rest_share_their_frames(program: Program, tmp_path: Path) -> None:
    for part in ("frames=2..6", "frames=6..9"):
        run = program.run(*SMALL, *ONE, "output=p.mp4", part, folder=tmp_path)
        assert run.code == 0, run.err
    assert "p.mp4 was made from the same frames; the new film replaces it" in run.err
    run = program.run(*SMALL, *ONE, "output=p.mp4", folder=tmp_path)
    assert run.code == 0 and "resuming: 12 of 14 frames" in run.err, run.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.mp4", "p.mp4.poster.png", "p.mp4.run.yaml"]


def test_part_without_a_name_tells_its_frames(program: Program, tmp_path: Path) -> None:
    (made,) = [program.run(*SMALL, *ONE, "preset=spiral", "frames=1..3", folder=tmp_path) for _ in range(1)]
    again = program.run(*SMALL, *ONE, "preset=spiral", "frames=3..5", folder=tmp_path)
    assert (made.code, again.code) == (0, 0), made.err + again.err
    names = [Path(run.out.strip()).name for run in (made, again)]
    assert names == ["spiral-1-3.mp4", "spiral-3-5.mp4"]
    assert Path(made.out.strip()).parent == Path(again.out.strip()).parent


@pytest.mark.parametrize("part", ["frames=5..5", "frames=9..3", "frames=0..15", "frames=3", "frames=0..2 shots=1"])
def test_impossible_parts_are_refused(program: Program, tmp_path: Path, part: str) -> None:
    run = program.run(*SMALL, *ONE, "output=p.mp4", *part.split(), folder=tmp_path)
    assert run.code == 1 and run.err.startswith(("error: frames=", "error: shots=1")), run.err
    assert not list(tmp_path.iterdir())

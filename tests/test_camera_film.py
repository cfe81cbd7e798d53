"""Films with a camera that bends, shakes and mirrors: the same bytes after a stop, and named moves in shots."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.cli.compose import make_config
from pipeline.cli.sanitize import choices
from pipeline.errors import RenderError
from pipeline.plan.planner import plan_film
from pipeline.plan.score import plan_score
from tests.forked import Program
from tests.test_part import frames

SMALL = ("network=motifnet", "device=cpu", "frame.width=96", "frame.height=64", "frame.fps=12", "start.steps=2")
SMALL = (*SMALL, "dream.octaves=1", "segment=4", "duration=10f")
SHOTS = "film=[{preset: spiral, duration: 6f},{preset: spiral, duration: 6f, transition: zoom_through}]"
BENT = ("camera.shake=0.05", "camera.swirl=40*sin(t)", "camera.lens=0.4", "camera.shear=[0.1,0]", "camera.symmetry=5")
BENT = (*BENT, "camera.relief=1", "camera.dolly=0.5", "camera.yaw=9", "dream.echo=0.5", "camera.zoom=0.6+0.3*sin(5*t)")


def test_bent_film_has_the_same_bytes_after_a_stop(program: Program, tmp_path: Path) -> None:
    for name, parts in (("whole", ()), ("stopped", ("frames=0..4", "frames=4..8"))):
        folder = tmp_path / name
        folder.mkdir()
        for part in (*parts, ""):
            run = program.run(*SMALL, *BENT, *part.split(), "output=film.mp4", folder=folder)
            assert run.code == 0, run.err
    assert "resuming: 8 of 10 frames" in run.err
    assert (tmp_path / "whole" / "film.mp4").read_bytes() == (tmp_path / "stopped" / "film.mp4").read_bytes()


@pytest.mark.parametrize("words", [("loop=true", "duration=16f"), (SHOTS, "duration=12f")])
def test_trails_run_through_loops_and_transitions(program: Program, tmp_path: Path, words: tuple[str, ...]) -> None:
    run = program.run(*SMALL, "dream.echo=0.6", *words, "output=film.mp4", folder=tmp_path)
    assert run.code == 0, run.err


@pytest.mark.parametrize("move", choices("move"))
def test_move_changes_the_camera_alone_and_stays_in_range(move: str, tmp_path: Path) -> None:
    config = make_config(["preset=spiral", f"move={move}", "network=motifnet"])
    before = make_config(["preset=spiral", "network=motifnet"])
    assert config.camera != before.camera
    config_camera, config.camera = config.camera, before.camera
    assert config == before
    config.camera = config_camera
    plan_score(plan_film(config, tmp_path, "film").shots[0])  # evaluates every frame


def test_typed_camera_wins_over_a_move_and_shots_take_moves() -> None:
    assert make_config(["camera.zoom=1.7", "move=orbit"]).camera.zoom == 1.7
    config = make_config(["film=[{preset: spiral, move: orbit},{move: push_in, look: fur}]"])
    orbit, push_in = (make_config([f"move={name}"]).camera for name in ("orbit", "push_in"))
    assert config.film[0]["camera"]["rotate"] == orbit.rotate and config.film[1]["camera"]["zoom"] == push_in.zoom
    assert config.film[1]["score"]["targets"] == make_config(["look=fur"]).score.targets
    with pytest.raises(RenderError, match="push_in"):
        make_config(["film=[{move: push_inn}]"])


def test_sphere_has_no_seam_and_resumes(program: Program, tmp_path: Path) -> None:
    words = (
        *SMALL[:2],
        "frame.fps=12",
        "start.steps=6",
        "dream.octaves=2",
        "segment=2",
        "frame.width=160",
        "format=sphere",
    )
    words = (*words, "duration=6f", "camera.yaw=20", "encode=ffv1", "output=film.mkv")
    for name, parts in (("whole", ()), ("stopped", ("frames=0..2",))):
        folder = tmp_path / name
        folder.mkdir()
        for part in (*parts, ""):
            run = program.run(*words, *part.split(), folder=folder)
            assert run.code == 0, run.err
    films = [tmp_path / name / "film.mkv" for name in ("whole", "stopped")]
    assert films[0].read_bytes() == films[1].read_bytes()
    steps = [np.abs(np.roll(frame, -1, 1) - frame).mean(axis=(0, 2)) for frame in map(np.float64, frames(films[0]))]
    across = np.mean(steps, axis=0)  # from each column to the next; the last one is from the right side to the left
    assert across[-1] < 1.3 * across[:-1].mean()


@pytest.mark.parametrize("words", ["format=dome frame.width=96", "camera=flight frame.stereo=side_by_side"])
def test_dome_and_two_eyes_render(program: Program, tmp_path: Path, words: str) -> None:
    size = SMALL[:2] if "dome" in words else SMALL[:4]
    shown = (*size, "frame.fps=12", "start.steps=2", "dream.octaves=1", "duration=3f", "color.palette=dusk")
    run = program.run(*shown, *words.split(), "output=film.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    assert len(frames(tmp_path / "film.mp4")) == 3


@pytest.mark.parametrize(
    "words", ["format=sphere camera.swirl=4", "format=sphere camera.mirror=x", "frame.aspect=16:9"]
)
def test_sphere_refuses_what_is_flat(words: str, tmp_path: Path) -> None:
    config = make_config(["network=motifnet", *words.split(), "frame.projection=equirect"])
    with pytest.raises(RenderError, match="all around"):
        plan_film(config, tmp_path, "film")


def test_footage_is_not_mirrored(program: Program, tmp_path: Path) -> None:
    run = program.run("source=video", "source.path=clip.mp4", "camera.symmetry=4", folder=tmp_path)
    assert run.code == 1 and run.err.count("\n") <= 2

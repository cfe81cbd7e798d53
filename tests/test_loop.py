"""A loop has no jump: its last frame leads to its first as any frame leads to the next."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline import film
from pipeline.config import CameraRates
from pipeline.errors import ConfigError
from pipeline.media.decode.probe import decode
from pipeline.motion.camera import Camera
from pipeline.motion.loop_closure import LEAD_FRAMES, LoopClosure, LoopTargets
from pipeline.motion.stage import Zoom
from pipeline.runtime.files import sha256_of
from pipeline.segments.shot_render import discontinuities
from tests.forked import Program
from tests.media.drawing import video
from tests.music.drawn import Drawing
from tests.test_shot import planned, shot_of

SMALL = (
    *("frame.width=96", "frame.height=64", "frame.fps=12", "dream.octaves=2", "start.steps=4", "encode.quality=best"),
    *("network=motifnet", "segment=12", "loop=true", "duration=36f", "score=constant", "score.targets=[class:owl]"),
)


def fail() -> None:
    raise RuntimeError("a stone")


class FailAtFrame:
    """Raises an error at a frame."""

    def __init__(self, at: int) -> None:
        self.at, self.frames = at, list[int]()

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        self.frames.append(index)
        if index == self.at:
            fail()

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def differences(path: Path) -> tuple[float, list[float]]:
    """(last to first, every frame to the next), mean absolute, of the decoded film."""
    frames = [frame.astype(np.float32) for frame in decode(path)]
    return float(np.abs(frames[0] - frames[-1]).mean()), [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]


@pytest.mark.parametrize("zoom", [1.5, 0.8])
def test_loop_jump_is_at_most_the_median_step(tmp_path: Path, zoom: float) -> None:
    plan = planned(tmp_path, *SMALL, f"output={tmp_path}/loop.mp4", f"camera.zoom={zoom}")
    film.render(plan)
    seam, steps = differences(tmp_path / "loop.mp4")
    assert len(steps) == 35
    assert seam <= float(np.median(steps)), (seam, steps)
    assert max(steps[-18:]) < 2 * max(steps[:-18])  # no jump where the end begins to return


def test_latent_walk_on_a_song_closes_and_resumes_the_same(program: Program, tmp_path: Path) -> None:
    """Its speed follows the bass, and it is killed on the way."""
    song = Drawing(120, seconds=2.5).save(tmp_path / "song.wav")
    words = [word for word in SMALL if not word.startswith(("duration", "segment", "frame.fps"))]
    words += ["preset=latent_walk", "imagine.z=class:owl", "imagine.speed=0.3+0.4*bass", "audio.path=song.wav"]
    words += ["frame.fps=8", "duration=2.5s", "segment=4", "output=film.mp4"]
    words += ["color.chroma_smoothing=0", "color.denoise=0"]  # the end of a graded film does not run ahead
    films = []
    for name, events in (("whole", ("",)), ("killed", ("SIGKILL", ""))):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(song, folder)
        for event in events:
            run = program.run(*words, folder=folder, event=event)
            assert run.code == (-9 if event else 0), run.err
        films.append((folder / "film.mp4").read_bytes())
    assert films[0] == films[1]
    seam, steps = differences(tmp_path / "whole" / "film.mp4")
    assert seam <= float(np.median(steps)), (seam, steps)


def test_loop_of_several_shots_closes_and_resumes(tmp_path: Path) -> None:
    shots = "film=[{duration: 20f},{camera: static, duration: 30f}]"
    for name, stop in (("quiet", None), ("stopped", 40)):
        plan = planned(tmp_path, *SMALL, "duration=null", shots, f"output={tmp_path}/{name}.mp4")
        assert plan.frames == 50
        if stop:
            with pytest.raises(RuntimeError, match="a stone"):
                film.render(plan, (FailAtFrame(stop),))
        film.render(planned(tmp_path, *SMALL, "duration=null", shots, f"output={tmp_path}/{name}.mp4"))
    seam, steps = differences(tmp_path / "quiet.mp4")
    assert len(steps) == 49
    assert seam <= float(np.median(steps))
    quiet, stopped = (list(decode(tmp_path / f"{name}.mp4")) for name in ("quiet", "stopped"))
    assert all(np.array_equal(a, b) for a, b in zip(quiet, stopped, strict=True))


def test_loop_stopped_as_it_closes_resumes_the_same(tmp_path: Path) -> None:
    arguments = (*SMALL, "duration=24f", f"output={tmp_path}/loop.mp4")
    film.render(planned(tmp_path, *arguments))
    quiet = sha256_of(tmp_path / "loop.mp4")
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(RuntimeError, match="a stone"):
        film.render(planned(tmp_path, *arguments), (FailAtFrame(20),))
    film.render(planned(tmp_path, *arguments))
    assert sha256_of(tmp_path / "loop.mp4") == quiet


def test_footage_and_flashes_do_not_loop(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="loop=true: a loop needs a few frames"):
        planned(tmp_path, *SMALL, "duration=2f")


def test_notes_name_what_does_not_loop(tmp_path: Path) -> None:
    shots = ("duration=null", "film=[{duration: 20f},{camera: static, duration: 40f}]")
    assert planned(tmp_path, *SMALL, *shots).notes == (
        "loop=true: shot 2 turns into the beginning of shot 1 over its last 0.833s",
    )
    song = Drawing(bpm=120, seconds=9.0).save(tmp_path / "song.wav")
    music = (*SMALL, f"audio.path={song}", "audio.bpm=120", "audio.downbeat=0.3s")
    (breaks,) = planned(tmp_path, *music, "duration=4s").notes
    assert breaks == "loop=true applies to the pictures: the song breaks off where the film begins again"
    grows = planned(tmp_path, *SMALL, "+preset=sleep", "duration=4s").notes
    assert [note for note in grows if "imagine.age" in note]
    assert not planned(tmp_path, *SMALL, "+preset=latent_walk", "duration=4s").notes
    assert planned(tmp_path, *music, "duration=4s", "audio=none").notes == ()
    stumbles = planned(tmp_path, *music, "duration=null", "film=[{duration: 2bar},{}]").notes[-1]
    assert stumbles == "the loop lasts 4.5 bars, so the beat stumbles; duration=4bar keeps it steady"
    (stumbles,) = planned(tmp_path, *SMALL, "audio.bpm=100", "duration=30f").notes
    assert stumbles == "the loop lasts 1.04 bars, so the beat stumbles; duration=1bar keeps it steady"
    clip = video(tmp_path / "clip.mp4")
    with pytest.raises(ConfigError, match="loop=true: shot 2 is footage, which does not end where it began"):
        planned(tmp_path, *SMALL, "duration=null", f"film=[{{}},{{preset: footage, source.path: {clip}}}]")
    with pytest.raises(ConfigError, match="loop=true: footage does not end where it began"):
        planned(tmp_path, *SMALL, "source=video", f"source.path={clip}", "duration=1s")


@pytest.mark.parametrize("bpm", [97.3, 120, 124])
def test_bars_of_a_loop_are_a_length(tmp_path: Path, bpm: float) -> None:
    bar = 240 / bpm
    song = Drawing(bpm=bpm, seconds=3.7 * bar).save(tmp_path / "song.wav")
    music = (*SMALL, f"audio.path={song}", "audio=none", f"audio.bpm={bpm}", "audio.downbeat=0.3s")
    for shots in ((), ("film=[{duration: 1bar},{duration: 1bar},{duration: 1bar}]",)):
        (stumbles,) = (note for note in planned(tmp_path, *music, "duration=null", *shots).notes if "stumbles" in note)
        assert stumbles.endswith("bars, so the beat stumbles; duration=3bar keeps it steady")
        plan = planned(tmp_path, *music, "duration=3bar", *shots)
        assert plan.frames == round(3 * bar * 12)
        assert not [note for note in plan.notes if "stumbles" in note]
    assert planned(tmp_path, *music, "duration=3bar", "loop=false").frames == round((0.3 + 3 * bar) * 12)


def test_numbers_that_do_not_loop_are_named(tmp_path: Path) -> None:
    owls = ("score=cycle", "score.targets=[class:owl,class:flower]", "score.fade=0.5s")
    stray = planned(tmp_path, *SMALL, *owls, "score.hold=2s", "camera.zoom='0s: 1.1, 100%: 1.9'")  # of three seconds
    assert discontinuities(shot_of(stray)) == ["camera.zoom"]
    whole = planned(tmp_path, *SMALL, *owls, "score.hold=1.5s", "camera.zoom='1.4+0.3*sin(2*pi*t/3)'")
    assert discontinuities(shot_of(whole)) == []


@pytest.mark.parametrize("kind", ["cycle", "fractal"])
def test_loop_ends_on_its_first_targets(tmp_path: Path, kind: str) -> None:
    arguments = ("score.targets=[class:owl,class:flower,class:fish]", "score.hold=0.8s", "camera.zoom=1.5")
    plan = planned(tmp_path, *SMALL, f"score={kind}", *arguments)  # of three seconds
    score, end = shot_of(plan).score, plan.frames / float(plan.fps)
    assert plan.shots[0].handles.loop_period == plan.frames
    for scale in plan.shots[0].scales():
        weights = [score.octave_weights(k * end / 300, scale) for k in range(301)]
        weights.append(score.octave_weights(0, scale))
        steps = [sum(abs(a.get(n, 0) - b.get(n, 0)) for n in {*a, *b}) for a, b in pairwise(weights)]
        assert max(steps) < 0.12
        assert max(steps) > 0  # something changed on the way


def test_loop_closure_fades_to_its_last_target() -> None:
    camera = Camera(lambda index: CameraRates(), 24.0)
    black, white = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    stage = LoopClosure(Zoom(camera, (8, 8)), lambda number: white, first=3, frames=7)
    means = [float(stage.finish(black, index).mean()) for index in range(10)]
    assert means[:3] == [0, 0, 0] and means == sorted(means) and 0 < means[3] < 0.1 and means[-1] == 1


def test_loop_targets_can_be_read_from_any_number_on() -> None:
    def frames() -> Iterator[Tensor]:
        return (torch.full((1, 3, 2, 2), float(value)) for value in range(6))

    targets = LoopTargets(frames, 5)
    means = [float(targets(number).mean()) for number in range(5)]
    assert means == pytest.approx([n + LEAD_FRAMES * (n + 1) / 5 for n in range(5)])
    assert float(LoopTargets(frames, 5)(3).mean()) == means[3]
    assert float(targets(1).mean()) == means[1]

"""A camera: a drawn clip through its reader, stillness dreams and motion shows through, and the film of it."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from pipeline.errors import ConfigError, InputError
from pipeline.media.decode.probe import decode
from pipeline.media.decode.video_input import VideoInput, input_arguments
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.motion.content_mask import Stillness
from tests.counted import probe_and_count
from tests.forked import Program
from tests.live.stage import Script, play
from tests.media.drawing import video

# Left stands still, a bar runs up and down on the right.
CLIP = "color=c=0x507040:s=96x64:r=24:d=6,drawbox=x=8:y=8:w=24:h=40:c=0xc09060:t=fill"
BAR = f"{CLIP}[a];color=c=white:s=24x16:r=24:d=6[b];[a][b]overlay=x=66:y='24+20*sin(6*t)'"
CAMERA = ("preset=footage", "source=camera", "flow.warmup=0", "dream.strength=0.6", "flow.keep_light=0")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video(tmp_path_factory.mktemp("clip") / "clip.mp4", BAR, "-c:v", "libx264", "-qp", "4")


def test_newest_frame_is_in_time(tmp_path: Path) -> None:
    """Each second of the clip is twice as bright as the one before; it runs as fast as the clock, and again."""
    ramp = video(tmp_path / "ramp.mkv", "color=s=64x48:r=24:d=2,geq=lum='16+180*T/2':cb=128:cr=128", "-c:v", "ffv1")
    with VideoInput(str(ramp), (32, 32)) as camera:
        began, levels = time.monotonic(), []
        while time.monotonic() - began < 3.2:
            frame = camera.newest()
            levels.append(float(frame.mean()))
            time.sleep(0.05)
    assert frame.shape == (1, 3, 32, 32)
    rises = np.diff(levels)
    assert (rises < -0.5).sum() == 1 and np.median(rises) == pytest.approx(0.41 / 20, abs=0.012)


def test_places_count_as_still_after_a_while() -> None:
    stillness, flow = Stillness(10), torch.zeros(1, 2, 64, 96)
    flow[..., 64:] = 3.0
    moving = stillness.update(flow, (64, 96), 12.0)
    assert float(moving[..., :8].min()) == 1 and float(moving[..., -4:].max()) == 0
    for _ in range(5):
        half = stillness.update(torch.zeros_like(flow), (64, 96), 12.0)
    assert float(half[..., -1].max()) == pytest.approx(0.5)
    whole = stillness.update(None, (64, 96), 12.0, 5.0)
    assert float(whole.min()) == 1


def added(folder: Path, script: Script) -> tuple[float, float]:
    """How much the dream has added to the recorded frames where the clip stands still, and where it moves."""
    played = [frame for frame, state in zip(script.frames, script.states, strict=True) if state["label"] != "growing"]
    recorded = decode(folder / "session.camera.mkv")
    apart = [np.abs(to_bytes(a).astype(float) - b) for a, b in zip(played, recorded, strict=True)][8:]
    return float(np.mean([each[4:60, 4:40] for each in apart])), float(np.mean([each[4:60, 66:90] for each in apart]))


def test_stillness_dreams_and_motion_shows_through(tmp_path: Path, clip: Path) -> None:
    script = play(tmp_path, {}, *CAMERA, f"source.path={clip}", until="5s", still="1s")
    assert not script.output
    still, moving = added(tmp_path, script)
    assert still > 6 and moving < 0.5 * still


@pytest.mark.parametrize("kind", ["camera", "video"])
def test_film_of_a_session_dreams_over_its_recording(tmp_path: Path, program: Program, clip: Path, kind: str) -> None:
    gestures = {6: [{"control": "camera.zoom", "value": 1.2}], 8: [{"do": "noise"}]}
    script = play(tmp_path, gestures, *CAMERA, f"source={kind}", f"source.path={clip}", until="4s")
    assert not script.output
    config = yaml.safe_load((tmp_path / "session.yaml").read_text())["config"]
    assert config["flow"]["still"] == ("2s" if kind == "camera" else None)
    assert [shot["source"]["start"] for shot in config["film"]] == ["0s", "2s"]
    assert probe_and_count(tmp_path / "session.camera.mkv").frames == 16
    run = program.run("from=session.yaml", "output=film.mkv", "encode=ffv1", folder=tmp_path)
    assert run.code == 0, run.err
    film = list(decode(tmp_path / "film.mkv"))
    played = [frame for frame, state in zip(script.frames, script.states, strict=True) if state["label"] != "growing"]
    assert len(film) == len(played) == 16
    assert max(float(np.abs(to_bytes(a).astype(int) - b).max()) for a, b in zip(played, film, strict=True)) <= 1


def test_film_takes_no_camera_and_the_camera_must_be_there(tmp_path: Path, program: Program) -> None:
    run = program.run("preset=footage", "source=camera", "network=motifnet", folder=tmp_path)
    assert run.code == 1 and "pipeline.live" in run.err
    for written in ("/dev/video999", "999", "http://example.org/stream", "/etc/hostname2", "-i"):
        with pytest.raises(ConfigError, match=r"source\.path"):
            input_arguments(written)
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError), VideoInput(str(tmp_path / "text.mp4"), (32, 32)):
        pass

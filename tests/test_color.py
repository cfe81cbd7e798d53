"""Coloured films: nothing is fed back, resuming gives the same bytes, files are part of what a film is."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from pipeline import film
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.make_atlas import make_atlas
from pipeline.cli import from_film
from pipeline.cli.compose import REPEAT, make_config
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, InputError, Interrupted, OutputError, RenderError
from pipeline.media.decode.probe import decode
from pipeline.runtime.files import sha256_of
from pipeline.storyboard.sketch import draft, sketch
from tests.color.drawing import save_cube
from tests.segments.test_resume import make
from tests.test_shot import TINY, planned, run, shot_of

SMALL = ("network=motifnet", *TINY)
GREY = "color.saturation=0"


def write_files(folder: Path, *, blue: float = 0.9) -> tuple[str, ...]:
    """A palette, a table and moving numbers."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8)).save(folder / "colors.png")
    save_cube(folder / "film.cube", lambda r, g, b: (r * 0.8, g, b * blue))
    moving = ("color.palette_strength='0f: 0, 10f: 1'", "color.contrast='1 + t/2'", "color.temperature=0.2")
    return (*moving, f"color.palette={folder}/colors.png", f"color.lut={folder}/film.cube")


def pixels(path: Path) -> NDArray[np.uint8]:
    return np.stack(list(decode(path)))


def spread(frames: NDArray[np.uint8]) -> int:
    """The largest difference between the channels of a pixel."""
    return int(np.ptp(frames.astype(int), axis=-1).max())


def test_colors_are_shown_and_never_fed_back(tmp_path: Path) -> None:
    plain, grey = (shot_of(planned(tmp_path, *SMALL, "duration=3f", *more)) for more in ((), (GREY,)))
    canvas = list(plain.begin())[-1]
    for before, after in zip(plain.render(canvas), grey.render(canvas), strict=True):
        assert torch.equal(before.canvas, after.canvas) and torch.equal(before.frame, before.canvas)
        assert float((after.frame - after.frame[:, :1]).abs().max()) < 1e-4 and not torch.equal(
            after.frame, after.canvas
        )


def test_numbers_follow_the_score(tmp_path: Path) -> None:
    frames = run(planned(tmp_path, *SMALL, "duration=5f", "color.saturation='0f: 0, 4f: 1'"))
    chroma = [float((frame - frame.mean(dim=1, keepdim=True)).abs().mean()) for frame in frames]
    assert chroma[0] < 1e-4 and chroma == sorted(chroma)
    assert torch.equal(frames[-1], run(planned(tmp_path, *SMALL, "duration=5f"))[-1])


def test_stopped_film_resumes_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.segments.writer.MIN_SPOOLED_SECONDS", 0.0)
    files = write_files(tmp_path)
    make(tmp_path / "whole", "duration=10f", *files)
    with pytest.raises(Interrupted):
        make(tmp_path / "stopped", "duration=10f", *files, at=5, act=lambda: os.kill(os.getpid(), signal.SIGINT))
    write_files(tmp_path, blue=0.5)
    with pytest.raises(OutputError, match=r"inputs.color.lut.sha256: "):
        make(tmp_path / "stopped", "duration=10f", *files)
    write_files(tmp_path)
    assert make(tmp_path / "stopped", "duration=10f", *files).frames == [6, 7, 8, 9]
    assert sha256_of(tmp_path / "stopped" / "film.mp4") == sha256_of(tmp_path / "whole" / "film.mp4")


def test_neutral_film_resumes_and_a_colored_one_is_another(tmp_path: Path) -> None:
    make(tmp_path, "duration=4f", "keep_segments=true")
    with pytest.raises(OutputError, match=r"\(color.saturation: null → 0\); "):
        make(tmp_path, "duration=4f", GREY)
    assert make(tmp_path, "duration=4f", "color.saturation=1").frames == []


def test_loop_closes_on_the_colors_of_the_dream(tmp_path: Path) -> None:
    loop = ("loop=true", "duration=8f", "frame.fps=4", "segment=4", "encode=ffv1", "keep_segments=true")
    for name, more in (("plain", ()), ("grey", (GREY,))):
        film.render(planned(tmp_path, *SMALL, *loop, f"output={tmp_path}/{name}.mkv", *more))
    plain, grey = pixels(tmp_path / "plain.mkv"), pixels(tmp_path / "grey.mkv")
    assert spread(grey) <= 1 and spread(plain) > 30
    light = plain.astype(float) @ (0.2126, 0.7152, 0.0722)
    assert np.corrcoef(light[:-1].ravel(), grey[:-1, ..., 0].ravel())[0, 1] > 0.99
    canvas = load_file(max(tmp_path.glob("grey.mkv.work/shot-001/*.safetensors")))["canvas"]
    assert float((canvas - canvas.mean(dim=1, keepdim=True)).abs().mean()) > 0.02


def test_record_names_files_and_a_repeated_film_asks_for_them(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    make(tmp_path / "film", "duration=4f", *files)
    source = f"from={tmp_path}/film/film.mp4.run.yaml"
    assert str(tmp_path) not in Path(source[5:]).read_text()
    with pytest.raises(RenderError, match=r"color.(palette|lut): .* was made from a .* named (colors.png|film.cube)"):
        from_film.extract([source])
    rest, repeat = from_film.extract([source, *files[-2:]])
    config = make_config(rest, REPEAT)
    assert (config.color.contrast, config.color.temperature) == ("1 + t/2", 0.2)
    assert repeat is not None and not list(repeat.notes(config))
    make(tmp_path / "named", "duration=4f", "color.palette=dusk")
    rest, _ = from_film.extract([f"from={tmp_path}/named/film.mp4.run.yaml"])
    assert make_config(rest, REPEAT).color.palette == "dusk"


def test_storyboard_shows_colors(tmp_path: Path, tiny: Network) -> None:
    small = ("frame.width=64", "frame.height=48", "dream.octaves=1", "start.steps=2", "network=motifnet")
    plan = planned(tmp_path, *small, "score.targets=[two:3]", "duration=1s", GREY)
    for moment in sketch(draft(plan.shots[0]), tiny, lambda: False):
        assert float((moment.frame - moment.frame[:, :1]).abs().max()) < 1e-4
        assert float((moment.canvas - moment.canvas[:, :1]).abs().max()) > 0.01


def test_atlas_shows_colors_and_caches_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = AtlasConfig(layers=["stage1"], channels="0..2", size=32, steps=1, page=False)
    means = []
    for name, more in (("grey", (GREY,)), ("plain", ())):
        (sheet,) = make_atlas(make_config(["network=motifnet", *more]), settings, tmp_path / name)
        with Image.open(sheet) as image:
            means.append(np.ptp(np.asarray(image.convert("RGB")).astype(float), axis=-1).mean())
    assert means[0] < means[1] - 0.1


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ("color.palette=duks", InputError, "color.palette=duks: there is no such picture .*dusk"),
        ("color.lut=nowhere.cube", InputError, "color.lut=nowhere.cube"),
        ("color.saturation='0s: 1, 1s: 9'", ConfigError, "color.saturation=.* between 0 and 4"),
    ],
)
def test_impossible_colors_are_refused(tmp_path: Path, setting: str, error: type[RenderError], message: str) -> None:
    with pytest.raises(error, match=message):
        shot_of(planned(tmp_path, *SMALL, "duration=25f", setting))

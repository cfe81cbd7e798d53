"""The score as data and as a chart: the numbers of the render, without a network."""

import json
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose as compose_config
from hydra import initialize_config_dir
from PIL import Image

from pipeline.build import build_shot
from pipeline.cli import compose
from pipeline.dream import model_zoo
from pipeline.image import resize
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.plan.score import plan_score
from pipeline.plan.score_chart import BEAT_LANE, CURVE_LANE, GAP, LANE, LEFT, SONG_LANE, TOP, as_png
from pipeline.plan.score_data import film_score, sample_score
from tests.music.drawn import RATE, save
from tests.targets.notation import text_weights

SMALL = ("frame.width=96", "frame.height=64", "duration=3s", "frame.fps=10")
MOTIFNET = "network=motifnet"
SCORES = {
    "cycle": ("score.hold=1s",),
    "fractal": ("+preset=fractal_zoom", "camera.zoom='0s: 1.2, 2s: 1.9 in-out'"),
    "drawn": ("score.random_channels=5", "score.hold=0.5s", "seed=4"),
    "walk": (MOTIFNET, "score=walk", "score.layers=[stage2]", "score.hold=0.4s", "score.fade=0.2s"),
    "keys": (
        MOTIFNET,
        "score=keys",
        "score.keys=[{at: 1s, see: class:owl, weight: '0s: 1, 3s: 0'}, {at: 50%, see: stage4}]",
    ),
    "bound": (MOTIFNET, "score=constant", 'score.targets=["class:owl[coarse]","-0.5*dir:stage4:3..9{left}"]'),
    "moving": ("dream.strength='0.5 + 0.2*sin(t)'", "camera.pan=[0.1*t, 0]", "dream.fill='0s: 0, 1s: 1'"),
}


def planned(tmp_path: Path, *overrides: str) -> FilmPlan:
    compose.register()
    with initialize_config_dir(str(compose.CONF), version_base="1.3"):
        config = compose.read(compose_config("config", list(overrides)))
    return plan_film(config, tmp_path, "film")


def draw(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "pipeline.score", *arguments]
    return subprocess.run(program, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", SCORES)
def test_the_data_are_what_the_render_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plan = planned(tmp_path, *SMALL, *SCORES[name])
    sheet = sample_score(plan_score(plan.shots[0]), float(plan.fps), plan.frames, plan.shots[0].scales())
    shot = build_shot(plan.shots[0], model_zoo.build(plan.config.network))
    octaves = dict(sheet.octaves) or dict.fromkeys(plan.shots[0].scales(), sheet.targets)
    assert list(octaves) == pytest.approx(sorted(plan.shots[0].scales(), reverse=bool(sheet.octaves)))
    for index in range(plan.frames):
        seconds = index / float(plan.fps)
        cue = shot.score.at(seconds)
        assert {lane: values[index] for lane, values in sheet.lanes.items()} == shot.score.numbers(seconds)
        for scale, targets in octaves.items():
            assert targets[index] == text_weights(cue.targets(scale))


def test_plan_and_dreamer_agree_on_scales(tmp_path: Path) -> None:
    plan = planned(tmp_path, *SMALL, "frame.scale=3")
    shot = build_shot(plan.shots[0], model_zoo.build(plan.config.network))
    scales: set[float] = set()
    cue = shot.score.at(0.0)
    shot.dreamer.dreamer.dream(
        resize(shot.canvas, shot.size),
        lambda scale: scales.add(scale) or cue.targets(scale),  # type: ignore[func-returns-value]
        cue.dream,
        1 / 24,
        torch.Generator().manual_seed(0),
    )
    assert scales <= set(plan.shots[0].scales())


def test_chart_and_data_are_written(tmp_path: Path) -> None:
    run = draw(*SMALL, "+preset=fractal_zoom", "output=score.png", "export=score.json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["score.png", "score.json"]
    assert {path.name for path in tmp_path.iterdir()} == {"score.png", "score.json"}
    data: dict[str, Any] = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))
    assert (data["fps"], data["frames"]) == (10, 30)
    assert {"camera.zoom", "camera.pan.x", "dream.strength"} <= data["lanes"].keys()
    assert all(len(values) == 30 for values in (*data["lanes"].values(), data["targets"]))
    assert all(sum(sight.values()) == pytest.approx(1) for sight in data["targets"])
    with Image.open(tmp_path / "score.png") as picture:
        pixels = np.asarray(picture.convert("HSV"))
    assert pixels.shape[1] == 1600 and pixels.shape[0] > 300
    coloured = (pixels[..., 1] > 90) & (pixels[..., 2] > 150)
    assert coloured.mean() > 0.1  # the bars
    assert len(np.unique(pixels[coloured][:, 0] // 16)) >= 3  # of several targets


def test_a_short_and_a_long_film_are_drawn(tmp_path: Path) -> None:
    for duration in ("1f", "30m"):
        run = draw(f"duration={duration}", "frame.fps=5", f"output={duration}.png", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        with Image.open(tmp_path / f"{duration}.png") as picture:
            assert picture.width == 1600


def test_assumed_beats_are_marked(tmp_path: Path) -> None:
    hum = save(tmp_path / "hum.wav", 0.3 * np.sin(2 * np.pi * 220 * np.arange(3 * RATE) / RATE))
    sheet = film_score(planned(tmp_path, *SMALL, f"audio.path={hum}"))
    assert sheet.music is not None and sheet.music.counted
    given = film_score(planned(tmp_path, *SMALL, f"audio.path={hum}", "audio.bpm=90"))
    assert given.music is not None and not given.music.counted
    alone = replace(sheet, music=replace(sheet.music, counted=False))
    with_words, without = (opened(as_png(each, "hum")) for each in (sheet, alone))
    changed = np.argwhere(np.abs(with_words - without).max(axis=-1))
    assert len(changed) > 100 and changed[:, 1].max() < LEFT  # text next to the lane, nothing in it
    metronome = opened(as_png(film_score(planned(tmp_path, *SMALL, "audio.bpm=128")), "bpm"))
    assert metronome.shape[0] == without.shape[0] - SONG_LANE + BEAT_LANE
    lane = metronome[TOP : TOP + BEAT_LANE, LEFT:]
    assert (np.abs(lane - LANE).max(axis=-1) > 60).sum() > 50  # bars and their numbers are in it


def opened(png: bytes) -> np.ndarray:
    with Image.open(BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def test_numbers_that_stand_still_are_one_line(tmp_path: Path) -> None:
    still = film_score(planned(tmp_path, *SMALL))
    moving = film_score(planned(tmp_path, *SMALL, "camera.zoom='1.2+0.1*sin(t)'", "dream.detail='1+0.5*cos(t)'"))
    difference = opened(as_png(moving, "a")).shape[0] - opened(as_png(still, "a")).shape[0]
    assert difference == 2 * (CURVE_LANE + GAP)


def test_chart_path_follows_the_output(tmp_path: Path) -> None:
    assert draw(*SMALL, "output=films/a.mp4", cwd=tmp_path).stdout.split() == ["films/a.mp4.score.png"]
    (path,) = draw(*SMALL, cwd=tmp_path).stdout.split()
    assert Path(path).name == "score.png" and "outputs" in path


def test_existing_charts_need_overwrite(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("precious")
    run = draw(*SMALL, "output=a.png", "export=a.json", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr == "error: a.json exists already; give overwrite=true to replace it, or another export=\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert draw(*SMALL, "output=a.png", "export=a.json", "overwrite=true", cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.json").read_text().startswith('{"fps"')


def test_the_score_command_loads_no_torch(tmp_path: Path) -> None:
    code = "import sys\nfrom pipeline.score import __main__ as score\n"
    code += f"sys.argv = ['score', *{[*SMALL, 'score.random_channels=5', 'output=s.png']!r}]\n"
    code += "try: score.main()\nfinally: print('torch' in sys.modules, 'cv2' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.stdout.split() == ["s.png", "False", "False"], run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export="], "error: export=: name a file"),
        (
            ["score.targets=[block99]"],
            "error: score.targets=block99: efficientnet_lite0 has no such layer (did you mean",
        ),
        (["camera.zoom=2-t"], "error: camera.zoom="),
        (["score.targets=[guide:no.jpg]"], "error: score.targets=guide:no.jpg: there is no file no.jpg"),
        (['score.targets=["class:owl{lefft}"]'], "there is no file lefft (did you mean left?)"),
        (["score=guided"], "error: score.guide=null: score=guided needs the picture"),
        (["output=/proc/s.png"], "error: /proc/s.png cannot be written"),
    ],
)
def test_errors_are_one_sentence(tmp_path: Path, arguments: list[str], message: str) -> None:
    run = draw(*SMALL, *arguments, cwd=tmp_path)
    assert run.returncode == 1
    assert message in run.stderr and len(run.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_render_has_no_export(tmp_path: Path) -> None:
    for written in ("export=s.json", "+export=s.json"):
        program = [sys.executable, "-m", "pipeline.render", written]
        run = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert run.returncode == 1
        assert run.stderr.startswith("error: export: ") and "python -m pipeline.score" in run.stderr


def test_help_teaches_both_commands() -> None:
    for module, other in (("render", "score"), ("score", "render")):
        program = [sys.executable, "-m", f"pipeline.{module}", "--help=all"]
        text = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True).stdout
        assert f"python -m pipeline.{module}" in text and f"python -m pipeline.{other}" in text
        assert "export=score.json" in text and "guide:photo.jpg" in text

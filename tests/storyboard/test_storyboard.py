"""The storyboard: the same motion and score in fewer frames, one sheet and an estimate."""

import math
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from PIL import Image

from pipeline.cli import compose as command
from pipeline.dream.network import Network
from pipeline.errors import Interrupted
from pipeline.plan.planner import plan_film
from pipeline.plan.shot_plan import ShotPlan
from pipeline.storyboard.cost import Estimate, measure
from pipeline.storyboard.sketch import MAX_MOMENTS, SKETCH_FPS, draft, moments, sketch

SMALL = ("frame.width=128", "frame.height=96", "frame.fps=12", "dream.octaves=2", "start.steps=4")
TINY = (
    *SMALL,
    "score.targets=[two:3,three:5]",
    "score.hold=1s",
    "score.fade=0.25s",
    "network.default_targets=[]",
    "network.class_support=[]",
)


def planned(tmp_path: Path, *overrides: str) -> ShotPlan:
    command.register()
    with initialize_config_dir(str(command.CONF), version_base="1.3"):
        config = command.read(compose("config", list(overrides)))
    return plan_film(config, tmp_path, "film").shots[0]


def test_moments_are_few_and_evenly_spaced() -> None:
    assert moments(8) == [n / 2 for n in range(16)]
    assert moments(16) == [float(n) for n in range(16)]
    assert moments(0.1) == [0.0]
    for seconds in (1, 10, 59.9, 61, 3600, 86400):
        result = moments(seconds)
        assert 2 <= len(result) <= MAX_MOMENTS and result[-1] < seconds
        assert len({round(b - a, 6) for a, b in pairwise(result)}) == 1


def test_a_draft_is_small_and_keeps_its_shape(tmp_path: Path) -> None:
    plan = planned(tmp_path, "+quality=hd")
    small = draft(plan)
    assert (small.width, small.height) == (256, 144)
    assert small.frames == plan.frames
    assert small.scales()[0] == plan.scales()[0] and len(small.scales()) < len(plan.scales())
    tall = draft(planned(tmp_path, "frame.width=90", "frame.height=200"))
    assert (tall.width, tall.height) == (90, 200)  # never larger than the film


def test_a_draft_dreams_as_long_before_its_first_frame(tmp_path: Path) -> None:
    for steps in (0, 1, 5, 48, 100):
        sketched = draft(planned(tmp_path, f"start.steps={steps}"))
        hidden = sketched.config.start.steps
        assert hidden == min(steps, max(6, math.ceil(steps / 6)))
        assert hidden * sketched.hidden_seconds == pytest.approx(steps / 24)
    long = draft(planned(tmp_path, "start.steps=2000"))
    assert long.hidden_seconds == 1 / SKETCH_FPS  # none counts more than a sketched frame
    for words in (("start.unfold=1s",), ("+preset=latent_walk",)):  # in these no noise grows before the first frame
        plan = planned(tmp_path, *words)
        assert draft(plan).hidden_seconds == plan.hidden_seconds


def test_each_moment_follows_the_score(tmp_path: Path, tiny: Network) -> None:
    plan = planned(tmp_path, *TINY, "duration=4s")
    result = sketch(draft(plan), tiny, lambda: False)
    assert [moment.seconds for moment in result] == moments(4)
    assert all(moment.frame.shape == (1, 3, 96, 128) for moment in result)
    shown = {}
    for layer, channel in (("two", 3), ("three", 5)):
        shown[layer] = [float(tiny.activations(m.frame, [layer])[layer][0, channel].mean()) for m in result]
    at = {moment.seconds: number for number, moment in enumerate(result)}
    assert shown["two"][at[0.5]] > shown["two"][at[1.75]]
    assert shown["three"][at[1.75]] > shown["three"][at[0.5]]
    again = sketch(draft(plan), tiny, lambda: False)
    assert all(np.array_equal(a.frame, b.frame) for a, b in zip(result, again, strict=True))


def test_moments_come_in_the_order_in_which_they_are_shown(tmp_path: Path, tiny: Network) -> None:
    plan = planned(tmp_path, *TINY, "duration=2s")
    forward = sketch(draft(plan), tiny, lambda: False, [(0.0, 0.0), (0.5, 1.0), (1.0, 1.75)])
    back = sketch(draft(plan), tiny, lambda: False, [(0.0, 1.75), (0.5, 1.75), (1.0, 1.0), (2.0, 0.0)])
    assert [moment.seconds for moment in back] == [0.0, 0.5, 1.0, 2.0]
    expected = [forward[2], forward[2], forward[1], forward[0]]
    assert all(np.array_equal(a.frame, b.frame) for a, b in zip(back, expected, strict=True))


def test_a_long_film_takes_no_longer(tmp_path: Path, tiny: Network) -> None:
    plan = planned(
        tmp_path, *TINY, "duration=10m", "start.steps=2", "frame.width=48", "frame.height=32", "dream.octaves=1"
    )
    requested = []

    def stopped() -> bool:
        requested.append(0)
        return False

    result = sketch(draft(plan), tiny, stopped)
    assert len(result) == len(moments(600)) <= MAX_MOMENTS
    assert len(requested) < 600 * SKETCH_FPS / 10


def test_a_stop_leaves_no_file(tmp_path: Path, tiny: Network) -> None:
    with pytest.raises(Interrupted, match="nothing was written"):
        sketch(draft(planned(tmp_path, *TINY, "duration=2s")), tiny, lambda: True)


def test_the_estimate_grows_with_the_film(tmp_path: Path, tiny: Network) -> None:
    plan = planned(tmp_path, *TINY, "duration=2s", "start.steps=0")
    (moment, *_) = sketch(draft(plan), tiny, lambda: False)
    estimate = measure(plan, tiny, moment)
    assert estimate.seconds == pytest.approx(24 * estimate.frame_seconds)
    assert 1000 < estimate.bytes < 24 * 96 * 128 * 3
    growing = measure(planned(tmp_path, *TINY, "duration=2s", "start.steps=30"), tiny, moment)
    assert 24 * growing.frame_seconds < growing.seconds < (24 + 30) * growing.frame_seconds
    longer = measure(replace(plan, frames=240), tiny, moment)
    assert longer.bytes == pytest.approx(10 * estimate.bytes, rel=0.5)
    assert Estimate(200.0, 1.0, 2_500_000).words() == "full render: about 3 min here, 2.5 MB (estimated)"


@pytest.mark.slow
def test_the_command_writes_a_sheet_and_an_estimate(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "pipeline.storyboard", *SMALL, "duration=1s", "output=spiral.png"]
    run = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr
    path, words = run.stdout.splitlines()
    assert path == "spiral.png" and words.startswith("full render: about ")
    assert [each.name for each in tmp_path.iterdir()] == ["spiral.png"]
    with Image.open(tmp_path / path) as sheet:
        assert sheet.width == 1600
        pixels = np.asarray(sheet.convert("RGB"), dtype=float)
    assert pixels[70:250].std() > 30  # frames above
    again = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert again.returncode == 1 and again.stderr.startswith("error: spiral.png exists already")

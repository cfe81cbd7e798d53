"""Variations: combinations of settings, a sheet of stills with the commands that render them."""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.cli.alternatives import command_words, split, sweep_arguments
from pipeline.cli.compose import make_config
from pipeline.dream.network import Network
from pipeline.errors import RenderError
from pipeline.plan.planner import plan_film
from pipeline.storyboard.sketch import draft, moments, sketch, still
from pipeline.variations import sheet
from pipeline.variations.config import still_seconds

SMALL = ("network=motifnet", "frame.width=96", "frame.height=64", "dream.octaves=1", "start.steps=2", "dream.steps=1")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("seed=1..3", "seed=1,2,3"),
        ("seed=7|1..2", "seed=7,1,2"),
        ("+preset=spiral|breathing", "+preset=spiral,breathing"),
        ("score.targets=[block10]|[block12:3, block8]", "score.targets=[block10],[block12:3, block8]"),
        ("camera.zoom=0s: 1, 4s: 2|1.3", 'camera.zoom="0s: 1, 4s: 2",1.3'),
        ("start.path=a, b.png|c.png", 'start.path="a, b.png","c.png"'),
        ("start.path='a|b.png'", "start.path='a|b.png'"),
        ("output=a|b.png", 'output="a|b.png"'),  # one sheet has one name
        ("frames=0..3", "frames=0..3"),  # frames of a film, no number
    ],
)
def test_values_become_a_sweep(argument: str, expected: str) -> None:
    assert sweep_arguments([argument]) == [expected, "-m"]


def test_alternatives_end_outside_brackets_and_quotes() -> None:
    assert split("a | [b|c, '|'] | {d: '(|'}|\"|\"") == ["a", "[b|c, '|']", "{d: '(|'}", '"|"']


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["seed=1..65"], "65 stills.*64"),
        (["seed=1..9", "camera.zoom=1|2|3|4|5|6|7|8"], "72 stills.*64"),
        (["seed=0..999999999"], "stills.*64"),
        (["seed=4..2"], "seed=4..2.*goes up"),
        (["seed=1||2"], r"seed=1\|\|2.*empty"),
        (["hydra.run.dir=here"], "hydra.run.dir=here.*output="),
    ],
)
def test_wrong_values_are_explained(arguments: list[str], words: str) -> None:
    with pytest.raises(RenderError, match=words):
        sweep_arguments(arguments)


def test_commands_are_as_people_type_them() -> None:
    words = command_words(["+preset=spiral", r"score.targets=[class\:owl]", 'output="a.png"', "overwrite=true"])
    assert words == ("preset=spiral", "score.targets=[class:owl]")
    with_weights = r"score.targets=[{class\:owl: 2}]"
    assert command_words([with_weights]) == (with_weights,)


def test_columns_follow_the_last_setting() -> None:
    def grid(seeds: int, zooms: int) -> list[tuple[str, str]]:
        return [(f"seed={seed}", f"zoom={zoom}") for seed in range(seeds) for zoom in range(zooms)]

    assert sheet.column_count(grid(2, 5)) == 5
    assert sheet.column_count(grid(8, 2)) == 4
    assert sheet.column_count(grid(1, 5)) == 3
    assert sheet.column_count(grid(1, 1)) == 1


def test_captions_fit_under_their_stills() -> None:
    text = "python -m pipeline.render " + "score.targets=" + "x" * 200
    lines = sheet.wrap(text, 150, 11)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(sheet.font(11).getlength(line) <= 150 for line in lines)


def test_still_is_the_frame_of_its_time(tmp_path: Path, tiny: Network) -> None:
    config = make_config([*SMALL, "network.default_targets=[]", "score.targets=[two:3]", "duration=1s"])
    plan = plan_film(config, tmp_path, "film")
    assert still_seconds(plan, None) == 1.0 and still_seconds(plan, "25%") == 0.25
    with pytest.raises(RenderError, match=r"at=2s.*lasts 1s"):
        still_seconds(plan, "2s")
    small = draft(plan.shots[0], 48)
    board = dict(zip(moments(1), sketch(small, tiny, lambda: False), strict=True))
    moment = still(small, tiny, 0.5, lambda: False)
    assert moment.seconds == 0.5 and moment.frame.shape == (1, 3, 48, 72)
    assert np.array_equal(moment.frame, board[0.5].frame)


def test_the_command_makes_a_sheet_of_all_combinations(tmp_path: Path) -> None:
    own = ["seed=1..2", "score.targets=[class:owl]|[class:eye]", "at=0s", "size=32"]
    program = [sys.executable, "-m", "pipeline.variations", *SMALL, *own, "output=sheet.png"]
    run = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    path, *commands = run.stdout.splitlines()
    assert path == "sheet.png" and [each.name for each in tmp_path.iterdir()] == ["sheet.png"]
    films = [make_config(shlex.split(command)[3:]) for command in commands]
    assert [(film.seed, film.score.targets) for film in films] == [
        (seed, [target]) for seed in (1, 2) for target in ("class:owl", "class:eye")
    ]
    with Image.open(tmp_path / path) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.uint8)
    row = pixels[sheet.GAP : sheet.GAP + 32]
    step = sheet.MIN_CELL_PIXELS + sheet.GAP
    stills = [row[:, sheet.GAP + n * step :][:, :48] for n in range(2)]
    assert all(each.std() > 5 for each in stills) and not np.array_equal(stills[0], stills[1])
    again = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert again.returncode == 1 and again.stderr.startswith("error: sheet.png exists already")

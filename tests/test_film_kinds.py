"""Films of several shots as animations: all frames arrive, loops close and repeat endlessly."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from pipeline import film
from tests.test_shot import planned

SMALL = (
    *("frame.width=96", "frame.height=54", "frame.fps=12.5", "dream.octaves=2", "start.steps=4", "segment=8"),
    *("score=constant", "score.targets=[class:owl]"),
)
SHOTS = "film=[{duration: 12f},{camera: static, duration: 13f, transition: %s, fade: 4f}]"


def frames(path: Path) -> list[np.ndarray]:
    """The decoded frames of a folder or an animation, which must repeat endlessly."""
    if path.is_dir():
        return [np.asarray(Image.open(each).convert("RGB"), dtype=np.float32) for each in sorted(path.iterdir())]
    with Image.open(path) as animation:
        assert animation.info["loop"] == 0  # endless
        return [np.asarray(each.convert("RGB"), dtype=np.float32) for each in ImageSequence.Iterator(animation)]


@pytest.mark.parametrize(
    ("name", "transition"), [("film.gif", "crossfade"), ("film.webp", "zoom_through"), ("film", "dip")]
)
def test_loop_of_several_shots_closes(tmp_path: Path, name: str, transition: str) -> None:
    kind = name.partition(".")[2] or "png"
    arguments = (*SMALL, "loop=true", SHOTS % transition, f"encode={kind}", f"output={tmp_path}/{name}")
    plan = planned(tmp_path, *arguments)
    film.render(plan)
    shown = frames(tmp_path / name)
    assert len(shown) == plan.frames == 12 + 13 - (0 if transition == "zoom_through" else 4)
    assert shown[0].shape == (54, 96, 3)
    steps = [float(np.abs(after - before).mean()) for before, after in pairwise(shown)]
    assert float(np.abs(shown[0] - shown[-1]).mean()) <= np.median(steps)
    still = sum(step <= 0.1 for step in steps)  # else it moves all the way
    assert still == (1 if transition == "dip" else 0)  # the two black frames in the middle of a dip


def test_shots_rendered_apart_make_the_same_animation(tmp_path: Path) -> None:
    shots = SHOTS.replace("12f", "8f").replace("13f", "9f") % "dip"
    made = []
    for folder, parts in (("whole", [()]), ("apart", [("shots=2",), ()])):
        (tmp_path / folder).mkdir()
        for part in parts:
            film.render(planned(tmp_path, *SMALL, shots, "encode=gif", f"output={tmp_path}/{folder}/film.gif", *part))
        made.append((tmp_path / folder / "film.gif").read_bytes())
        assert len(frames(tmp_path / folder / "film.gif")) == 13
    assert made[0] == made[1]

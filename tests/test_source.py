"""Footage resumes at any frame: its motion comes from the file, not from earlier frames."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline.build import build_shot, open_footage
from pipeline.dream import model_zoo
from pipeline.plan.shot_plan import ShotPlan
from tests.media.drawing import draw
from tests.plan.test_footage import planned

SMALL = ("dream.octaves=1",)
CUT = "testsrc2=s=96x64:r=12:d=0.5[a];mandelbrot=s=96x64:r=12,trim=duration=0.5,format=yuv420p[b];[a][b]concat"


def frames(plan: ShotPlan, canvas: torch.Tensor, first: int) -> list[torch.Tensor]:
    """The canvases of frames ``first`` … of the plan's film, as a process of its own would render them."""
    plan = replace(plan, config=replace(plan.config, flow=replace(plan.config.flow, warmup=2)))
    with ExitStack() as stack:
        shot = open_footage(plan, build_shot(plan, model_zoo.build(plan.config.network)), stack, first)
        return [step.canvas for step in shot.render(canvas, first)]


@pytest.mark.parametrize("style", ["residual", "blend"])
def test_footage_resumes_at_any_frame_with_the_same_bits(tmp_path: Path, style: str) -> None:
    """With repeated frames, a cut, and a mask by motion."""
    path = draw(tmp_path / "c.mp4", "-f", "lavfi", "-i", CUT)
    plan = planned(
        tmp_path, path, "frame.fps=24", "duration=18f", "dream.mask=motion", f"flow.style={style}", *SMALL
    ).shots[0]
    assert plan.footage is not None and plan.footage.cuts(18) == {12} and 7 in plan.footage.repeats(18)
    whole = frames(plan, torch.zeros(1, 3, 64, 96), 0)
    for first in (7, 12, 13):
        rest = frames(plan, whole[first - 1], first)
        assert len(rest) == 18 - first
        assert all(torch.equal(a, b) for a, b in zip(whole[first:], rest, strict=True)), first

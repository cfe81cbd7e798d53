"""Stages around a stage: whatever the inner one does reaches the frame loop, through one or several."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.config import CameraRates, DreamConfig, FlowConfig
from pipeline.cue import Cue
from pipeline.inputs.prior import Prior
from pipeline.motion.camera import Camera
from pipeline.motion.chunk_closure import ChunkClosure
from pipeline.motion.echo import Echo
from pipeline.motion.loop_closure import LoopClosure
from pipeline.motion.stage import Stage
from pipeline.networks.trained_generator import load_generator

CUE = Cue(0.0, CameraRates(), DreamConfig(), FlowConfig(), lambda scale: {}, "")
CANVAS = torch.full((1, 3, 8, 8), 0.5)
METHODS = sorted(name for name in vars(Stage) if not name.startswith("_") and callable(getattr(Stage, name)))
CALLS: dict[str, Callable[[Stage, Tensor], object]] = {
    "advance": lambda stage, canvas: stage.advance(canvas, CUE, 1),
    "begin_scene": lambda stage, canvas: stage.begin_scene(1),
    "mask": lambda stage, canvas: stage.mask(CANVAS, "luma"),
    "grown": lambda stage, canvas: stage.grown(1),
    "boost": lambda stage, canvas: stage.boost(1),
    "finish": lambda stage, canvas: stage.finish(CANVAS, 1),
    "added": lambda stage, canvas: stage.added(canvas),
    "shown": lambda stage, canvas: stage.shown(canvas, CUE),
}
WRAPPERS: dict[str, Callable[[Stage], Stage]] = {
    "prior": lambda inner: Prior(inner, load_generator(), 0.7, 12.0, 0.5),
    "loop": lambda inner: LoopClosure(inner, lambda number: CANVAS, first=90, frames=7),
    "echo": lambda inner: Echo(inner, Camera(lambda index: CameraRates(), 12.0)),
    "chunk": lambda inner: ChunkClosure(inner, (), lambda index: iter(())),
}
STACKS = [names for names in product(WRAPPERS, repeat=2) if names[0] != "echo" or names[1] == "chunk"]
"""Inner and outer one; trails go around all but the closure of a chunk."""


class Recorder(Stage):
    """A stage that keeps the names of what is called; numbers are 7."""

    moves_all_channels = False

    def __init__(self) -> None:
        self.calls: set[str] = set()

    def __getattribute__(self, name: str) -> Any:
        if name not in METHODS:
            return super().__getattribute__(name)
        self.calls.add(name)
        return lambda *given: given[0] if isinstance(given[0], Tensor) else 7.0

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        raise NotImplementedError


def test_every_method_of_a_stage_is_tested_here() -> None:
    assert sorted(CALLS) == METHODS


@pytest.mark.parametrize("names", [(name,) for name in WRAPPERS] + STACKS, ids="-".join)
def test_wrapped_stages_are_asked_for_everything(names: tuple[str, ...]) -> None:
    inner = Recorder()
    stage: Stage = inner
    for name in names:
        stage = WRAPPERS[name](stage)
    canvas = torch.cat([CANVAS, CANVAS], 1) if "echo" in names else CANVAS
    answers = {name: call(stage, canvas) for name, call in CALLS.items()}
    assert inner.calls == set(METHODS)
    assert answers["grown"] == answers["boost"] == 7.0


@pytest.mark.parametrize("name", ["loop", "chunk"])
def test_closures_move_as_many_channels_as_what_they_close(name: str) -> None:
    assert not WRAPPERS[name](Recorder()).moves_all_channels

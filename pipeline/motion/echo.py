"""Trails: the mean of the last seconds, moved along by the camera, shines through the frames that are shown.

The mean is in the last three of the canvas's channels, so that a resumed render goes on with it. It is not dreamed
on.
"""

import math

import torch
from torch import Tensor

from pipeline.cue import Cue
from pipeline.motion.camera import Camera
from pipeline.motion.stage import Stage, Wrapper


class Echo(Wrapper):
    """The stage ``inner`` with trails: ``dream.echo`` is their share, ``dream.echo_seconds`` how long they last."""

    def __init__(self, inner: Stage, camera: Camera) -> None:
        super().__init__(inner)
        self._camera = camera
        self._trail: Tensor | None = None  # of the frame that is dreamed now
        self._share = 1.0  # of it in the mean
        self._begin = 0

    def begin_scene(self, index: int) -> None:
        self._begin = index
        super().begin_scene(index)

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        is_first = index in (0, self._begin)
        now, trail = (canvas, canvas[:, :3]) if is_first else (canvas[:, :-3], canvas[:, -3:])
        self._share = 1 - math.exp(-1 / (self._camera.fps * cue.dream.echo_seconds))
        if self.inner.moves_all_channels:
            both = self.inner.advance(torch.cat([now, trail], 1), cue, index)
            now, trail = both[:, :-3], both[:, -3:]
        else:
            now, trail = self.inner.advance(now, cue, index), self._camera.move(trail, index)
        self._trail = None if is_first else trail
        return now

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        canvas = super().finish(canvas, index)
        now = canvas[:, :3]
        trail = now if self._trail is None else torch.lerp(self._trail, now, self._share)
        return torch.cat([canvas, trail], 1)

    def added(self, canvas: Tensor) -> Tensor | None:
        return super().added(canvas[:, :3])

    def shown(self, canvas: Tensor, cue: Cue) -> Tensor:
        now, trail = super().shown(canvas[:, :3], cue), canvas[:, -3:]
        return torch.lerp(now, trail, cue.dream.echo).clamp(0, 1)

"""Pictures along a path through a generator's latent space, in the shape of a frame.

Noise turns on a great circle (slerp), because points of a normal distribution lie near a sphere; class weights fade.
The walk rests at each picture and is fastest between two.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import ImagineConfig
from pipeline.image import resize
from pipeline.inputs.latent_encode import encode
from pipeline.media.decode.image_file import load_still
from pipeline.networks.imagine_plan import ImaginePlan, Place
from pipeline.networks.trained_generator import load_generator
from pipeline.timing.smoothstep import smoothstep

GROUND_BLUR = 8  # times smaller, at the frame's far edge
GROUND_BAND = 10  # the ground is the outermost tenth of the picture, mirrored again and again
GROUND_FADE = 0.2  # picture sides from the picture's edge to the blurred ground


class Clock(Protocol):
    """Frame numbers to seconds; ``period`` is in frames, 0 without a loop."""

    @property
    def fps(self) -> float: ...

    @property
    def period(self) -> int: ...

    def seconds(self, index: float) -> float:
        """The second of a frame."""


class Point(NamedTuple):
    """Standard normal noise ``(1, latent)`` and class weights ``(1, classes)``."""

    noise: Tensor
    weights: Tensor


class LatentWalk:
    """The pictures of a plan for frames of ``size`` (H, W); with ``period`` in seconds it ends where it began."""

    def __init__(
        self, plan: ImaginePlan, config: ImagineConfig, size: tuple[int, int], fps: float = 24.0, period: float = 0.0
    ) -> None:
        self._plan, self._config, self._size, self._period = plan, config, size, period
        self._fps = fps
        trained = load_generator(plan.path)
        self._generator = trained.generator
        self._states = [*trained.ages, {name: each.clone() for name, each in trained.generator.drawing_state().items()}]
        self._encoded: dict[Place, Point] = {}
        self._phases = [0.0]
        self._scale, self._count = 1.0, 0
        if period:
            total = self._phase(period)
            self._count = max(2, round(total))
            self._scale = self._count / total if total else 0.0

    @torch.no_grad()
    def picture(self, seconds: float) -> Tensor:
        """The picture of this second ``(1, 3, H, W)`` in [0, 1], on the CPU."""
        point = self._at_key(seconds) if len(self._plan.places) > 1 else self._at_phase(self._phase(seconds))
        self._turn(self._plan.age(seconds))
        return in_frame(self._generator(*point), self._size, self._config.fit)

    def _turn(self, age: float) -> None:
        """Give the generator the weights of this age, between two of its states."""
        if len(self._states) == 1:
            return
        number = min(int(age * (len(self._states) - 1)), len(self._states) - 2)
        before, after = self._states[number : number + 2]
        for name, tensor in self._generator.drawing_state().items():
            tensor.copy_(torch.lerp(before[name], after[name], age * (len(self._states) - 1) - number))

    def _at_key(self, seconds: float) -> Point:
        times, places = list(self._plan.times), list(self._plan.places)
        if self._period and times[-1] < self._period:
            times, places = [*times, times[0] + self._period], [*places, places[0]]
            if seconds < times[0]:
                seconds += self._period
        after = bisect_right(times, seconds)
        if after in (0, len(times)):
            return self._point(places[min(after, len(times) - 1)])
        before = after - 1
        fraction = (seconds - times[before]) / (times[after] - times[before])
        return between(self._point(places[before]), self._point(places[after]), smoothstep(fraction))

    def _at_phase(self, phase: float) -> Point:
        number, fraction = divmod(phase * self._scale, 1.0)
        numbers = [int(number), int(number) + 1]
        if self._count:
            numbers = [n % self._count for n in numbers]
        before, after = (self._point(self._numbered(n)) for n in numbers)
        return between(before, after, smoothstep(fraction))

    def _numbered(self, number: int) -> Place:
        """A walk without keyframes: its first picture, then those of the seeds after it."""
        first = self._plan.places[0]
        return first if number == 0 else Place(first.seed + number, first.label)

    def _phase(self, seconds: float) -> float:
        """How many pictures the walk has passed: the integral of the speed, in steps of a frame."""
        steps = seconds * self._fps
        while len(self._phases) <= steps + 1:
            self._phases.append(self._phases[-1] + self._plan.speed((len(self._phases) - 1) / self._fps) / self._fps)
        whole = int(steps)
        return self._phases[whole] + (steps - whole) * (self._phases[whole + 1] - self._phases[whole])

    def _point(self, place: Place) -> Point:
        shape = self._generator.shape
        if place.photograph is not None:
            if place not in self._encoded:
                side = shape.size
                photograph = load_still(place.photograph, width=side, height=side)
                self._encoded[place] = Point(*encode(self._generator, photograph, place.label))
            return self._encoded[place]
        noise = torch.randn(1, shape.latent, generator=torch.Generator().manual_seed(place.seed))
        weights = torch.zeros(1, shape.classes)
        weights[0, place.class_index(shape.classes)] = 1
        return Point(noise * self._config.truncation, weights)


def walk_frames(
    plan: ImaginePlan, config: ImagineConfig, size: tuple[int, int], clock: Clock, frames: int
) -> Callable[[int], Iterator[Tensor]]:
    """(first frame) → the source frames ``(1, 3, H, W)`` of a walk from there to the last of ``frames``."""
    walk = LatentWalk(plan, config, size, clock.fps, clock.period / clock.fps)

    def read(first: int) -> Iterator[Tensor]:
        return (walk.picture(clock.seconds(index)) for index in range(first, frames))

    return read


def between(before: Point, after: Point, fraction: float) -> Point:
    """The point at this fraction of the path: noise by slerp, with the length in between; class weights by a mean."""
    a, b = before.noise, after.noise
    lengths = a.norm(), b.norm()
    product = float(lengths[0] * lengths[1])
    angle = math.acos(max(-1.0, min(1.0, float((a * b).sum()) / product))) if product else 0.0
    if angle < 1e-4 or math.pi - angle < 1e-4:
        noise = torch.lerp(a, b, fraction)
    else:
        unit = (a / lengths[0]) * math.sin((1 - fraction) * angle) + (b / lengths[1]) * math.sin(fraction * angle)
        noise = unit / math.sin(angle) * torch.lerp(lengths[0], lengths[1], fraction)
    return Point(noise, torch.lerp(before.weights, after.weights, fraction))


def in_frame(picture: Tensor, size: tuple[int, int], fit: str) -> Tensor:
    """A square picture ``(1, 3, S, S)`` → ``(1, 3, H, W)``: cropped to fill it, or whole on its continued ground."""
    height, width = size
    short, long = min(size), max(size)
    side = picture.shape[-1]
    if fit == "fill":
        cut = max(1, round(side * short / long))
        start = (side - cut) // 2
        picture = picture[:, :, start : start + cut] if width >= height else picture[..., start : start + cut]
        return resize(picture, size).clamp(0, 1)
    margin = max(0, round((side * long / short - side) / 2))
    if margin:
        picture = _extended(picture if width >= height else picture.mT, margin)
        picture = picture if width >= height else picture.mT
    return resize(picture.contiguous(), size).clamp(0, 1)


def _extended(picture: Tensor, margin: int) -> Tensor:
    """``(1, 3, S, S)`` → ``(1, 3, S, S + 2 margin)``: the ground goes on at both sides, and loses its detail there."""
    side = picture.shape[-1]
    band = max(1, side // GROUND_BAND)
    columns = torch.arange(-margin, side + margin)
    distance = torch.maximum(-columns, columns - side + 1)
    fold = (distance - 1) % (2 * band)
    fold = torch.minimum(fold, 2 * band - 1 - fold)
    inside = torch.where(columns < 0, fold, torch.where(columns >= side, side - 1 - fold, columns))
    wide = picture[..., inside]
    size = (wide.shape[2], wide.shape[3])
    small = resize(wide, (max(1, size[0] // GROUND_BLUR), max(1, size[1] // GROUND_BLUR)))
    blurred = F.interpolate(small, size=size, mode="bilinear", align_corners=False)
    fade = smoothstep((distance.clamp(min=0) / (GROUND_FADE * side)).clamp(max=1))
    return torch.lerp(wide, blurred, fade.view(1, 1, 1, -1))

"""A list of convolutions and sums for one size of frames, forward and backward, without autograd."""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from pipeline.dream.sized_convolution import Bounds, SizedConvolution


class Operation(NamedTuple):
    """A convolution of one value, or the sum of two where there is none. Values are numbered; the frame is 0.

    ``residual`` is the number of the residual block that a sum ends, if it may be left out; the first value is its
    input.
    """

    convolution: SizedConvolution | None
    sources: tuple[int, ...]
    residual: int | None = None

    @property
    def bounds(self) -> Bounds | None:
        """Between which the result lies."""
        return None if self.convolution is None else self.convolution.bounds


class Step(NamedTuple):
    """An operation, and what goes with it."""

    convolution: SizedConvolution | None
    sources: tuple[int, ...]
    unused: tuple[int, ...]  # values that nothing needs afterwards
    unused_forward: tuple[int, ...]  # values that only the backward pass needs
    bounds: Bounds | None  # of the clip that the gradient of the result has yet to pass
    source_bounds: Bounds | None  # of the source's clip, if the gradient passes it here: that saves a copy of it


class Plan:
    """The operations for one size, of which operation ``n`` computes value ``n + 1``.

    ``outputs`` are the numbers of the values that are returned, ``saved`` those that the backward pass needs.
    """

    def __init__(self, operations: Sequence[Operation], outputs: Sequence[int]) -> None:
        users: list[list[int]] = [[] for _ in range(len(operations) + 1)]
        for number, operation in enumerate(operations, 1):
            for source in operation.sources:
                users[source].append(number)
        bounds = {number: each.bounds for number, each in enumerate(operations, 1) if each.bounds is not None}
        passed = {number for number in bounds if number not in outputs and _can_pass(operations, number, users[number])}
        self.outputs, self.saved, self._steps = outputs, sorted(bounds), list[Step]()
        self._operations = operations
        for number, (convolution, sources, _) in enumerate(operations, 1):
            unused = {each for each in sources if users[each][-1] == number and each not in outputs}
            self._steps.append(
                Step(
                    convolution,
                    sources,
                    tuple(unused.difference(bounds)),
                    tuple(unused.intersection(bounds)),
                    None if number in passed else bounds.get(number),
                    bounds[sources[0]] if sources[0] in passed else None,
                )
            )

    def without(self, left_out: Container[int | None]) -> "Plan":
        """The plan in which these residual blocks return their input, without what only they would need."""
        same = list(range(len(self._operations) + 1))  # the value that stands for each one
        for number, operation in enumerate(self._operations, 1):
            if operation.residual in left_out:
                same[number] = same[operation.sources[0]]
        needed = {0, *(same[number] for number in self.outputs)}
        for number in range(len(self._operations), 0, -1):
            if number in needed:
                needed.update(same[source] for source in self._operations[number - 1].sources)
        numbers = {before: after for after, before in enumerate(sorted(needed))}
        operations = [
            operation._replace(sources=tuple(numbers[same[source]] for source in operation.sources))
            for number, operation in enumerate(self._operations, 1)
            if number in needed
        ]
        return Plan(operations, [numbers[same[number]] for number in self.outputs])

    def forward(self, frame: Tensor, *, with_gradient: bool) -> list[Any]:
        """All values; None for those that are not needed any more."""
        values: list[Any] = [frame]
        for convolution, sources, unused, unused_forward, _, _ in self._steps:
            if convolution is None:
                values.append(values[sources[0]] + values[sources[1]])
            else:
                values.append(convolution.forward(values[sources[0]]))
            for number in unused if with_gradient else unused + unused_forward:
                values[number] = None
        return values

    def backward(self, maps: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> Tensor | None:
        """The gradient of the frame for those of ``outputs``; ``maps`` are the values ``saved``."""
        values = dict(zip(self.saved, maps, strict=True))
        sums: list[Tensor | None] = [None] * (len(self._steps) + 1)
        for number, gradient in zip(self.outputs, gradients, strict=True):
            sums[number] = _sum(sums[number], gradient)  # where a block is left out, two outputs can be one value
        for number in range(len(self._steps), 0, -1):
            gradient, sums[number] = sums[number], None
            if gradient is None:
                continue
            convolution, sources, _, _, bounds, source_bounds = self._steps[number - 1]
            if convolution is not None:
                clip = None if bounds is None else (values[number], bounds)
                source_clip = None if source_bounds is None else (values[sources[0]], source_bounds)
                gradient = convolution.backward(gradient, clip, source_clip)
            for source in sources:
                sums[source] = _sum(sums[source], gradient)
        return sums[0]


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return other if one is None else one if other is None else one + other


def _can_pass(operations: Sequence[Operation], number: int, users: Sequence[int]) -> bool:
    """Whether the only user of a clipped value lets the gradient pass its clip.

    A depthwise convolution with a stride does so itself, while it spreads the gradient.
    """
    convolution = operations[number - 1].convolution
    assert convolution is not None
    return len(users) == 1 and operations[users[0] - 1].convolution is not None and not convolution.strides_by_channel

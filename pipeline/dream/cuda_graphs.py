"""Gradients recorded as CUDA graphs: one launch instead of several hundred.

The operations of a step depend on the picture's size and on the targets' graph keys. Picture, factors and the indices
of channels and classes are data in buffers that stay where they are. So the gradient of each octave is recorded after a
few uses, and neither a fading target nor the next channel needs another recording. Jitter stays outside.

A recording is checked against the launched operations, and where recording fails, for whatever reason, all goes on
without: recordings never decide what is dreamed.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from pipeline.dream.gradient import factor_gradient, whole_gradient
from pipeline.dream.weighted_objective import Objective
from pipeline.runtime.device import release
from pipeline.targets.target import Target

log = logging.getLogger(__name__)
USES_BEFORE_RECORDING = 3
MAX_RECORDINGS = 24  # the latest used; each holds two pictures of its size
TOLERANCE = 0.01  # of a gradient's deviation, since some operations add up in any order

Result = TypeVar("Result")
Work = Callable[[], Tensor]
Recorder = Callable[[Work], tuple[Callable[[], None], Tensor]]
"""Work without arguments → what repeats it, and the tensor that then holds its result."""


class CudaRecorder:
    """Records work on a CUDA device. All recordings share memory, so each result must be copied at once."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._index = device, torch.cuda.current_device() if device.index is None else device.index
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool, self._pool_bytes = torch.cuda.graph_pool_handle(), 0

    def __call__(self, work: Work) -> tuple[Callable[[], None], Tensor]:
        """Record ``work``, after running it once: what it caches must not lie in the recording's memory.

        Raises MemoryError where too little memory is free, and whatever a recording may raise.
        """
        outside = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(outside)
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            self._check_memory(work)
            graph = torch.cuda.CUDAGraph()
            try:
                # Other threads go on meanwhile: they wait for frames and encode them.
                graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                result = work()
                graph.capture_end()
            except BaseException:
                self._abort(graph)
                raise
        outside.wait_stream(self._stream)
        return graph.replay, result

    def _check_memory(self, work: Work) -> None:
        """Run the work and check that as much memory is free: a recording cannot reclaim torch's cached memory."""
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        work()
        needed = torch.cuda.max_memory_allocated(self._device) - before
        torch.cuda.empty_cache()
        free, _ = torch.cuda.mem_get_info(self._device)
        if needed - self._pool_bytes > free:
            raise MemoryError("too little memory is free")
        self._pool_bytes = max(self._pool_bytes, needed)  # recordings lie in each other's memory

    def _abort(self, graph: torch.cuda.CUDAGraph) -> None:
        """End a recording that failed, so that the device can be used as before."""
        with suppress(Exception):
            graph.capture_end()
        with suppress(Exception):  # torch before 2.12 does not do it, and then never frees memory again
            torch._C._cuda_endAllocateToPool(self._index, self._pool)


class RecordedGradients:
    """``whole_gradient`` from recordings, where it is used again and again.

    ``working`` turns false for the rest of the run once anything about a recording fails.
    """

    def __init__(self, recorder: Recorder, max_recordings: int = MAX_RECORDINGS) -> None:
        self._recorder, self._max_recordings = recorder, max_recordings
        self._known: OrderedDict[object, int | _Recording] = OrderedDict()  # a recording, or the number of uses
        self.working = True

    def recorded_gradient(
        self, objective: Objective, picture: Tensor, targets: Mapping[Target, float], shift: tuple[int, int]
    ) -> Tensor:
        """As ``whole_gradient``: the same bits, where the device's operations add up in a fixed order."""
        plain = partial(whole_gradient, objective, picture, targets, shift)
        if not self.working or not objective.is_graph_safe(targets):
            return plain()
        device = picture.device
        forms = tuple(objective.resolve(target).graph_key()[0] for target in targets)
        key = (objective, forms, objective.networks_of_classes(targets), picture.shape, picture.dtype)
        known = self._known.pop(key, 0)
        gradient: Tensor | None
        if isinstance(known, _Recording):
            gradient = self._try(partial(known.play, picture, targets), device)
        else:
            gradient, known = plain(), known + 1
            if known == USES_BEFORE_RECORDING:
                known = self._try(partial(self._record, objective, picture, targets, gradient), device) or 0
        if self.working:
            self._known[key] = known
        if len(self._known) > self._max_recordings:
            self._known.popitem(last=False)
        del known  # where it failed, its memory is needed now
        return plain() if gradient is None else gradient

    def forget(self) -> bool:
        """Free all recordings, since memory has run out; False where there are none."""
        recorded = any(isinstance(known, _Recording) for known in self._known.values())
        if recorded:
            self._stop("the device ran out of memory")
        return recorded

    def _stop(self, why: str) -> None:
        self._known.clear()
        self.working = False
        log.warning(f"CUDA graphs are off from here on ({why})")

    def _try(self, work: Callable[[], Result], device: torch.device) -> Result | None:
        """The result of the work; None, and no more recordings, where it fails."""
        try:
            return work()
        except Exception as error:
            why = next(iter(str(error).splitlines()), type(error).__name__)
        self._stop(why)
        release(device)
        return None

    def _record(
        self, objective: Objective, picture: Tensor, targets: Mapping[Target, float], expected: Tensor
    ) -> "_Recording":
        """The gradient recorded. Raises ValueError when it is not the expected one."""
        recording = _Recording(self._recorder, objective, picture, targets)
        difference = (recording.play(picture, targets) - expected).square().mean().sqrt()
        if not difference <= TOLERANCE * expected.std():
            raise ValueError("a recording gave another gradient")
        return recording


class _Recording:
    """The gradient for some graph keys at one size, with the buffers that it reads."""

    def __init__(
        self, recorder: Recorder, objective: Objective, picture: Tensor, targets: Mapping[Target, float]
    ) -> None:
        self._objective, self._picture = objective, torch.empty_like(picture)
        self._factors = torch.empty(len(targets), device=picture.device)
        self._indices = torch.empty(len(targets), 1, dtype=torch.long, device=picture.device)
        self._fill(picture, targets)
        factors = dict(zip(targets, self._factors.unbind(), strict=True))
        indices = dict(zip(targets, self._indices.unbind(), strict=True))
        work = partial(factor_gradient, objective, self._picture, factors, indices=indices)
        self._replay, self._result = recorder(work)

    def play(self, picture: Tensor, targets: Mapping[Target, float]) -> Tensor:
        """A copy of the gradient, for targets of the same graph keys in the same order."""
        self._fill(picture, targets)
        self._replay()
        return self._result.clone()

    def _fill(self, picture: Tensor, targets: Mapping[Target, float]) -> None:
        self._picture.copy_(picture)
        for number, (target, factor) in enumerate(self._objective.factors(targets).items()):
            self._factors[number].fill_(factor)  # numbers go with the launch: nothing waits for a copy
            self._indices[number].fill_(self._objective.resolve(target).graph_key()[1])


def recorded_gradients(device: torch.device) -> RecordedGradients | None:
    """Recordings for a device; None where there can be none."""
    return RecordedGradients(CudaRecorder(device)) if device.type == "cuda" else None

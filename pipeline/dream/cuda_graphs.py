"""Passes recorded once and played again: on a GPU one launch in the place of several hundred.

What a step computes depends on the size of the picture and on the layers and kinds of the targets; the picture, the
targets' weights and the indices of channels and classes are data in buffers that stay where they are. So the passes of
each octave are recorded as a CUDA graph when they have been asked for a few times, and neither a target that fades nor
the next channel needs a new one. The move stays outside.

Nothing here decides what is dreamed: a recording is checked against the passes that it stands for, and where recording
fails, for whatever reason, the passes are launched one by one as without it.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import TypeVar

import torch
from torch import Tensor

from pipeline.dream import gradient as ascent
from pipeline.dream.objective import Objective
from pipeline.runtime.device import release
from pipeline.targets.target import Target

log = logging.getLogger(__name__)

WORTH = 3  # times that the same passes are asked for until they are recorded
MOST = 24  # recordings at a time, those used last; each keeps two pictures of its size
LIKENESS = 0.01  # of a gradient's deviation, by which a recording may differ: some operations add up in any order

Made = TypeVar("Made")
Recorder = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Work without arguments → what does it again, and the tensor in which its result then stands."""


class CudaRecorder:
    """Records work on a CUDA device. All recordings share their memory: each result is to be copied at once."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._index = device, torch.cuda.current_device() if device.index is None else device.index
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool, self._kept = torch.cuda.graph_pool_handle(), 0

    def __call__(self, work: Callable[[], Made]) -> tuple[Callable[[], None], Made]:
        """Record ``work``. It is done once before: what it keeps for later must not lie in the recording's memory.

        Raises MemoryError where too little memory is free, and whatever a recording may raise.
        """
        outside = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(outside)
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            self._make_room(work)
            graph = torch.cuda.CUDAGraph()
            try:
                # Other threads go on meanwhile: they wait for frames and encode them.
                graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                found = work()
                graph.capture_end()
            except BaseException:
                self._abandon(graph)
                raise
        outside.wait_stream(self._stream)
        return graph.replay, found

    def _make_room(self, work: Callable[[], object]) -> None:
        """Do the work, and see that as much memory is free: a recording cannot ask for any back that torch keeps."""
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        work()
        needed = torch.cuda.max_memory_allocated(self._device) - before
        torch.cuda.empty_cache()
        free, _ = torch.cuda.mem_get_info(self._device)
        if needed - self._kept > free:
            raise MemoryError("too little memory is free")
        self._kept = max(self._kept, needed)  # recordings lie in each other's memory

    def _abandon(self, graph: torch.cuda.CUDAGraph) -> None:
        """End a recording that failed, so that the device can be used as before."""
        with suppress(Exception):
            graph.capture_end()
        with suppress(Exception):  # torch before 2.12 leaves this to nobody, and then never frees memory again
            torch._C._cuda_endAllocateToPool(self._index, self._pool)


class Graphs:
    """The results of ``ascent.gradient``, recorded where they are asked for again and again.

    ``working`` turns false, for good, once anything about a recording fails.
    """

    def __init__(self, recorder: Recorder, most: int = MOST) -> None:
        self._recorder, self._most = recorder, most
        self._known: OrderedDict[object, int | _Recording] = OrderedDict()
        self.working = True

    def gradient(
        self, objective: Objective, picture: Tensor, targets: Mapping[Target, float], shift: tuple[int, int]
    ) -> Tensor:
        """As ``ascent.gradient``; the same bits, where the device's operations add up in a fixed order."""
        plain = partial(ascent.gradient, objective, picture, targets, shift)
        if not self.working or not objective.steady(targets):
            return plain()
        forms, device = [objective.form(target) for target in targets], picture.device
        key = (objective, tuple(form for form, _ in forms), picture.shape, picture.dtype)
        known = self._known.pop(key, 0)
        found: Tensor | None
        if isinstance(known, _Recording):
            found = self._try(partial(known.play, picture, targets), device)
        else:
            found, known = plain(), known + 1
            if known == WORTH:
                known = self._try(partial(self._record, objective, picture, targets, found), device) or 0
        if self.working:
            self._known[key] = known
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        del known  # where it failed, its memory is needed now
        return plain() if found is None else found

    def forget(self) -> bool:
        """Give up all recordings, since memory has run out; False where there are none."""
        there = any(isinstance(known, _Recording) for known in self._known.values())
        if there:
            self._give_up("the device ran out of memory")
        return there

    def _give_up(self, why: str) -> None:
        self._known.clear()
        self.working = False
        log.warning(f"passes are launched one by one from here on, not from recordings ({why})")

    def _try(self, work: Callable[[], Made], device: torch.device) -> Made | None:
        """What the work gives; None, and no more recordings, where it fails: passes do not hang on them."""
        try:
            return work()
        except Exception as error:
            why = next(iter(str(error).splitlines()), type(error).__name__)
        self._give_up(why)
        release(device)
        return None

    def _record(
        self, objective: Objective, picture: Tensor, targets: Mapping[Target, float], expected: Tensor
    ) -> "_Recording":
        """The passes recorded. Raises ValueError when they do not give what is expected."""
        made = _Recording(self._recorder, objective, picture, targets)
        difference = (made.play(picture, targets) - expected).square().mean().sqrt()
        if not difference <= LIKENESS * expected.std():
            raise ValueError("a recording gave another gradient")
        return made


class _Recording:
    """The passes of some forms of targets at one size, with the buffers that they read."""

    def __init__(
        self, recorder: Recorder, objective: Objective, picture: Tensor, targets: Mapping[Target, float]
    ) -> None:
        self._objective, self._picture = objective, torch.empty_like(picture)
        self._shares = torch.empty(len(targets), device=picture.device)
        self._indices = torch.empty(len(targets), 1, dtype=torch.long, device=picture.device)
        self._fill(picture, targets)
        shares = dict(zip(targets, self._shares.unbind(), strict=True))
        indices = dict(zip(targets, self._indices.unbind(), strict=True))
        work = partial(ascent.weighted, objective, self._picture, shares, indices=indices)
        self._replay, self._found = recorder(work)

    def play(self, picture: Tensor, targets: Mapping[Target, float]) -> Tensor:
        """The gradient, a copy, of targets of the same forms in the same order."""
        self._fill(picture, targets)
        self._replay()
        return self._found.clone()

    def _fill(self, picture: Tensor, targets: Mapping[Target, float]) -> None:
        self._picture.copy_(picture)
        for number, (target, share) in enumerate(self._objective.shares(targets).items()):
            self._shares[number].fill_(share)  # numbers go with the launch: nothing waits for a copy
            self._indices[number].fill_(self._objective.form(target)[1])


def clear() -> None:
    """Forget all recordings, and the networks that they belong to: the next film may have others."""
    on.cache_clear()


@cache
def on(device: torch.device) -> Graphs | None:
    """The recordings of a device, shared by all that is dreamed there; None where there can be none."""
    return Graphs(CudaRecorder(device)) if device.type == "cuda" else None

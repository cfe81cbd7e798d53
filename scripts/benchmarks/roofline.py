"""Roofline model: the operations and bytes of a job, counted, and the machine's rates of both, measured.

The roof is the shortest time for the job on this machine (after Williams et al. 2009): its arithmetic at the rate of
large matrix products, or its bytes at the rate of large copies, whichever takes longer.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from scripts.benchmarks.workload import wait

MATRIX_SIDE = 1536  # of the square matrices whose product is the machine's rate
PRODUCTS = 4
COPY_BYTES = 1 << 27  # bytes of what is copied: far more than a processor's caches hold, and than a GPU's
COPIES = 2
ALLOCATIONS = ("empty", "new_empty", "empty_like", "empty_strided")  # of memory that is not written yet
OVERWRITES = ("copy_", "fill_", "zero_", "normal_", "uniform_")  # the old content is not read


@dataclass(frozen=True)
class Work:
    """Floating-point operations of matrix products and convolutions, and bytes that all operations read and write."""

    flops: int
    bytes: int

    def least(self, flops: float, bytes: float) -> tuple[float, float]:
        """Seconds that the arithmetic and the bytes take at these rates per second."""
        return self.flops / flops, self.bytes / bytes


class Counter(TorchDispatchMode):
    """Counts the work of the operations that run within it.

    Of bytes it is the least: each operation reads its inputs and writes its outputs once. Views move nothing, and what
    a tensor repeats (``expand``) counts once. What stays in a cache between two operations counts like the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)
        if func.name().startswith("mkldnn::_convolution_pointwise"):  # with its activation (fused_convolution.py)
            convolution = flop_registry[torch.ops.aten.convolution]
            self.flops += convolution(*args[:3], None, None, None, False, out_val=result)
        elif formula is not None:
            self.flops += formula(*args, **kwargs, out_val=result)
        self.bytes += _moved(func, args, kwargs, result)
        return result

    @property
    def work(self) -> Work:
        """What was counted."""
        return Work(self.flops, self.bytes)


def count(job: Callable[[], object]) -> Work:
    """The work of doing the job once."""
    with Counter() as counter:
        job()
    return counter.work


def products(device: torch.device, dtype: torch.dtype) -> tuple[Callable[[], None], int]:
    """A job of matrix products, and its floating-point operations."""
    one = torch.randn(MATRIX_SIDE, MATRIX_SIDE, generator=torch.Generator().manual_seed(0)).to(device, dtype)

    def run() -> None:
        for _ in range(PRODUCTS):
            one @ one
        wait(device)

    return run, PRODUCTS * 2 * MATRIX_SIDE**3


def copies(device: torch.device) -> tuple[Callable[[], None], int]:
    """A job of copies from memory to memory, and the bytes that it reads and writes."""
    one = torch.ones(COPY_BYTES // 4, device=device)
    other = torch.zeros_like(one)

    def run() -> None:
        for _ in range(COPIES):
            other.copy_(one)
        wait(device)

    return run, COPIES * 2 * COPY_BYTES


def _tensors(tree: Any) -> Iterator[Tensor]:
    yield from (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _moved(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> int:
    """Bytes that the operation reads and writes at least."""
    name = func._overloadpacket.__name__
    read: list[Tensor] = []
    written: list[Tensor] = []
    for number, slot in enumerate(func._schema.arguments):
        tensors = list(_tensors(args[number] if number < len(args) else kwargs.get(slot.name)))
        changes = slot.alias_info is not None and slot.alias_info.is_write
        written += tensors if changes else []
        read += tensors if not changes or not (slot.kwarg_only or name in OVERWRITES) else []
    storages = {_storage(tensor) for tensor in (*read, *written)}
    written += [tensor for tensor in _tensors(result) if _storage(tensor) not in storages]
    if not written or name in ALLOCATIONS:  # a view, or nothing yet
        return 0
    once = {
        (_storage(tensor), 0 if tensor.is_mkldnn else tensor.storage_offset(), tensor.shape): tensor for tensor in read
    }
    return sum(map(_size, (*once.values(), *written)))


def _storage(tensor: Tensor) -> int:
    """What tensors that share memory have in common; weights in oneDNN's order share none."""
    return id(tensor) if tensor.is_mkldnn else tensor.untyped_storage()._cdata


def _size(tensor: Tensor) -> int:
    """Bytes of memory that the tensor shows, each once."""
    if tensor.is_mkldnn:
        return tensor.numel() * tensor.element_size()
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    return prod(size for size, stride in sizes if stride) * tensor.element_size()

"""Devices are set up so that the same frames come every time, as fast as that goes."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

import pipeline
from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo, network
from pipeline.errors import OutputError
from pipeline.media.encode.mux import read_record
from pipeline.runtime.device import choose_device, in_order, out_of_memory, ready
from tests.segments.test_resume import make


@pytest.fixture(autouse=True)
def settings_as_before() -> Iterator[None]:
    """What choosing a device sets is torch's own and shared by all tests."""
    cudnn, matmul, conv = torch.backends.cudnn, torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before = cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision, conv.fp32_precision
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision, conv.fp32_precision = False, True, "tf32", "ieee"
    yield
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision, conv.fp32_precision = before


def test_on_a_gpu_convolutions_alone_run_in_tf32() -> None:
    """Matrix products turn colours too; whatever the environment says of either."""
    matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
    choose_device("cpu")
    assert (matmul.fp32_precision, conv.fp32_precision) == ("tf32", "ieee")  # as it was
    ready(torch.device("cuda:1"))
    assert (matmul.fp32_precision, conv.fp32_precision) == ("ieee", "tf32")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_products_of_matrices_keep_their_digits_on_a_gpu() -> None:
    device = choose_device("cuda")
    one, other = torch.rand(2, 256, 256, generator=torch.Generator().manual_seed(0)).unbind()
    assert torch.allclose((one.to(device) @ other.to(device)).cpu(), one @ other, rtol=1e-5)


def test_the_same_algorithms_are_taken_every_time_unless_it_is_said_otherwise() -> None:
    cudnn = torch.backends.cudnn
    choose_device("auto")
    assert (cudnn.deterministic, cudnn.benchmark, in_order()) == (True, False, True)
    choose_device("auto", deterministic=False)
    assert (cudnn.deterministic, cudnn.benchmark, in_order()) == (False, True, False)
    choose_device("auto", deterministic=True)
    assert (cudnn.deterministic, cudnn.benchmark, in_order()) == (True, False, True)


@pytest.mark.parametrize(
    "said",
    [
        *("CUDA out of memory. Tried to allocate 2.00 GiB", "CUDA driver error: out of memory"),
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuFFT error: CUFFT_ALLOC_FAILED",
        *(
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        ),
        *(f"{how} was unable to find an engine to execute this computation" for how in ("GET", "FIND")),
        *("Unable to find a valid cuDNN algorithm to run convolution", "MPS backend out of memory (MPS allocated: 1)"),
        "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes",
        "could not create a primitive",
    ],
)
def test_want_of_memory_is_known_in_the_words_of_every_library(said: str) -> None:
    assert out_of_memory(RuntimeError(said))


@pytest.mark.parametrize(
    "said",
    [
        *("CUDA error: an illegal memory access was encountered", "CUBLAS_STATUS_EXECUTION_FAILED", ""),
        *("cuDNN error: CUDNN_STATUS_BAD_PARAM", "cuFFT error: CUFFT_INVALID_SIZE", "shape '[2]' is invalid"),
    ],
)
def test_other_failures_are_not_taken_for_it(said: str) -> None:
    assert not out_of_memory(RuntimeError(said))


def test_want_of_memory_may_say_nothing() -> None:
    assert out_of_memory(MemoryError())
    assert out_of_memory(torch.OutOfMemoryError())


def test_a_film_of_any_order_is_another_film_and_its_record_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="at this frame"):
        make(tmp_path, "duration=8f", "deterministic=false", at=4)
    assert not in_order() and torch.backends.cudnn.benchmark
    with pytest.raises(OutputError, match=r"rendered differently \(deterministic: false → true\)"):
        make(tmp_path, "duration=8f")
    assert in_order() and not torch.backends.cudnn.benchmark
    make(tmp_path, "duration=8f", "deterministic=false")
    assert "deterministic: false" in read_record(tmp_path / "film.mp4")


def test_whoever_chooses_a_device_says_in_which_order() -> None:
    """Films, storyboards and atlases."""
    calls = [
        ast.unparse(node)
        for path in Path(pipeline.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "choose_device"
    ]
    assert calls == ["choose_device(config.device, config.deterministic)"] * 3


@pytest.mark.parametrize("wanted", [True, False])
def test_mirrored_borders_run_backward_in_torchs_own_way_where_order_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    exchanged = []
    monkeypatch.setattr(network, "mirror_in_order", lambda model, graph: exchanged.append(model))
    choose_device("cpu", deterministic=wanted)
    with suppress(AssertionError, RuntimeError):  # there need be no GPU to go to
        model_zoo.build(NetworkConfig()).to(torch.device("cuda"), torch.float32)
    assert bool(exchanged) == wanted

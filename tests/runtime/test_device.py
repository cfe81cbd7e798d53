"""Choice and settings of devices."""

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
from pipeline.runtime.device import choose_device, is_out_of_memory, with_float32_rules
from tests.segments.test_resume import make


@pytest.fixture(autouse=True)
def settings_as_before() -> Iterator[None]:
    """Choosing a device changes torch's global settings, which all tests share."""
    cudnn, matmul, conv = torch.backends.cudnn, torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before = cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision, conv.fp32_precision
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision, conv.fp32_precision = False, True, "tf32", "ieee"
    yield
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision, conv.fp32_precision = before


def test_only_convolutions_run_in_tf32() -> None:
    matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
    choose_device("cpu")
    assert (matmul.fp32_precision, conv.fp32_precision) == ("tf32", "ieee")  # as it was
    with_float32_rules(torch.device("cuda:1"))
    assert (matmul.fp32_precision, conv.fp32_precision) == ("ieee", "tf32")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_matrix_products_are_exact_on_a_gpu() -> None:
    device = choose_device("cuda")
    one, other = torch.rand(2, 256, 256, generator=torch.Generator().manual_seed(0)).unbind()
    assert torch.allclose((one.to(device) @ other.to(device)).cpu(), one @ other, rtol=1e-5)


def test_cudnn_is_deterministic_by_default() -> None:
    cudnn = torch.backends.cudnn
    choose_device("auto")
    assert (cudnn.deterministic, cudnn.benchmark) == (True, False)
    choose_device("auto", deterministic=False)
    assert (cudnn.deterministic, cudnn.benchmark) == (False, True)
    choose_device("auto", deterministic=True)
    assert (cudnn.deterministic, cudnn.benchmark) == (True, False)


@pytest.mark.parametrize(
    "message",
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
def test_out_of_memory_messages_of_all_libraries(message: str) -> None:
    assert is_out_of_memory(RuntimeError(message))


@pytest.mark.parametrize(
    "message",
    [
        *("CUDA error: an illegal memory access was encountered", "CUBLAS_STATUS_EXECUTION_FAILED", ""),
        *("cuDNN error: CUDNN_STATUS_BAD_PARAM", "cuFFT error: CUFFT_INVALID_SIZE", "shape '[2]' is invalid"),
    ],
)
def test_other_errors_are_not_out_of_memory(message: str) -> None:
    assert not is_out_of_memory(RuntimeError(message))


def test_out_of_memory_errors_need_no_message() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError())


def test_a_film_without_determinism_is_another_film(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="at this frame"):
        make(tmp_path, "duration=8f", "deterministic=false", at=4)
    assert torch.backends.cudnn.benchmark
    with pytest.raises(OutputError, match=r"rendered differently \(deterministic: false → true\)"):
        make(tmp_path, "duration=8f")
    assert not torch.backends.cudnn.benchmark
    make(tmp_path, "duration=8f", "deterministic=false")
    assert "deterministic: false" in read_record(tmp_path / "film.mp4")


def test_all_programs_pass_determinism() -> None:
    """Films, storyboards, atlases, live sessions and whatever joins them."""
    calls = [
        ast.unparse(node)
        for path in Path(pipeline.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "choose_device"
    ]
    assert len(calls) >= 4
    workers = {"choose_device(device, deterministic)"}  # which get both from a film's settings
    assert set(calls) - workers == {"choose_device(config.device, config.deterministic)"}


@pytest.mark.parametrize("deterministic", [True, False])
def test_only_deterministic_networks_replace_padding(monkeypatch: pytest.MonkeyPatch, deterministic: bool) -> None:
    replaced = []
    monkeypatch.setattr(network, "use_deterministic_padding", lambda model, graph: replaced.append(model))
    with suppress(AssertionError, RuntimeError):  # there need be no GPU to move to
        built = model_zoo.build(NetworkConfig(name="motifnet"))
        built.to(torch.device("cuda"), torch.float32, deterministic=deterministic)
    assert bool(replaced) == deterministic

"""The benchmark's figures come from films that are really dreamed, ours and the usual way's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEventAvg

from pipeline.cli import compose
from pipeline.dream import model_zoo
from pipeline.dream.objective import Objective
from pipeline.errors import RenderError
from pipeline.media.decode.probe import count_frames
from pipeline.networks import motifnet
from scripts.benchmarks import gpu, measures
from scripts.benchmarks.baseline import CommonWay, Way
from scripts.benchmarks.frame_loop import looping
from scripts.benchmarks.timing import Took, ratios, take_turns
from scripts.benchmarks.workload import Subject, subject
from tests.targets.notation import target_of

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def small(tmp_path: Path) -> Subject:
    compose.register()
    return subject("motifnet", (64, 96), tmp_path, device="cpu", more=["network.targets=[stage3]", "dream.octaves=2"])


def test_a_ratio_is_the_median_of_neighbours() -> None:
    """A pause that falls on both jobs of a turn leaves it as it is."""
    over, under = [Took(2, 1), Took(40, 3), Took(2.2, 3)], [Took(1, 1), Took(20, 1), Took(1, 1)]
    assert ratios(over, under) == (2, 3)


def test_jobs_take_turns() -> None:
    done: list[str] = []
    take_turns({name: lambda name=name: done.append(name) for name in "abc"}, 2)  # type: ignore[misc]
    assert "".join(done) == "abcabcbca"


def test_the_loop_is_the_film_and_the_bare_passes_see_its_octaves(small: Subject, tmp_path: Path) -> None:
    assert small.octaves() == [(42, 64), (64, 96)]
    with looping(small, tmp_path) as loop:
        first, second = loop(), loop()
    assert first.shape == (1, 3, 64, 96)
    assert not torch.equal(first, second)


@pytest.fixture
def common(small: Subject, tmp_path: Path) -> CommonWay:
    return CommonWay(small, tmp_path, Way(octaves=2, steps=3))


def test_the_usual_way_dreams_too(small: Subject, common: CommonWay) -> None:
    objective = Objective(model_zoo.build(small.plan.config.network))

    def seen() -> float:
        return objective.activation(
            torch.from_numpy(common.picture.transpose(2, 0, 1).copy())[None], target_of("stage3")
        )

    before = seen()
    for _ in range(3):
        common.frame()
    assert seen() > 1.3 * before
    read = cv2.imread(str(common.folder / "000002.jpg"))
    assert read is not None
    assert read.shape == (64, 96, 3)
    common.join()
    assert count_frames(common.folder / "joined.mp4") == 3


def test_the_usual_way_says_when_its_smallest_octave_is_too_small(small: Subject, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="--size: motifnet cannot look at 16x11 pixels"):
        CommonWay(small, tmp_path, Way())


def test_both_ways_have_the_same_weights(tmp_path: Path) -> None:
    """Also where a file takes the place of those that MotifNet comes with."""
    compose.register()
    state = {
        name: tensor + 1 if name == "head.bias" else tensor for name, tensor in motifnet.load().state_dict().items()
    }
    torch.save(state, tmp_path / "own.pth")
    of = subject(f"motifnet={tmp_path / 'own.pth'}", (64, 96), tmp_path, device="cpu")
    theirs = CommonWay(of, tmp_path, Way(octaves=2))._build().state_dict()
    assert torch.equal(theirs["head.bias"], state["head.bias"])
    assert all(torch.equal(theirs[name], tensor) for name, tensor in of.network.model.state_dict().items())


@pytest.mark.slow
def test_the_figures_are_written(tmp_path: Path) -> None:
    """By the file's own name too, from anywhere."""
    words = ["--networks", "motifnet", "--parts", "overhead", "--size", "96x64", "--repeats", "1", "--device", "cpu"]
    file = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), *words, "--json", str(file)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(file.read_text())
    found = figures["networks"]["motifnet"]
    assert found["overhead"] > 0
    assert found["seconds_by_arithmetic"] == pytest.approx(found["gflop_per_frame"] / found["gemm_gflops"])
    assert found["seconds_by_memory"] == pytest.approx(found["gbyte_per_frame"] / found["memory_gbytes"])
    assert found["roof_fraction"] >= found["gemm_fraction"] > 0
    assert found["gbyte_of_the_loop"] > found["gbyte_per_frame"]
    assert figures["conditions"]["threads"] >= 1
    assert "overhead" in done.stdout


def test_every_way_is_timed_and_the_network_left_as_it_was(small: Subject) -> None:
    before = (small.network.precision, small.network.channels_last)
    found = measures.ways(small)
    assert len(found) == 4 and min(found.values()) > 0
    assert (small.network.precision, small.network.channels_last) == before
    assert measures.faults(gpu.dreaming(small))["page_faults"] >= 0


@pytest.mark.slow
def test_what_a_gpu_is_measured_by_runs_on_any_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose.register()
    monkeypatch.setattr(gpu, "WARM", 1)
    look = ["score.targets=[stage3]", "network.targets=[stage3]", "dream.octaves=2"]
    found = gpu.film("motifnet", (64, 96), tmp_path, device="cpu", look=look, repeats=1, long=0.2)
    assert found["frames_per_second_h264"] > 0
    assert found["frames_per_second_as_rendered"] > 0
    if not torch.cuda.is_available():
        assert "h264 takes its place" in found["frames_per_second_h264_nvenc"]
    assert found["milliseconds_recorded"] > 0
    assert 0 < found["busy"] < 64
    assert any("conv" in name for name in found["operations"])


def test_the_price_of_fixed_algorithms_is_that_over_the_fastest_and_leaves_all_as_it_was(
    small: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    cudnn, seen = torch.backends.cudnn, set()
    bare = small.bare()
    monkeypatch.setattr(
        Subject, "bare", lambda self: lambda: (seen.add((cudnn.deterministic, cudnn.benchmark)), bare())
    )
    assert gpu.deterministic(small, 1)["deterministic_over_free"] > 0
    assert seen == {(True, False), (False, True)}
    assert (cudnn.deterministic, cudnn.benchmark) == (True, False)


def test_of_a_gpus_time_each_kernel_counts_once() -> None:
    """Not the processor's operation that launched it as well, nor the span that somebody named."""
    rows = [
        ("aten::conv2d", DeviceType.CPU, False),
        ("kernel", DeviceType.CUDA, False),
        ("step", DeviceType.CUDA, True),
    ]
    events = []
    for name, kind, named in rows:
        event = FunctionEventAvg()
        event.key, event.device_type, event.is_user_annotation = name, kind, named
        event.self_device_time_total, event.self_cpu_time_total = 2_000_000, 3_000_000
        events.append(event)
    assert gpu.computing(events, on_gpu=True) == {"kernel": 2}
    assert gpu.computing(events[:1], on_gpu=False) == {"aten::conv2d": 3}

"""Benchmarks of real films, ours and the usual program's."""

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
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import RenderError
from pipeline.media.decode.probe import count_frames
from pipeline.networks import motifnet
from scripts.benchmarks import gpu, measures
from scripts.benchmarks.baseline import UsualProgram, UsualSettings
from scripts.benchmarks.frame_loop import looping
from scripts.benchmarks.timing import Time, ratios, take_turns
from scripts.benchmarks.workload import Subject, subject
from tests.targets.notation import target_of

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def small(tmp_path: Path) -> Subject:
    compose.register()
    return subject(
        "motifnet", (64, 96), tmp_path, device="cpu", more=["network.default_targets=[stage3]", "dream.octaves=6"]
    )


def test_a_ratio_is_the_median_over_turns() -> None:
    """A pause that falls on both jobs of a turn leaves it as it is."""
    over, under = [Time(2, 1), Time(40, 3), Time(2.2, 3)], [Time(1, 1), Time(20, 1), Time(1, 1)]
    assert ratios(over, under) == (2, 3)


def test_jobs_take_turns() -> None:
    done: list[str] = []
    take_turns({name: lambda name=name: done.append(name) for name in "abc"}, 2)  # type: ignore[misc]
    assert "".join(done) == "abcabcbca"


def test_the_loop_renders_the_film(small: Subject, tmp_path: Path) -> None:
    assert small.octaves() == [(48, 72), (64, 96)]
    with looping(small, tmp_path) as loop:
        first, second = loop(), loop()
    assert first.shape == (1, 3, 64, 96)
    assert not torch.equal(first, second)


@pytest.fixture
def common(small: Subject, tmp_path: Path) -> UsualProgram:
    return UsualProgram(small, tmp_path, UsualSettings(octaves=2, steps=3))


def test_the_usual_program_dreams(small: Subject, common: UsualProgram) -> None:
    objective = Objective(model_zoo.build(small.plan.config.network))

    def activation() -> float:
        return objective.activation(
            torch.from_numpy(common.picture.transpose(2, 0, 1).copy())[None], target_of("stage3")
        )

    before = activation()
    for _ in range(3):
        common.frame()
    assert activation() > 1.3 * before
    read = cv2.imread(str(common.folder / "000002.jpg"))
    assert read is not None
    assert read.shape == (64, 96, 3)
    common.join()
    assert count_frames(common.folder / "joined.mp4") == 3


def test_a_too_small_octave_of_the_usual_program(small: Subject, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="--size: motifnet cannot look at 16x11 pixels"):
        UsualProgram(small, tmp_path, UsualSettings())


def test_both_programs_are_timed_on_the_same_octaves(small: Subject, tmp_path: Path) -> None:
    figures = measures.against_common_way(small, tmp_path, 1)
    assert all(number > 0 for number in figures.values())


def test_both_programs_have_the_same_weights(tmp_path: Path) -> None:
    """Also where a file takes the place of those that MotifNet comes with."""
    compose.register()
    state = {
        name: tensor + 1 if name == "head.bias" else tensor for name, tensor in motifnet.load().state_dict().items()
    }
    torch.save(state, tmp_path / "own.pth")
    of = subject(f"motifnet={tmp_path / 'own.pth'}", (64, 96), tmp_path, device="cpu")
    theirs = UsualProgram(of, tmp_path, UsualSettings(octaves=2)).build().state_dict()
    assert torch.equal(theirs["head.bias"], state["head.bias"])
    assert all(torch.equal(theirs[name], tensor) for name, tensor in of.network.model.state_dict().items())


@pytest.mark.slow
def test_the_figures_are_written(tmp_path: Path) -> None:
    """By the file's own name too, from anywhere."""
    words = ["--networks", "motifnet", "--parts", "overhead", "--size", "96x64", "--repeats", "1", "--device", "cpu"]
    file = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), *words, "--json", str(file)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(file.read_text())
    results = figures["networks"]["motifnet"]
    assert results["overhead"] > 0
    assert results["seconds_by_arithmetic"] == pytest.approx(results["gflop_per_frame"] / results["gemm_gflops"])
    assert results["seconds_by_memory"] == pytest.approx(results["gbyte_per_frame"] / results["memory_gbytes"])
    assert results["roof_fraction"] >= results["gemm_fraction"] > 0
    assert results["gbyte_of_the_loop"] > results["gbyte_per_frame"]
    assert figures["conditions"]["threads"] >= 1
    assert "overhead" in done.stdout
    budget = results["budget"]
    assert 0 < budget["milliseconds_roof"] and 0 < budget["milliseconds_bare"] < budget["milliseconds_loop"]
    assert f"| motifnet | {budget['milliseconds_roof']:.0f} | {budget['milliseconds_bare']:.0f} | " in done.stdout


def test_every_arithmetic_is_timed(small: Subject) -> None:
    before = (small.network.precision, small.network.channels_last)
    results = measures.ways(small)
    assert len(results) == 4 and min(results.values()) > 0
    assert (small.network.precision, small.network.channels_last) == before
    assert measures.faults(gpu.dreaming(small))["page_faults"] >= 0


@pytest.mark.slow
def test_gpu_measurements_run_on_any_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose.register()
    monkeypatch.setattr(gpu, "WARM_FRAMES", 1)
    more = ["score.targets=[stage3]", "network.default_targets=[stage3]", "dream.octaves=2"]
    results = gpu.film("motifnet", (64, 96), tmp_path, device="cpu", more=more, repeats=1, long=0.2)
    assert results["frames_per_second_h264"] > 0
    assert results["frames_per_second_as_rendered"] > 0
    if not torch.cuda.is_available():
        assert "h264 takes its place" in results["frames_per_second_h264_nvenc"]
    assert results["milliseconds_recorded"] > 0
    assert 0 < results["busy"] < 64
    assert any("conv" in name for name in results["operations"])


def test_the_price_of_determinism_changes_no_settings(small: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    cudnn, flags = torch.backends.cudnn, set()
    bare = small.bare()
    monkeypatch.setattr(
        Subject, "bare", lambda self: lambda: (flags.add((cudnn.deterministic, cudnn.benchmark)), bare())
    )
    assert gpu.deterministic(small, 1)["deterministic_over_free"] > 0
    assert flags == {(True, False), (False, True)}
    assert (cudnn.deterministic, cudnn.benchmark) == (True, False)


def test_each_gpu_kernel_counts_once() -> None:
    """Not the operation that launched it, nor an annotated span."""
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


@pytest.mark.parametrize("name", ["efficientnet_lite0", "motifnet"])
def test_networks_of_our_own_have_their_weights(name: str, tmp_path: Path) -> None:
    film = subject(name, (64, 96), tmp_path, device="cpu")
    assert film.trained and film.network.name == name
    assert Path(film.network.weights.path).is_file()


def test_the_loop_makes_all_passes_that_it_is_compared_with(tmp_path: Path) -> None:
    """The default network leaves octaves out; bare passes leave out none."""
    compose.register()
    of = subject("efficientnet_lite0", (192, 320), tmp_path, device="cpu")
    assert compose.make_config().dream.interval > 1
    assert of.plan.config.dream.interval == 1 and len(of.octaves()) > 2

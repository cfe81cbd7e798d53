"""The benchmark's figures come from films that are really dreamed, ours and the usual way's."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from pipeline import command
from pipeline.dream import zoo
from pipeline.dream.objective import Objective
from pipeline.media.video import count_frames
from scripts import benchmark
from scripts.speed import gpu, measures, thrift
from scripts.speed.common_way import CommonWay, Way
from scripts.speed.subject import Subject, subject
from scripts.speed.timing import Took, ratios, take_turns

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def small(tmp_path: Path) -> Subject:
    command.register()
    return subject("motifnet", (64, 96), tmp_path, device="cpu", more=["score.targets=[stage3]", "dream.octaves=2"])


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
    with measures.looping(small, tmp_path) as frame:
        first, second = frame(), frame()
    assert first.shape == (1, 3, 64, 96)
    assert not torch.equal(first, second)


def test_the_usual_way_dreams_too(small: Subject, tmp_path: Path) -> None:
    theirs = CommonWay("motifnet", "", "stage3", (64, 96), tmp_path, Way(octaves=2, steps=3))
    objective = Objective(zoo.build(small.plan.config.network))

    def seen() -> float:
        return objective.activation(torch.from_numpy(theirs.picture.transpose(2, 0, 1).copy())[None], "stage3")

    before = seen()
    for _ in range(3):
        theirs.frame()
    assert seen() > 1.3 * before
    read = cv2.imread(str(tmp_path / "000002.jpg"))
    assert read is not None
    assert read.shape == (64, 96, 3)
    theirs.join()
    assert count_frames(tmp_path / "joined.mp4") == 3


@pytest.mark.slow
def test_the_figures_are_written(tmp_path: Path) -> None:
    words = ["--networks", "motifnet", "--parts", "overhead", "--size", "96x64", "--repeats", "1", "--device", "cpu"]
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "scripts.benchmark", *words, "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(file.read_text())
    found = figures["networks"]["motifnet"]
    assert found["overhead"] > 0
    assert found["gflop_per_frame"] == pytest.approx(
        found["gemm_fraction"] * found["gemm_gflops"] * found["seconds_per_frame"], rel=3
    )
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
    command.register()
    monkeypatch.setattr(gpu, "WARM", 1)
    look = ["score.targets=[stage3]", "network.targets=[stage3]", "dream.octaves=2"]
    found = gpu.film("motifnet", (64, 96), tmp_path, device="cpu", look=look, repeats=1, long=0.2)
    assert found["frames_per_second_h264"] > 0
    if not torch.cuda.is_available():
        assert "h264 takes its place" in found["frames_per_second_h264_nvenc"]
    assert found["milliseconds_recorded"] > 0
    assert 0 < found["busy"] < 64
    assert any("conv" in name for name in found["operations"])


def test_the_price_of_fixed_algorithms_leaves_them_fixed(small: Subject) -> None:
    assert gpu.deterministic(small, 1)["deterministic_over_free"] > 0
    assert torch.backends.cudnn.deterministic


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_its_parts_say_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmark", "--parts", "start", "gpu", "deterministic"])
    assert benchmark.arguments().parts == ["start"]
    assert capsys.readouterr().err == "gpu and deterministic: left out, there is no CUDA GPU here\n"
    monkeypatch.setattr(sys, "argv", ["benchmark", "--parts", "gpu"])
    with pytest.raises(SystemExit) as ended:
        benchmark.arguments()
    assert ended.value.code == 2


def test_the_curve_counts_every_pixel_that_is_passed(small: Subject) -> None:
    """One step on 42×64 and 64×96; two steps are twice that, one octave the finer, and thrift at most all of it."""
    dreams = thrift.settings(small.plan.config.dream)
    names = ("1 step", "2 steps", "octaves=1", "thrift=12")
    points = thrift.curve(small, {name: dreams[name] for name in names}, 1.0, 6, small.shot().canvas)
    pixels = [points[name].kpixels for name in names]
    assert pixels[:3] == pytest.approx([8.832, 17.664, 6.144])
    assert 0 < pixels[3] <= pixels[0]
    assert all(point.flicker > 0 for point in points.values())

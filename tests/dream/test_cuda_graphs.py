"""Recorded gradients are those of launched operations, however weights and pictures change."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from pipeline.config import DreamConfig, NetworkConfig
from pipeline.dream import cuda_graphs, model_zoo
from pipeline.dream.cuda_graphs import RecordedGradients
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.gradient import whole_gradient
from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Objective
from pipeline.runtime.device import choose_device
from pipeline.targets.target import TargetWeights
from tests.targets.notation import target_of, weights_of

GRAPH_SAFE = ["two", "three:3", "class:owl", "dir:three:5>12", "guide:photo"]
SHIFT = (5, -7)


class RerunRecorder:
    """A recorder for devices without CUDA: the work is done again on the same buffers, into the same result."""

    def __init__(self) -> None:
        self.made = self.played = 0

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        self.made += 1
        work()
        result = work()

        def replay() -> None:
            self.played += 1
            result.copy_(work())

        return replay, result


def noise(height: int = 48, width: int = 64, seed: int = 3) -> Tensor:
    return 0.45 + 0.1 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def objective(tiny: Network) -> Objective:
    return Objective(tiny, {"photo": noise(seed=9)})


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(cuda_graphs.log, "warning", lines.append)
    return lines


def fading_weights(targets: list[str], step: int) -> TargetWeights:
    return {target_of(target): (0.31 + 0.17 * step) * (-1) ** n for n, target in enumerate(targets)}


@pytest.mark.parametrize("targets", [*([each] for each in GRAPH_SAFE), GRAPH_SAFE, GRAPH_SAFE[::-1]])
def test_a_recording_serves_all_weights(objective: Objective, targets: list[str]) -> None:
    recorder = RerunRecorder()
    recorded = RecordedGradients(recorder)
    for step in range(6):
        picture, weights = noise(seed=step), fading_weights(targets, step)
        expected = whole_gradient(objective, picture, weights, SHIFT)
        assert torch.equal(recorded.recorded_gradient(objective, picture, weights, SHIFT), expected)
    assert recorder.made == 1  # one recording for all weights
    assert recorder.played == 1 + 6 - cuda_graphs.USES_BEFORE_RECORDING  # one of them to see that it is right


def test_one_recording_serves_all_channels(objective: Objective) -> None:
    recorder = RerunRecorder()
    recorded = RecordedGradients(recorder)
    for step in range(6):
        for targets in (
            weights_of({f"three:{step}": 1.0}),
            weights_of({f"three:{step}": 0.3, f"three:{step + 5}": 0.7 * step + 0.1}),
            weights_of({f"class:{step}": 1.0, "two": 0.5, f"three:{15 - step}": -0.2}),
        ):
            expected = whole_gradient(objective, noise(seed=step), targets, SHIFT)
            assert torch.equal(recorded.recorded_gradient(objective, noise(seed=step), targets, SHIFT), expected)
    assert recorder.made == 3


def test_results_are_copies(objective: Objective) -> None:
    recorded = RecordedGradients(RerunRecorder())
    result = [
        recorded.recorded_gradient(objective, noise(seed=step), weights_of({"three": 1.0}), SHIFT) for step in range(6)
    ]
    for step, each in enumerate(result):
        assert torch.equal(each, whole_gradient(objective, noise(seed=step), weights_of({"three": 1.0}), SHIFT))


def test_each_size_and_objective_has_its_recording(tiny: Network) -> None:
    one, other, recorder = Objective(tiny), Objective(tiny), RerunRecorder()
    recorded = RecordedGradients(recorder)
    cases: list[tuple[Objective, Tensor, TargetWeights]] = [
        (one, noise(), weights_of({"two": 1.0})),
        (one, noise(48, 66), weights_of({"two": 1.0})),
        (one, noise(), weights_of({"two": 1.0, "three": 1.0})),
        (one, noise(), weights_of({"three": 1.0, "two": 1.0})),
        (other, noise(), weights_of({"two": 1.0})),
    ]
    for _ in range(5):
        for objective, picture, targets in cases:
            result = recorded.recorded_gradient(objective, picture, targets, SHIFT)
            assert torch.equal(result, whole_gradient(objective, picture, targets, SHIFT))
    assert recorder.made == len(cases)


@pytest.mark.parametrize("target", ["three:2@0.75x0.25", "diverse:three:1+4+9"])
def test_unsafe_targets_are_not_recorded(objective: Objective, target: str) -> None:
    recorder = RerunRecorder()
    recorded = RecordedGradients(recorder)
    for step in range(5):
        shift, targets = (3 * step, -step), weights_of({target: 1.0, "two": 1.0})
        expected = whole_gradient(objective, noise(), targets, shift)
        assert torch.equal(recorded.recorded_gradient(objective, noise(), targets, shift), expected)
    assert not recorder.made


def test_the_least_recently_used_recording_is_dropped(objective: Objective) -> None:
    recorder = RerunRecorder()
    recorded = RecordedGradients(recorder, max_recordings=2)

    def ask(width: int, times: int = cuda_graphs.USES_BEFORE_RECORDING) -> None:
        for _ in range(times):
            recorded.recorded_gradient(objective, noise(48, width), weights_of({"two": 1.0}), SHIFT)

    ask(64)
    ask(66)
    ask(64, 1)  # now 66 is the older one
    ask(68)
    assert recorder.made == 3
    ask(64, 5)
    ask(68, 5)
    assert recorder.made == 3
    ask(66)
    assert recorder.made == 4


@pytest.mark.parametrize("error", [RuntimeError("no recording\nhere"), torch.OutOfMemoryError("CUDA out of memory")])
def test_failing_recorders_are_given_up(objective: Objective, warnings: list[str], error: Exception) -> None:
    def failing(work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        raise error

    recorded = RecordedGradients(failing)
    for step in range(6):
        result = recorded.recorded_gradient(objective, noise(seed=step), weights_of({"two": 1.0}), SHIFT)
        assert torch.equal(result, whole_gradient(objective, noise(seed=step), weights_of({"two": 1.0}), SHIFT))
    assert len(warnings) == 1
    assert str(error).splitlines()[0] in warnings[0]
    assert "\n" not in warnings[0]


def test_failing_or_wrong_recordings_are_given_up(objective: Objective, warnings: list[str]) -> None:
    def wrong(work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        gradient = work()
        return lambda: None, torch.zeros_like(gradient)

    def breaking(work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        replay, result = RerunRecorder()(work)
        plays: Iterator[int] = iter(range(2))

        def once() -> None:
            next(plays)
            replay()

        return once, result

    for recorder in (wrong, breaking):
        recorded = RecordedGradients(recorder)
        for step in range(7):
            result = recorded.recorded_gradient(objective, noise(seed=step), weights_of({"two": 1.0}), SHIFT)
            assert torch.equal(result, whole_gradient(objective, noise(seed=step), weights_of({"two": 1.0}), SHIFT))
        assert not recorded.working
    assert "another gradient" in warnings[0]
    assert len(warnings) == 2


def test_a_dreamer_drops_recordings_before_it_takes_tiles(
    tiny: Network, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tiles change the bits of a film; recordings do not."""
    recorder = RerunRecorder()
    recorded, objective = RecordedGradients(recorder), Objective(tiny)

    def dreamed(config: DreamConfig) -> list[Tensor]:
        dreamer, canvas, result = Dreamer(objective, config), noise(), []
        generator = torch.Generator().manual_seed(0)
        for _ in range(5):
            canvas = dreamer.dream(canvas, lambda scale: weights_of({"three": 1.0}), config, 0.04, generator)
            result.append(canvas)
        assert dreamer.tile == "auto"
        return result

    config = DreamConfig(octaves=2)
    expected = dreamed(config)
    monkeypatch.setattr("pipeline.dream.dreamer.recorded_gradients", lambda device: recorded)
    assert all(map(torch.equal, dreamed(config), expected))
    assert recorder.made == 1  # so small a frame has one octave

    played = recorder.played
    assert all(map(torch.equal, dreamed(DreamConfig(octaves=2, graphs=False)), expected))
    assert recorder.played == played  # switched off
    memory, gradient = iter([True]), recorded.recorded_gradient

    def once_full(*cases: object) -> Tensor:
        if next(memory, False):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return gradient(*cases)  # type: ignore[arg-type]

    monkeypatch.setattr(recorded, "recorded_gradient", once_full)
    assert all(map(torch.equal, dreamed(config), expected))
    assert not recorded.working
    assert warnings == ["CUDA graphs are off from here on (the device ran out of memory)"]


def test_nothing_is_recorded_without_cuda() -> None:
    assert cuda_graphs.recorded_gradients(torch.device("cpu")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_graph_gives_the_bits_of_launches(precision: torch.dtype) -> None:
    device = choose_device("cuda")
    objective = Objective(model_zoo.build(NetworkConfig(name="motifnet")).to(device, precision))
    recorder, recordings = cuda_graphs.CudaRecorder(device), list[cuda_graphs.Work]()

    def record(work: cuda_graphs.Work) -> tuple[Callable[[], None], Tensor]:
        recordings.append(work)
        return recorder(work)

    recorded = RecordedGradients(record)
    for step in range(8):
        for size in ((135, 240), (270, 480)):
            picture, targets = (
                noise(*size, seed=step).to(device),
                weights_of({"stage3": 0.1 * step + 0.1, f"stage4:{step}": 0.5}),
            )
            expected = whole_gradient(objective, picture, targets, SHIFT)
            assert torch.equal(recorded.recorded_gradient(objective, picture, targets, SHIFT), expected)
    assert recorded.working
    assert len(recordings) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_device_works_after_a_failed_recording() -> None:
    device = choose_device("cuda")
    one = torch.ones(4, device=device)

    def waiting() -> Tensor:
        return one * float(one.sum())  # looks at the device, which no recording may

    with pytest.raises(RuntimeError):
        cuda_graphs.CudaRecorder(device)(waiting)
    torch.cuda.empty_cache()
    replay, result = cuda_graphs.CudaRecorder(device)(lambda: one * 2)
    replay()
    assert result.tolist() == [2, 2, 2, 2]

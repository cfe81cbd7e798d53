"""The dream sticks to the footage, ends at cuts and fades as configured."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from pipeline.config import CameraRates, DreamConfig, FlowConfig
from pipeline.cue import Cue
from pipeline.motion.camera import Camera
from pipeline.motion.footage import Footage
from pipeline.motion.optical_flow import dis
from pipeline.motion.prefetch import Prefetch
from tests.motion.test_optical_flow import texture, view


def cue(persistence: float = 1.0, reset: float = 0.0) -> Cue:
    flow = FlowConfig(persistence=persistence, reset=reset)
    return Cue(0.0, CameraRates(), DreamConfig(), flow, lambda scale: {}, "")


KEEP = cue()


def movement(footage: Footage) -> torch.Tensor:
    mask = footage.mask(torch.empty(0), "motion")
    assert mask is not None
    return mask


def stage(
    frames: list[torch.Tensor],
    cuts: frozenset[int] = frozenset(),
    fps: float = 24.0,
    repeats: frozenset[int] = frozenset(),
    rates: CameraRates | None = None,
    **flow: object,
) -> Footage:
    config = FlowConfig(**{"keep_light": 0.0, "warmup": 0, **flow})  # type: ignore[arg-type]
    estimate = dis(config) if config.kind == "dis" else None
    source = Prefetch(lambda first: iter(frames[first:]), estimate, cuts, repeats)
    camera = Camera(lambda index: rates or CameraRates(), fps)
    return Footage(source, config, camera, lambda canvas, *_: canvas + 0.01, torch.device("cpu"))


def panned(count: int, right: float, down: float) -> list[torch.Tensor]:
    plane = texture(1)
    return [view(plane, right * n, down * n) for n in range(count)]


def blob(x: float, y: float) -> torch.Tensor:
    rows, columns = torch.arange(96)[:, None], torch.arange(144)[None]
    return 0.3 * torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)[None, None].expand(1, 3, -1, -1)


def centre(residual: torch.Tensor) -> tuple[float, float]:
    weight = residual.mean(dim=(0, 1)).clamp(min=0.03) - 0.03
    x = (weight.sum(0) * torch.arange(144)).sum() / weight.sum()
    return float(x), float((weight.sum(1) * torch.arange(96)).sum() / weight.sum())


def test_dream_moves_with_things() -> None:
    frames = panned(9, 2.5, -1.0)
    with stage(frames) as footage:
        canvas = footage.advance(frames[0], KEEP, 0)
        assert torch.equal(canvas, frames[0])
        canvas = canvas + blob(90, 40)
        for index in range(1, 9):
            canvas = footage.advance(canvas, KEEP, index)
    residual = canvas - frames[8]
    assert centre(residual) == pytest.approx((90 - 8 * 2.5, 40 + 8 * 1.0), abs=0.7)
    assert float(residual.max()) > 0.24  # a bicubic warp eight times over keeps it sharp
    assert float(residual[..., 60:, :].abs().mean()) < 0.003  # and where nothing was dreamed is the source


def test_without_flow_the_dream_stays_in_place() -> None:
    frames = panned(5, 2.5, 0)
    with stage(frames, kind="none") as footage:
        canvas = footage.advance(frames[0], KEEP, 0) + blob(90, 40)
        for index in range(1, 5):
            canvas = footage.advance(canvas, KEEP, index)
    assert torch.allclose(canvas - frames[4], blob(90, 40), atol=1e-5)


@pytest.mark.parametrize("style", ["residual", "blend"])
def test_cut_ends_the_dream(style: str) -> None:
    frames = panned(3, 1, 0) + [view(texture(9), n, 0) for n in range(3)]
    with stage(frames, frozenset({3}), style=style) as footage:
        canvas = frames[0]
        for index in range(6):
            canvas = footage.advance(canvas, KEEP, index)
            if index in (0, 3):
                assert torch.equal(canvas, frames[index])
            canvas = canvas + 0.01


@pytest.mark.parametrize("fps", [12.0, 24.0, 60.0])
def test_dream_fades_alike_at_any_frame_rate(fps: float) -> None:
    frames = [view(texture(1), 0, 0)] * 61
    fading = cue(0.96, 0.7)
    with stage(frames, fps=fps) as footage:
        canvas = footage.advance(frames[0], fading, 0) + 0.1
        for index in range(1, int(fps) + 1):
            canvas = footage.advance(canvas, fading, index)
    left = float((canvas - frames[0]).mean())
    assert left == pytest.approx(0.1 * 0.96**24 * 2.718281828**-0.7, rel=1e-3)


def test_broad_light_returns_to_the_source() -> None:
    frames = [view(texture(1), 0, 0)] * 3
    detail = 0.1 * torch.sin(torch.arange(144) * 1.5).expand(1, 3, 96, 144)
    with stage(frames, keep_light=0.8) as footage:
        canvas = footage.advance(frames[0], KEEP, 0)
        canvas = footage.finish(canvas + 0.2 + detail, 0)
        assert float((canvas - frames[0]).mean()) == pytest.approx(0.04, abs=0.005)
        canvas = footage.finish(footage.advance(canvas, KEEP, 1), 1)
    residual = canvas - frames[1]
    assert float(residual.mean()) == pytest.approx(0.008, abs=0.003)
    assert float((residual - residual.mean()).std()) > 0.9 * float(detail.std())


def test_blend_style_mixes_in_the_frame_before() -> None:
    frames = [torch.full((1, 3, 96, 144), value) for value in (0.2, 0.8)]
    with stage(frames, kind="none", style="blend") as footage:
        footage.advance(frames[0], KEEP, 0)
        mixed = footage.advance(frames[0], cue(0.25), 1)
    assert torch.allclose(mixed, torch.full_like(mixed, 0.65))


def test_camera_moves_the_dream_and_not_the_footage() -> None:
    frames = [view(texture(1), 0, 0)] * 2
    five_pixels = CameraRates(pan=(-5 / 144 * 24, 0.0))
    with stage(frames, rates=five_pixels) as footage:
        canvas = footage.advance(frames[0], KEEP, 0) + blob(70, 40)
        canvas = footage.advance(canvas, KEEP, 1)
    assert torch.allclose(canvas - frames[1], blob(75, 40), atol=1e-4)


def test_every_scene_is_warmed_up() -> None:
    frames = [view(texture(1), 0, 0)] * 4
    with stage(frames, frozenset({2}), kind="none", warmup=3) as footage:
        added = [float((footage.advance(frames[0], KEEP, index) - frames[0]).mean()) for index in range(4)]
    assert added == pytest.approx([0.03, 0.0, 0.03, 0.0], abs=1e-6)


def test_footage_resumes_at_any_frame_with_equal_bits() -> None:
    frames = panned(6, 1.5, 0.5)

    def run(first: int, canvas: torch.Tensor) -> list[torch.Tensor]:
        made = []
        with stage(frames) as footage:
            for index in range(first, 6):
                canvas = footage.advance(canvas, KEEP, index) + 0.02
                made.append(canvas)
        return made

    whole = run(0, frames[0])
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], run(3, whole[2]), strict=True))


def test_next_frame_is_read_in_a_thread() -> None:
    frames, read = panned(3, 1, 0), []

    def reading(first: int) -> Iterator[torch.Tensor]:
        for index, frame in enumerate(frames[first:], first):
            read.append((index, threading.current_thread().name))
            yield frame

    camera = Camera(lambda index: CameraRates(), 24.0)
    source = Prefetch(reading, None)
    with Footage(source, FlowConfig(), camera, lambda canvas, *_: canvas, torch.device("cpu")) as footage:
        footage.advance(frames[0], KEEP, 0)
        deadline = time.monotonic() + 10
        while len(read) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [index for index, _ in read][:2] == [0, 1]
        assert all(name != threading.current_thread().name for _, name in read)


def test_repeated_image_keeps_its_movement() -> None:
    """Twelve pictures per second shown at 24: what moves does not pulse, and counts as it does at 12."""
    pictures = panned(4, 2.5, 0.0)
    doubled = [picture for picture in pictures for _ in range(2)]
    with stage(doubled, repeats=frozenset({1, 3, 5, 7})) as footage:
        shares = []
        for index in range(8):
            footage.advance(doubled[0], KEEP, index)
            shares.append(movement(footage))
    assert all(torch.equal(a, b) for a, b in zip(shares[2::2], shares[3::2], strict=True))
    assert float(torch.stack(shares).min()) > 0.3
    with stage(pictures, fps=12.0) as footage:
        canvas = footage.advance(pictures[0], KEEP, 0)
        footage.advance(canvas, KEEP, 1)
        assert torch.allclose(movement(footage), shares[2], atol=1e-5)


def test_first_image_of_a_scene_moves_like_the_next() -> None:
    resting = [view(texture(1), 0, 0)] * 3
    frames = resting + [view(texture(9), 2.5 * n, 0) for n in range(3)] + [view(texture(4), 0, 0)]
    with stage(frames, frozenset({3, 6}), repeats=frozenset({1, 2})) as footage:
        shares = []
        for index in range(7):
            footage.advance(frames[0], KEEP, index)
            shares.append(float(movement(footage).median()))
    assert shares[:3] == [0, 0, 0]
    assert min(shares[3:6]) > 0.9
    assert shares[6] == 0  # nothing follows, nothing is known

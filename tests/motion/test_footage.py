"""What was dreamed sticks to the footage, ends at cuts and fades as it is told to."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from pipeline.config import FlowConfig
from pipeline.motion.footage import Footage
from pipeline.motion.optical_flow import dis
from tests.motion.test_optical_flow import seen, texture

KEEP = {"flow.persistence": 1.0, "flow.reset": 0.0}


def stage(
    frames: list[torch.Tensor],
    cuts: frozenset[int] = frozenset(),
    fps: float = 24.0,
    repeats: frozenset[int] = frozenset(),
    first: int = 0,
    **flow: object,
) -> Footage:
    settings = FlowConfig(**{"light": 0.0, **flow})  # type: ignore[arg-type]
    return Footage(
        lambda first: iter(frames[first:]),
        settings,
        estimate=dis(settings) if settings.kind == "dis" else None,
        cuts=cuts,
        fps=fps,
        device=torch.device("cpu"),
        repeats=repeats,
        first=first,
    )


def still(picture: torch.Tensor) -> torch.Tensor:
    return picture


def panned(count: int, right: float, down: float) -> list[torch.Tensor]:
    plane = texture(1)
    return [seen(plane, right * n, down * n) for n in range(count)]


def blob(x: float, y: float) -> torch.Tensor:
    rows, columns = torch.arange(96)[:, None], torch.arange(144)[None]
    return 0.3 * torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)[None, None].expand(1, 3, -1, -1)


def centre(residual: torch.Tensor) -> tuple[float, float]:
    weight = residual.mean(dim=(0, 1)).clamp(min=0.03) - 0.03
    x = (weight.sum(0) * torch.arange(144)).sum() / weight.sum()
    return float(x), float((weight.sum(1) * torch.arange(96)).sum() / weight.sum())


def test_what_was_dreamed_moves_with_the_things() -> None:
    frames = panned(9, 2.5, -1.0)
    with stage(frames) as footage:
        canvas = footage.blend(frames[0], 0, still, KEEP)
        assert torch.equal(canvas, frames[0])
        canvas = canvas + blob(90, 40)
        for index in range(1, 9):
            canvas = footage.blend(canvas, index, still, KEEP)
    residual = canvas - frames[8]
    assert centre(residual) == pytest.approx((90 - 8 * 2.5, 40 + 8 * 1.0), abs=0.7)
    assert float(residual.max()) > 0.24  # a bicubic warp eight times over keeps it sharp
    assert float(residual[..., 60:, :].abs().mean()) < 0.003  # and where nothing was dreamed is the source


def test_without_flow_it_stays_in_place() -> None:
    frames = panned(5, 2.5, 0)
    with stage(frames, kind="none") as footage:
        canvas = footage.blend(frames[0], 0, still, KEEP) + blob(90, 40)
        for index in range(1, 5):
            canvas = footage.blend(canvas, index, still, KEEP)
    assert torch.allclose(canvas - frames[4], blob(90, 40), atol=1e-5)


@pytest.mark.parametrize("style", ["residual", "blend"])
def test_a_cut_ends_the_dream(style: str) -> None:
    frames = panned(3, 1, 0) + [seen(texture(9), n, 0) for n in range(3)]
    with stage(frames, frozenset({3}), style=style) as footage:
        canvas = frames[0]
        for index in range(6):
            canvas = footage.blend(canvas, index, still, KEEP)
            if index in (0, 3):
                assert footage.begins(index) and torch.equal(canvas, frames[index])
            canvas = canvas + 0.01


@pytest.mark.parametrize("fps", [12.0, 24.0, 60.0])
def test_the_dream_fades_alike_at_any_rate(fps: float) -> None:
    frames = [seen(texture(1), 0, 0)] * 61
    numbers = {"flow.persistence": 0.96, "flow.reset": 0.7}
    with stage(frames, fps=fps) as footage:
        canvas = footage.blend(frames[0], 0, still, numbers) + 0.1
        for index in range(1, int(fps) + 1):
            canvas = footage.blend(canvas, index, still, numbers)
    left = float((canvas - frames[0]).mean())
    assert left == pytest.approx(0.1 * 0.96**24 * 2.718281828**-0.7, rel=1e-3)


def test_broad_light_is_given_back_and_detail_is_kept() -> None:
    frames = [seen(texture(1), 0, 0)] * 3
    detail = 0.1 * torch.sin(torch.arange(144) * 1.5).expand(1, 3, 96, 144)
    with stage(frames, light=0.8) as footage:
        canvas = footage.blend(frames[0], 0, still, KEEP)
        canvas = footage.anchor(canvas + 0.2 + detail)
        assert float((canvas - frames[0]).mean()) == pytest.approx(0.04, abs=0.005)
        canvas = footage.anchor(footage.blend(canvas, 1, still, KEEP))
    residual = canvas - frames[1]
    assert float(residual.mean()) == pytest.approx(0.008, abs=0.003)
    assert float((residual - residual.mean()).std()) > 0.9 * float(detail.std())


def test_blend_mixes_the_last_frame_in() -> None:
    frames = [torch.full((1, 3, 96, 144), value) for value in (0.2, 0.8)]
    with stage(frames, kind="none", style="blend") as footage:
        footage.blend(frames[0], 0, still, KEEP)
        mixed = footage.blend(frames[0], 1, still, {"flow.persistence": 0.25, "flow.reset": 0.0})
    assert torch.allclose(mixed, torch.full_like(mixed, 0.65))


def test_the_camera_moves_the_dream_and_not_the_footage() -> None:
    frames = [seen(texture(1), 0, 0)] * 2
    with stage(frames) as footage:
        canvas = footage.blend(frames[0], 0, still, KEEP) + blob(70, 40)
        canvas = footage.blend(canvas, 1, lambda picture: picture.roll(5, 3), KEEP)
    assert torch.allclose(canvas - frames[1], blob(75, 40), atol=1e-5)


def test_a_film_goes_on_from_any_frame_with_the_same_bits() -> None:
    frames = panned(6, 1.5, 0.5)

    def run(first: int, canvas: torch.Tensor) -> list[torch.Tensor]:
        made = []
        with stage(frames) as footage:
            for index in range(first, 6):
                canvas = footage.blend(canvas, index, still, KEEP) + 0.02
                made.append(canvas)
        return made

    whole = run(0, frames[0])
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], run(3, whole[2]), strict=True))


def test_the_next_frame_is_read_while_this_one_is_dreamed() -> None:
    frames, read = panned(3, 1, 0), []

    def reading(first: int) -> Iterator[torch.Tensor]:
        for index, frame in enumerate(frames[first:], first):
            read.append((index, threading.current_thread().name))
            yield frame

    with Footage(
        reading, FlowConfig(), estimate=None, cuts=frozenset(), fps=24.0, device=torch.device("cpu")
    ) as footage:
        footage.blend(frames[0], 0, still, KEEP)
        deadline = time.monotonic() + 10
        while len(read) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [index for index, _ in read][:2] == [0, 1]
        assert all(name != threading.current_thread().name for _, name in read)


def test_a_picture_shown_again_keeps_the_motion_it_came_with() -> None:
    """Twelve pictures per second shown at 24: what moves does not pulse, and counts as it does at 12."""
    pictures = panned(4, 2.5, 0.0)
    size = (pictures[0].shape[2], pictures[0].shape[3])
    doubled = [picture for picture in pictures for _ in range(2)]
    with stage(doubled, repeats=frozenset({1, 3, 5, 7})) as footage:
        shares = []
        for index in range(8):
            footage.blend(doubled[0], index, still, KEEP)
            shares.append(footage.content("motion", size))
    assert all(torch.equal(a, b) for a, b in zip(shares[2::2], shares[3::2], strict=True))
    assert float(torch.stack(shares).min()) > 0.3
    with stage(pictures, fps=12.0) as footage:
        canvas = footage.blend(pictures[0], 0, still, KEEP)
        footage.blend(canvas, 1, still, KEEP)
        assert torch.allclose(footage.content("motion", size), shares[2], atol=1e-5)


def test_the_first_picture_of_a_scene_moves_as_it_will() -> None:
    resting = [seen(texture(1), 0, 0)] * 3
    frames = resting + [seen(texture(9), 2.5 * n, 0) for n in range(3)] + [seen(texture(4), 0, 0)]
    size = (frames[0].shape[2], frames[0].shape[3])
    with stage(frames, frozenset({3, 6}), repeats=frozenset({1, 2})) as footage:
        shares = []
        for index in range(7):
            footage.blend(frames[0], index, still, KEEP)
            shares.append(float(footage.content("motion", size).median()))
    assert shares[:3] == [0, 0, 0]
    assert min(shares[3:6]) > 0.9
    assert shares[6] == 0  # nothing follows, nothing is known

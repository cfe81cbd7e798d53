import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from pipeline.config import CameraRates
from pipeline.motion.camera import Camera, move, sampling_grid
from pipeline.motion.sampling_grid import sample_mirrored


@pytest.fixture(params=[1, 2, 3, 40])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("size", [(90, 160), (61, 47), (20, 40), (33, 200)])
@pytest.mark.parametrize("turn", [1.012, 0.988, 1.0001, 1.01 + 0.004j, 0.3 + 0.9j, 1.4, 0.5])
def test_a_middle_without_reflections_has_the_same_bits(threads: None, size: tuple[int, int], turn: complex) -> None:
    frame = torch.rand(1, 4, *size, generator=torch.Generator().manual_seed(0))
    grid = sampling_grid(complex(turn), 0.7 - 0.2j, (0.4, 0.6), frame)
    expected = F.grid_sample(frame, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    assert torch.equal(sample_mirrored(frame, grid), expected)


def test_a_grid_of_another_size_has_the_same_bits(threads: None) -> None:
    frame = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    grid = torch.rand(1, 71, 83, 2, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9
    expected = F.grid_sample(frame, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    assert torch.equal(sample_mirrored(frame, grid), expected)


def test_first_move_uncovers_the_mirror_image() -> None:
    frame = torch.rand(1, 3, 60, 80, generator=torch.Generator().manual_seed(0))
    moved = Camera(lambda index: CameraRates(pan=(0.9, 0.0)), 24.0).move(frame, 1)  # three pixels
    assert torch.allclose(moved, torch.cat([frame[..., 3:], frame[..., -3:].flip(3)], 3), atol=1e-4)


def changing(index: float) -> CameraRates:
    return CameraRates(zoom=0.6 + 0.3 * math.sin(index / 3), rotate=9 * math.sin(index / 8))


@pytest.mark.parametrize(
    "rates",
    [
        lambda index: CameraRates(zoom=0.6),
        lambda index: CameraRates(pan=(0.3, 0.4)),
        lambda index: CameraRates(zoom=0.8, rotate=20),
        changing,
        lambda index: CameraRates(zoom=0.3 if index % 8 < 2 else 0.98),
        lambda index: CameraRates(zoom=1.2 if index % 8 < 2 else 0.5),
        lambda index: CameraRates(pan=(0.2 + 0.2 * math.sin(index / 2), 0.3 + 0.2 * math.cos(index / 3))),
        lambda index: CameraRates(zoom=0.7 + 0.2 * math.sin(index / 3), lens=0.3, shake=(math.sin(index) / 99, 0, 0)),
    ],
)
def test_moves_uncover_neither_stretched_lines_nor_seams(rates: Callable[[float], CameraRates]) -> None:
    frame = F.avg_pool2d(torch.rand(1, 1, 96, 126, generator=torch.Generator().manual_seed(0)), 7, stride=1)
    camera, moved, largest = Camera(rates, 24.0), frame, list[float]()
    for index in range(1, 49):
        moved = camera.move(moved, index)
        inside, rows, columns = moved[..., 35:55, 45:75], moved[..., -16:-1, 30:90], moved[..., 20:70, -16:-1]
        for strip, away in ((rows, 2), (columns, 3)):  # lines hardly change away from the border that they come from
            steps = strip.diff(dim=away).square().mean(dim=5 - away) / inside.diff(dim=away).square().mean()
            assert index < 13 or float(steps.mean()) > 0.3
            largest.append(float(steps.amax()))
    assert sum(largest[24:]) / len(largest[24:]) < 2.6  # a seam would be a large one


def test_mirror_image_is_the_same_at_any_speed() -> None:
    frame = F.avg_pool2d(torch.rand(1, 1, 78, 138, generator=torch.Generator().manual_seed(0)), 19, stride=1)
    shown = []
    for zooms in ((0.6, 0.6), (0.9, 0.4)):  # as far in the end
        camera, moved = Camera(lambda index, zooms=zooms: CameraRates(zoom=zooms[int(index) // 2 % 2]), 24.0), frame
        for index in range(1, 13):
            moved = camera.move(moved, index)
        shown.append(moved)
    assert (shown[0] - shown[1]).std() < 0.15 * frame.std()


@pytest.mark.parametrize("first", [1, 19, 20, 21, 35])
def test_a_resumed_camera_uncovers_the_same_bits(first: int) -> None:
    frame = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    whole, resumed = Camera(changing, 2.0), Camera(changing, 2.0)
    for index in range(1, 41):
        moved = whole.move(frame, index)
        if index >= first:
            assert torch.equal(resumed.move(frame, index), moved)
            assert torch.equal(resumed.move(frame, index), moved)  # as a trail moves


def test_late_frames_take_the_mirror_along_and_ask_for_no_past() -> None:
    frame, asked = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0)), list[float]()
    cameras = [Camera(lambda index: asked.append(index) or changing(index), 24.0) for _ in range(2)]
    for index in range(1, 25):
        cameras[0].move(frame, index)
        asked.clear()
        if index % 3 == 0:
            replace(cameras[1], fps=8.0, stride=3).move(frame, index)
            assert min(asked) >= index - 3
    one, three = (camera.axes[24, (60, 40)] for camera in cameras)
    assert torch.allclose(one.depths, three.depths, atol=0.02) and float(one.depths.amin()) > 0.2


def test_mirror_axes_lie_as_deep_at_any_frame_rate() -> None:
    frame, depths = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0)), []
    for fps in (12, 48):
        camera = Camera(lambda index, fps=fps: changing(index / fps * 24), fps)
        for index in range(1, fps + 1):
            camera.move(frame, index)
        depths.append(camera.axes[fps, (60, 40)].depths)
    assert torch.allclose(*depths, atol=0.02) and float(depths[0].amin()) > 0.2


def test_flying_in_leaves_the_mirror_at_the_border() -> None:
    frame, rates = torch.rand(1, 3, 60, 80, generator=torch.Generator().manual_seed(0)), CameraRates(zoom=1.4, rotate=9)
    camera = Camera(lambda index: rates, 24.0)
    for index in range(1, 9):
        assert torch.equal(camera.move(frame, index), move(frame, rates, 1 / 24))


def test_mirror_axes_follow_bends_and_the_hand() -> None:
    frame, depths = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0)), []
    for moves in ([{"zoom": 0.5}], [{"dolly": math.log(0.5)}], [{"zoom": 0.5}, {"zoom": 0.5, "shake": (0.02, 0, 1)}]):
        camera = Camera(lambda index, moves=moves: CameraRates(**moves[int(index) % len(moves)]), 12.0)
        for index in range(1, 13):
            camera.move(frame, index)
        depths.append(camera.axes[12, (60, 40)].depths)
    assert all(torch.allclose(each, depths[0], atol=0.03) for each in depths) and float(depths[0].amin()) > 0.4

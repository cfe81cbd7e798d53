from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F

from pipeline.config import CameraRates
from pipeline.motion.camera import Camera, sampling_grid
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


@pytest.mark.parametrize(
    "rates", [CameraRates(zoom=0.6), CameraRates(pan=(0.3, 0.4)), CameraRates(zoom=0.8, rotate=20)]
)
def test_slow_moves_uncover_no_stretched_lines(rates: CameraRates) -> None:
    frame = F.avg_pool2d(torch.rand(1, 1, 92, 122, generator=torch.Generator().manual_seed(0)), 3, stride=1)
    camera, moved = Camera(lambda index: rates, 24.0), frame
    for index in range(1, 37):
        moved = camera.move(moved, index)
    inside, rows, columns = moved[..., 40:50, 50:70], moved[..., -8:-1, 30:90], moved[..., 20:70, -8:-1]
    for strip, away in ((rows, 2), (columns, 3)):  # lines hardly change away from the border that they come from
        assert float(strip.diff(dim=away).square().mean()) > 0.3 * float(inside.diff(dim=away).square().mean())

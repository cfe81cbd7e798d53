from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F

from pipeline.motion.camera import sampling_grid
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

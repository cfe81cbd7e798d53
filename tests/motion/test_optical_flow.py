"""Flow is exact to a tenth of a pixel and masked where it is wrong."""

import pytest
import torch
import torch.nn.functional as F

from pipeline.config import FlowConfig
from pipeline.motion.optical_flow import Motion, dis, fit, trust, warp

SIZE = (96, 144)


def texture(seed: int, size: tuple[int, int] = (256, 256)) -> torch.Tensor:
    """Colour noise of several sizes, ``(1, 3, H, W)``."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, 3, *size)
    for cells in (8, 16, 32, 64):
        layer = torch.randn(1, 3, cells, cells, generator=generator)
        total = total + F.interpolate(layer, size=size, mode="bicubic", align_corners=False) / cells**0.5
    return (0.5 + 0.15 * total / total.std()).clamp(0, 1)


def view(plane: torch.Tensor, right: float, down: float) -> torch.Tensor:
    """The plane through a window that is moved so far, bicubic."""
    height, width = SIZE
    x = torch.arange(width) + 40.5 + right
    y = torch.arange(height) + 40.5 + down
    grid = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=2)[None]
    return F.grid_sample(plane, grid * 2 / plane.shape[2] - 1, mode="bicubic", align_corners=False)


@pytest.mark.parametrize("preset", ["medium", "fine"])
@pytest.mark.parametrize(("right", "down"), [(3.0, 0.0), (-2.3, 1.6), (0.4, -0.7)])
def test_pan_is_estimated_to_a_tenth_of_a_pixel(preset: str, right: float, down: float) -> None:
    plane = texture(1)
    motion = dis(FlowConfig(preset=preset))(view(plane, 0, 0), view(plane, right, down))
    estimate = fit(motion.backward, SIZE)[:, :, 12:-12, 12:-12]
    truth = torch.tensor([right, down]).view(1, 2, 1, 1)
    assert float((estimate - truth).norm(dim=1).mean()) < 0.1
    assert float((fit(motion.forward, SIZE)[:, :, 12:-12, 12:-12] + truth).norm(dim=1).mean()) < 0.1


def test_flow_has_equal_bits_on_every_run() -> None:
    plane = texture(2)
    pair = view(plane, 0, 0), view(plane, 2, 1)
    first, second = (dis(FlowConfig())(*pair) for _ in range(2))
    assert torch.equal(first.backward, second.backward) and torch.equal(first.forward, second.forward)


def test_warp_samples_where_the_flow_leads() -> None:
    plane = texture(3)
    before, now = view(plane, 0, 0), view(plane, 2.5, -1.5)
    flow = torch.tensor([2.5, -1.5]).view(1, 2, 1, 1).expand(1, 2, *SIZE)
    inside = (slice(None), slice(None), slice(8, -8), slice(8, -8))
    assert float((warp(before, flow) - now)[inside].abs().mean()) < 0.004
    assert float((before - now)[inside].abs().mean()) > 0.04
    half = fit(flow.contiguous(), (48, 72))  # a flow of another size means the same move
    assert float((warp(before, half) - now)[inside].abs().mean()) < 0.004


def test_what_comes_in_over_the_border_is_masked() -> None:
    plane = texture(4)
    before, now = view(plane, 0, 0), view(plane, 10, 0)
    flow = torch.zeros(1, 2, *SIZE)
    flow[:, 0] = 10
    mask = trust(Motion(flow, -flow), before, now)
    assert float(mask[..., -10:].max()) == 0
    assert float(mask[..., 8:-20].min()) > 0.9


def disc_pair(step: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(before, now, on the disc, newly uncovered) of a textured disc over a still plane."""
    back, coat = view(texture(5), 0, 0), texture(6)
    rows, columns = torch.arange(SIZE[0])[:, None], torch.arange(SIZE[1])[None]
    on = [(((columns - 60 - step * n) ** 2 + (rows - 48) ** 2) < 28**2).float()[None, None] for n in (0, 1)]
    frames = [on[n] * view(coat, -step * n, 0) + (1 - on[n]) * back for n in (0, 1)]
    return frames[0], frames[1], on[1], on[0] * (1 - on[1])


def test_only_what_a_disc_uncovers_is_masked() -> None:
    before, now, on, bare = disc_pair(5.0)
    mask = F.interpolate(trust(dis(FlowConfig())(before, now), before, now), size=SIZE, mode="bilinear")
    assert float((mask * bare).sum() / bare.sum()) < 0.12
    middle = -F.max_pool2d(-on, 17, 1, 8)
    assert float((mask * middle).sum() / middle.sum()) > 0.95
    assert float(mask.mean()) > 0.85


def test_known_flow_gives_the_exact_mask() -> None:
    before, now, on, bare = disc_pair(5.0)
    shift = torch.tensor([5.0, 0.0]).view(1, 2, 1, 1)
    was_on = on + bare
    was_on[..., 88 + 1 :] = 0  # the disc of the frame before
    mask = trust(Motion(-shift * on, shift * was_on), before, now)
    assert float((mask * bare).max()) < 0.5 and float((mask * bare).sum() / bare.sum()) < 0.05


def test_flash_is_masked() -> None:
    plane = texture(7)
    before = view(plane, 0, 0)
    mask = trust(Motion(torch.zeros(1, 2, *SIZE), torch.zeros(1, 2, *SIZE)), before, (before + 0.4).clamp(0, 1))
    assert float(mask.mean()) < 0.1

import torch

from pipeline.config import FlowConfig
from pipeline.image import luma
from pipeline.motion.content_mask import movement
from pipeline.motion.optical_flow import dis
from pipeline.motion.prefetch import Prefetch
from tests.motion.test_footage import KEEP, panned, stage

CPU = torch.device("cpu")


def test_luma_weighs_colours_like_the_eye() -> None:
    green, blue = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    green[:, 1], blue[:, 2] = 1, 1
    assert float(luma(green).mean()) > 8 * float(luma(blue).mean()) > 0
    assert luma(torch.ones(1, 3, 4, 4)).allclose(torch.ones(1, 1, 4, 4))


def test_mask_covers_only_what_moves() -> None:
    flow = torch.zeros(1, 2, 90, 160)
    flow[:, 0, 30:60, 100:140] = 3.0
    marked = movement(flow, (180, 320), 24.0, CPU)
    assert marked.shape == (1, 1, 180, 320)
    assert float(marked[..., 80:100, 220:260].min()) > 0.9
    assert float(marked[..., :, :120].max()) < 0.05
    assert float(movement(None, (20, 30), 24.0, CPU).max()) == 0


def test_movement_does_not_depend_on_the_frame_rate() -> None:
    slow, fast = torch.full((1, 2, 90, 160), 0.4), torch.full((1, 2, 90, 160), 0.2)
    assert movement(slow, (90, 160), 12.0, CPU).allclose(movement(fast, (90, 160), 24.0, CPU), atol=1e-6)


def test_pan_is_movement_everywhere() -> None:
    frames = panned(3, 2.5, 0.0)
    with stage(frames) as footage:
        canvas = footage.advance(frames[0], KEEP, 0)
        first = footage.mask(canvas, "motion")
        footage.advance(canvas, KEEP, 1)
        moving, still = footage.mask(canvas, "motion"), footage.mask(canvas, "still")
    assert first is not None and moving is not None and still is not None
    assert float(first.median()) > 0.9  # from the flow to the next frame
    assert float(moving.median()) > 0.9
    assert (moving + still).allclose(torch.ones_like(moving))


def test_stillness_is_the_same_from_any_frame() -> None:
    """A square jumps, rests, jumps again; a resumed shot reads only some frames before its first one."""
    images = []
    for index in range(24):
        image = torch.full((1, 3, 48, 64), 0.3)
        left = 4 + 3 * min(index, 4) + 3 * max(0, min(index - 15, 3))
        image[..., 10:30, left : left + 16] = 0.9
        images.append(image)

    def maps(first: int) -> list[torch.Tensor]:
        estimate = dis(FlowConfig())
        frames = Prefetch(lambda start: iter(images[start:]), estimate, frozenset({13}), frozenset({7}), 5, 12.0)
        frames.start(first)
        result = [frames.take().still for _ in range(first, 23)]
        frames.close()
        assert all(each is not None for each in result)
        return [each for each in result if each is not None]

    whole = maps(0)
    assert float(whole[4].min()) == 0 and float(whole[12].min()) == 1 and float(whole[13].min()) == 1
    for first in (3, 8, 14, 20):
        assert all(torch.equal(a, b) for a, b in zip(whole[first:], maps(first), strict=True))

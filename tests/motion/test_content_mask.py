import torch

from pipeline.image import luma
from pipeline.motion.content_mask import movement
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

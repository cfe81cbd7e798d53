import torch

from pipeline.image import luma
from pipeline.motion.content_mask import movement
from tests.motion.test_footage import KEEP, panned, stage, still

CPU = torch.device("cpu")


def test_brightness_is_what_eyes_see() -> None:
    green, blue = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    green[:, 1], blue[:, 2] = 1, 1
    assert float(luma(green).mean()) > 8 * float(luma(blue).mean()) > 0
    assert luma(torch.ones(1, 3, 4, 4)).allclose(torch.ones(1, 1, 4, 4))


def test_what_moves_is_marked_and_what_stands_is_not() -> None:
    flow = torch.zeros(1, 2, 90, 160)
    flow[:, 0, 30:60, 100:140] = 3.0
    marked = movement(flow, (180, 320), 24.0, CPU)
    assert marked.shape == (1, 1, 180, 320)
    assert float(marked[..., 80:100, 220:260].min()) > 0.9
    assert float(marked[..., :, :120].max()) < 0.05
    assert float(movement(None, (20, 30), 24.0, CPU).max()) == 0


def test_the_same_motion_counts_the_same_at_any_frame_rate() -> None:
    slow, fast = torch.full((1, 2, 90, 160), 0.4), torch.full((1, 2, 90, 160), 0.2)
    assert movement(slow, (90, 160), 12.0, CPU).allclose(movement(fast, (90, 160), 24.0, CPU), atol=1e-6)


def test_a_pan_is_motion_and_nothing_stands_still() -> None:
    frames = panned(3, 2.5, 0.0)
    size = (frames[0].shape[2], frames[0].shape[3])
    with stage(frames) as footage:
        canvas = footage.blend(frames[0], 0, still, KEEP)
        assert float(footage.content("motion", size).median()) > 0.9  # by the picture that follows
        footage.blend(canvas, 1, still, KEEP)
        moving, resting = footage.content("motion", size), footage.content("still", size)
    assert float(moving.median()) > 0.9
    assert (moving + resting).allclose(torch.ones_like(moving))

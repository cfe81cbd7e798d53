"""Frames as bytes: the only way out of floating point."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.image import REC709

KR, _, KB = REC709
GOLDEN = 0.6180339887498949  # its multiples fill [0, 1) evenly, so that no pixel's error lasts


def to_bytes(frame: Tensor) -> NDArray[np.uint8]:
    """Frame ``(1, 3, H, W)`` in [0, 1], any float type, any device → ``(H, W, 3)`` uint8, contiguous."""
    return to_steps(frame).cpu().numpy()


def to_steps(frame: Tensor) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1], any float type → ``(H, W, 3)`` uint8 on its device, contiguous.

    Values are clamped and rounded to the nearest step.
    """
    return _interleave(frame.detach()[0].float().clamp(0, 1).mul(255).round(), torch.uint8)


def to_words(frame: Tensor, steps: int, index: int, *, whole: bool) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1] → ``(H, W, 3)`` on its device, for a depth of ``steps`` from black to
    white, where a slow gradient keeps its mean instead of breaking into bands.

    The bits are those of uint16, of type int16, which every device knows. Between two steps the nearer one is the
    likelier: noise of one step is added, a pattern that differs from frame to frame (``index``). With ``whole``
    values are rounded to steps here, of which the last is 65535; else that is left to swscale, which takes 65280 for
    white when it makes YCbCr.
    """
    values = frame.detach()[0].float().clamp(0, 1)
    noise = _pattern(values.shape[1], values.shape[2], values.device)
    noise = noise + (index * GOLDEN) % 1
    noise = noise - noise.floor() - 0.5
    values = values * steps + noise
    if whole:
        values = values.round().clamp(0, steps)
    white = 65535 if whole else 255 << 8
    return _interleave((values * (white / steps)).round().clamp(0, white), torch.int32).to(torch.int16)


def to_planes(frame: Tensor) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1], of even sizes → its Y', Cb and Cr of 4:2:0 one after the other, uint8,
    ``(3 · H · W / 2)`` on its device.

    BT.709 in the range of television; a pair's colour sits at its left pixel, between two rows. Colour is weighed
    1, 2, 1 over three columns and evenly over two rows, before anything is rounded.
    """
    red, green, blue = frame.detach()[0].float().clamp(0, 1)
    luma = KR * red + (1 - KR - KB) * green + KB * blue
    colour = torch.stack([(blue - luma) / (2 * (1 - KB)), (red - luma) / (2 * (1 - KR))])
    wide = torch.cat([colour[..., :1], colour], dim=2)
    across = (wide[..., 0:-1:2] + 2 * wide[..., 1::2] + wide[..., 2::2]) / 4
    down = (across[:, 0::2] + across[:, 1::2]) / 2
    return torch.cat([(219 * luma + 16).flatten(), (224 * down + 128).flatten()]).round().to(torch.uint8)


@lru_cache(maxsize=2)
def _pattern(height: int, width: int, device: torch.device) -> Tensor:
    """Interleaved gradient noise ``(H, W)`` in [0, 1): even within every 3×3 pixels.

    After Jimenez, "Next Generation Post Processing in Call of Duty: Advanced Warfare", SIGGRAPH 2014.
    """
    down, across = np.mgrid[:height, :width]
    slope = (0.06711056 * across + 0.00583715 * down) % 1
    return torch.from_numpy((52.9829189 * slope % 1).astype(np.float32)).to(device)


def _interleave(planes: Tensor, kind: torch.dtype) -> Tensor:
    return planes.to(kind).permute(1, 2, 0).contiguous()

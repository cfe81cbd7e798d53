"""Float frames to integers: 8 bits, 16 bits with dither, or planar 4:2:0."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.image import REC709

KR, _, KB = REC709
GOLDEN_RATIO = 0.6180339887498949  # its multiples fill [0, 1) evenly, so that the dither of a pixel averages out


def to_bytes(frame: Tensor) -> NDArray[np.uint8]:
    """Frame ``(1, 3, H, W)`` in [0, 1], any float type, any device → ``(H, W, 3)`` uint8, contiguous."""
    return to_uint8(frame).cpu().numpy()


def to_uint8(frame: Tensor) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1], any float type → ``(H, W, 3)`` uint8 on its device, clamped and rounded."""
    return _interleave(frame.detach()[0].float().clamp(0, 1).mul_(255).round_(), torch.uint8)


def to_uint16(frame: Tensor, levels: int, index: int, *, exact: bool) -> Tensor:
    """Frame ``(1, 3 or 4, H, W)`` in [0, 1] → ``(H, W, 3 or 4)`` on its device: uint16 bits in int16.

    Every device has int16.

    For a codec with ``levels`` steps from black to white. Dither, a noise of one step that differs with the frame's
    ``index``, lets a slow gradient keep its mean instead of banding. With ``exact`` values are rounded to steps here,
    and white is 65535; else swscale rounds, and its white is 65280 when it converts to YCbCr.
    """
    values = frame.detach()[0].float().clamp(0, 1)
    noise = _noise(values.shape[1], values.shape[2], values.device)
    noise = noise + (index * GOLDEN_RATIO) % 1
    noise = noise - noise.floor() - 0.5
    values = values * levels + noise
    if exact:
        values = values.round().clamp(0, levels)
    white = 65535 if exact else 255 << 8
    values = (values * (white / levels)).round().clamp(0, white)
    if len(values) == 4:  # opacity is neither dithered nor converted
        values[3] = (frame.detach()[0, 3].float().clamp(0, 1) * 65535).round()
    return _interleave(values, torch.int32).to(torch.int16)


def to_yuv420(frame: Tensor) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1], even sizes → planes Y', Cb, Cr one after the other, uint8 ``(3 · H · W / 2)``.

    BT.709, limited range, left chroma: chroma is filtered 1, 2, 1 over three columns and evenly over two rows, before
    anything is rounded.
    """
    red, green, blue = frame.detach()[0].float().clamp(0, 1)
    luma = KR * red + (1 - KR - KB) * green + KB * blue
    chroma = torch.stack([(blue - luma) / (2 * (1 - KB)), (red - luma) / (2 * (1 - KR))])
    wide = torch.cat([chroma[..., :1], chroma], dim=2)
    columns = (wide[..., 0:-1:2] + 2 * wide[..., 1::2] + wide[..., 2::2]) / 4
    halved = (columns[:, 0::2] + columns[:, 1::2]) / 2
    return torch.cat([(219 * luma + 16).flatten(), (224 * halved + 128).flatten()]).round().to(torch.uint8)


@lru_cache(maxsize=2)
def _noise(height: int, width: int, device: torch.device) -> Tensor:
    """Interleaved gradient noise ``(H, W)`` in [0, 1): even within every 3×3 pixels.

    After Jimenez, "Next Generation Post Processing in Call of Duty: Advanced Warfare", SIGGRAPH 2014.
    """
    y, x = np.mgrid[:height, :width]
    slope = (0.06711056 * x + 0.00583715 * y) % 1
    return torch.from_numpy((52.9829189 * slope % 1).astype(np.float32)).to(device)


def _interleave(planes: Tensor, kind: torch.dtype) -> Tensor:
    return planes.to(kind).permute(1, 2, 0).contiguous()

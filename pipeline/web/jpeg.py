"""Frames as JPEGs for a page."""

import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pipeline.media.encode.image_grid import as_bytes
from pipeline.media.encode.pixel_format import to_bytes

MAX_WIDTH_PIXELS = 1280
JPEG_QUALITY = 82


def as_jpeg(frame: Tensor) -> bytes:
    """``(1, 3, H, W)`` in [0, 1] → a JPEG of at most ``MAX_WIDTH_PIXELS``."""
    height, width = frame.shape[2:]
    if width > MAX_WIDTH_PIXELS:
        size = (max(1, round(height * MAX_WIDTH_PIXELS / width)), MAX_WIDTH_PIXELS)
        frame = F.interpolate(frame.detach().float(), size=size, mode="bilinear", antialias=True, align_corners=False)
    return as_bytes(Image.fromarray(to_bytes(frame)), "JPEG", quality=JPEG_QUALITY)

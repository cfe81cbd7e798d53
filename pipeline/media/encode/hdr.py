"""High dynamic range: frames graded up by one stated curve, as HDR10 (PQ) or HLG in BT.2020, and back.

Of linear light rgb in 0..1 (from sRGB's numbers) with m the greatest of r, g and b:

    nits = rgb · (203 + 797 · m³)

Up to middle tones a picture is as bright as in standard range, whose white is 203 nits (ITU-R BT.2408); its lights rise
to 1000 nits. Hues stay. PQ: SMPTE ST 2084. HLG: ITU-R BT.2100, for a display of 1000 nits with a gamma of 1.2.
"""

import torch
from torch import Tensor

from pipeline.media.encode.encode_args import TRANSFERS

WHITE_NITS, PEAK_NITS = 203.0, 1000.0
HLG_GAMMA = 1.2
TO_BT2020 = ((0.627404, 0.329283, 0.043313), (0.069097, 0.919540, 0.011362), (0.016391, 0.088013, 0.895595))
LUMA = (0.2627, 0.6780, 0.0593)  # of BT.2020
M1, M2, C1, C2, C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128  # PQ
A, B, C = 0.17883277, 0.28466892, 0.55991073  # HLG
LEVELS = 4096  # of the table that undoes the curve


def to_hdr(frame: Tensor, color: str) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1], sRGB → the same graded up, in the numbers of ``hdr10`` or ``hlg``."""
    light = frame.detach().float().clamp(0, 1)
    light = torch.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    peak = light.amax(1, keepdim=True)
    nits = _mix(light * (WHITE_NITS + (PEAK_NITS - WHITE_NITS) * peak**3), torch.tensor(TO_BT2020)).clamp(min=0)
    if color == "hdr10":
        power = (nits / 10_000) ** M1
        return ((C1 + C2 * power) / (1 + C3 * power)) ** M2
    light = nits / PEAK_NITS
    luma = _luma(light)
    light = (light * luma.clamp(min=1e-9) ** (1 / HLG_GAMMA - 1)).clamp(0, 1)
    return torch.where(light <= 1 / 12, (3 * light).sqrt(), A * (12 * light - B).clamp(min=1e-9).log() + C)


def from_hdr(frame: Tensor, transfer: str) -> Tensor:
    """The inverse of ``to_hdr`` for ffmpeg's name of the curve; frames of other curves stay as they are."""
    if transfer not in TRANSFERS.values():
        return frame
    values = frame.float().clamp(0, 1)
    if transfer == TRANSFERS["hdr10"]:
        power = values ** (1 / M2)
        nits = 10_000 * ((power - C1).clamp(min=0) / (C2 - C3 * power)) ** (1 / M1)
    else:
        light = torch.where(values <= 0.5, values**2 / 3, (((values - C) / A).exp() + B) / 12)
        nits = PEAK_NITS * light * _luma(light).clamp(min=1e-9) ** (HLG_GAMMA - 1)
    nits = _mix(nits, torch.tensor(TO_BT2020).inverse()).clamp(min=0)
    grid = torch.linspace(0, 1, LEVELS)
    graded = grid * (WHITE_NITS + (PEAK_NITS - WHITE_NITS) * grid**3)
    peak = nits.amax(1, keepdim=True).clamp(max=PEAK_NITS)
    above = torch.searchsorted(graded, peak.contiguous()).clamp(1, LEVELS - 1)
    below = graded[above - 1]
    original = grid[above - 1] + (peak - below) / (graded[above] - below) / (LEVELS - 1)
    light = (nits * original / peak.clamp(min=1e-6)).clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=1e-9) ** (1 / 2.4) - 0.055)


def _mix(light: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(light.device), light)


def _luma(light: Tensor) -> Tensor:
    return (light * torch.tensor(LUMA, device=light.device).view(1, 3, 1, 1)).sum(1, keepdim=True)

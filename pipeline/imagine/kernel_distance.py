"""How far generated pictures are from real ones: the kernel distance (KID, Bińkowski et al. 2018).

It is the squared maximum mean discrepancy under a cubic kernel, without bias. Features are those of MotifNet's last two
stages, which no model is trained on, scaled to a deviation of 1 over the real pictures.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.networks import motifnet

SIDE = 64  # pixels at which MotifNet looks
AT_ONCE = 64
UNIT = 1000  # the distance is given in thousandths


@torch.no_grad()
def features(pictures: Tensor) -> Tensor:
    """Means of MotifNet's last two stages ``(N, C)`` of pictures ``(N, 3, S, S)`` in [0, 1]."""
    net = motifnet.load().to(pictures.device)
    rows = []
    for part in torch.split(pictures, AT_ONCE):
        x = (F.interpolate(part, size=(SIDE, SIDE), mode="bilinear", align_corners=False) - 0.5) * 4
        x = net.stage3(net.stage2(net.stage1(x)))
        fourth = net.stage4(x)
        rows.append(torch.cat([each.mean(dim=(2, 3)) for each in (fourth, net.stage5(fourth))], dim=1))
    return torch.cat(rows).double().cpu()


def kernel_distance(real: Tensor, made: Tensor) -> float:
    """In thousandths, of features ``(N, C)`` and ``(M, C)``; about 0 for samples of one distribution."""
    mean = real.mean(0)
    deviation = (real - mean).square().mean().sqrt().clamp(min=1e-6)
    a, b = (real - mean) / deviation, (made - mean) / deviation
    size = a.shape[1]
    own = [_without_diagonal((x @ x.T / size + 1) ** 3) for x in (a, b)]
    return float(own[0] + own[1] - 2 * ((a @ b.T / size + 1) ** 3).mean()) * UNIT


def _without_diagonal(kernel: Tensor) -> Tensor:
    count = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / max(1, count * (count - 1))

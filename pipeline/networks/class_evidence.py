"""What a ``class:`` target asks a classifier for."""

from math import log

import torch.nn.functional as F
from torch import Tensor, nn

EVIDENCE_SCALE = 0.25  # factor on the evidence before the softmax over classes


class ClassEvidence(nn.Module):
    """Evidence for classes → log-probability of each class at each place over chance, in nats: ``(N, C, h, w)`` both.

    Raw evidence dreams the strokes that a class shares with others; against all other classes it dreams what is its
    own, faces instead of fur. Neighbouring places count, as in training, where a picture had one label. A quarter of
    the evidence keeps places from saturating early: where one has no gradient left, small motifs crowd around it.
    """

    def forward(self, x: Tensor) -> Tensor:
        around = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False) * EVIDENCE_SCALE
        return F.log_softmax(around, 1) + log(x.shape[1])

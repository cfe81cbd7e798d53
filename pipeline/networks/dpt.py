"""The dense prediction head of Ranftl et al. (2021) as Depth Anything V2 has it (Yang et al. 2024), with its names.

All sizes come from the tensors of a file, so smaller and larger networks of this layout load as well.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HIDDEN = 32  # channels before the last layer


class ConvUnit(nn.Module):
    """Two convolutions that are added to what goes in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """``(1, C, h, w)`` → the same size."""
        changed: Tensor = self.conv2(self.conv1(x.relu()).relu())
        return changed + x


class Fusion(nn.Module):
    """Adds a finer map to a coarser one and enlarges the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_conv = nn.Conv2d(channels, channels, 1)
        self.resConfUnit1, self.resConfUnit2 = ConvUnit(channels), ConvUnit(channels)

    def forward(self, x: Tensor, finer: Tensor | None, size: Sequence[int]) -> Tensor:
        """``(1, C, h, w)`` → ``(1, C, *size)``."""
        x = x if finer is None else x + self.resConfUnit1(finer)
        enlarged = F.interpolate(self.resConfUnit2(x), size=list(size), mode="bilinear", align_corners=True)
        fused: Tensor = self.out_conv(enlarged)
        return fused


class Head(nn.Module):
    """Four maps of a transformer → one number for each place."""

    def __init__(self, embedding: int, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.projects = nn.ModuleList(nn.Conv2d(embedding, count, 1) for count in channels)
        first, second, _, last = channels
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(first, first, 4, stride=4),
                nn.ConvTranspose2d(second, second, 2, stride=2),
                nn.Identity(),
                nn.Conv2d(last, last, 3, stride=2, padding=1),
            ]
        )
        self.scratch = nn.Module()
        for number, count in enumerate(channels, 1):
            self.scratch.add_module(f"layer{number}_rn", nn.Conv2d(count, width, 3, padding=1, bias=False))
            self.scratch.add_module(f"refinenet{number}", Fusion(width))
        self.scratch.add_module("output_conv1", nn.Conv2d(width, width // 2, 3, padding=1))
        last_layers = nn.Conv2d(width // 2, HIDDEN, 3, padding=1), nn.ReLU(), nn.Conv2d(HIDDEN, 1, 1)
        self.scratch.add_module("output_conv2", nn.Sequential(*last_layers))

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Four maps ``(1, C, h, w)`` → ``(1, 1, *size)``, at least 0; large is near."""
        part = self.scratch.get_submodule
        levels = [
            part(f"layer{number}_rn")(resized(project(each)))
            for number, (each, project, resized) in enumerate(
                zip(maps, self.projects, self.resize_layers, strict=True), 1
            )
        ]
        path: Tensor | None = None
        for number in (4, 3, 2, 1):
            level = levels[number - 1]
            height, width = level.shape[2:]
            target = levels[number - 2].shape[2:] if number > 1 else (2 * height, 2 * width)
            fusion = part(f"refinenet{number}")
            path = fusion(level, None, target) if path is None else fusion(path, level, target)
        narrow = F.interpolate(part("output_conv1")(path), size=size, mode="bilinear", align_corners=True)
        depth: Tensor = part("output_conv2")(narrow)
        return depth.relu()


class DepthAnything(nn.Module):
    """A vision transformer of DINOv2 (``pretrained``) with the head (``depth_head``).

    ``layers`` are the numbers of the blocks that the head reads.
    """

    def __init__(self, pretrained: nn.Module, head: Head, layers: Sequence[int]) -> None:
        super().__init__()
        self.pretrained, self.depth_head, self._layers = pretrained, head, list(layers)

    def forward(self, frame: Tensor) -> Tensor:
        """A normalised frame ``(1, 3, H, W)``, whose sides the patches divide → ``(1, 1, H, W)``."""
        maps = self.pretrained.forward_intermediates(frame, self._layers, norm=True, intermediates_only=True)  # type: ignore[operator]
        depth: Tensor = self.depth_head(maps, (frame.shape[2], frame.shape[3]))
        return depth


def head_for(tensors: Mapping[str, Tensor]) -> Head:
    """The head for the tensors of a file. KeyError for those of another layout."""
    projects = [tensors[f"depth_head.projects.{number}.weight"] for number in range(4)]
    with torch.device("meta"):
        return Head(
            projects[0].shape[1],
            [len(each) for each in projects],
            len(tensors["depth_head.scratch.refinenet1.out_conv.weight"]),
        )


def layers_for(blocks: int) -> list[int]:
    """The blocks that the head reads of so many; of 24 as its authors chose them."""
    return [4, 11, 17, 23] if blocks == 24 else [blocks * (number + 1) // 4 - 1 for number in range(4)]

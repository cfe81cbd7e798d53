"""Contact sheets: drawings; dreams of every class, of every stage, of some channels."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.networks.motifnet import STAGES, WIDTHS, MotifNet
from scripts.motifnet.canvas import Array
from scripts.motifnet.compose import Style, picture
from scripts.motifnet.dreams import Growth, activation_of, grow
from scripts.motifnet.motifs import MOTIFS

Bytes = NDArray[np.uint8]
MAX_BYTES = 600_000
"""Of a sheet."""


def write(net: MotifNet, folder: Path, device: torch.device, steps: int = 28) -> None:
    """Writes four JPEG sheets into ``folder``; dreams on ``device``."""
    folder.mkdir(parents=True, exist_ok=True)
    net = net.to(device)
    _save(folder / "drawings.jpg", _drawings(), 2)
    growth = Growth(steps=steps)
    objectives = {name: ("verdict", index) for index, name in enumerate(MOTIFS)}
    _save(folder / "classes.jpg", _dreams(net, objectives, growth, device), 7)
    stages = {name: (name, None) for name in STAGES}
    _save(folder / "stages.jpg", _dreams(net, stages, growth, device), 5)
    channels = {f"{stage}:{channel}": (stage, channel) for stage in STAGES[3:] for channel in sample_channels(stage)}
    _save(folder / "channels.jpg", _dreams(net, channels, growth, device), 6)


def sample_channels(stage: str, count: int = 12) -> list[int]:
    """``count`` channels of a stage, drawn by a fixed seed, in ascending order."""
    number = STAGES.index(stage)
    picked = np.random.default_rng(number + 1).choice(WIDTHS[number], count, replace=False)
    return [int(channel) for channel in np.sort(picked)]


def _drawings() -> list[Bytes]:
    """A strip of six pictures of every motif."""
    strips = []
    for index, name in enumerate(MOTIFS):
        row = [picture(index, 112, np.random.default_rng([11, index, k]), Style()) for k in range(6)]
        strips.append(_labelled(np.concatenate(row, 1), name))
    return strips


def _dreams(
    net: MotifNet, objectives: dict[str, tuple[str, int | None]], growth: Growth, device: torch.device
) -> list[Bytes]:
    """One labelled dream of each objective (layer and channel; no channel: the whole layer)."""
    tiles = []
    for name, (layer, index) in tqdm(objectives.items(), "dreams", mininterval=5):
        dream = grow(activation_of(net, layer, index), growth, 1, 1, device)[0].permute(1, 2, 0).cpu().numpy()
        tiles.append(_labelled(dream, name))
    return tiles


def _labelled(rgb: Array, text: str) -> Bytes:
    shown = np.ascontiguousarray((np.clip(rgb, 0, 1) * 255).astype(np.uint8)[..., ::-1])
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(shown, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, width, cv2.LINE_AA)
    return shown


def _save(path: Path, tiles: list[Bytes], columns: int) -> None:
    """Writes tiles in rows, at the best JPEG quality within MAX_BYTES."""
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)]
    sheet = np.concatenate(rows, 0)
    for quality in range(92, 40, -4):
        data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if len(data) <= MAX_BYTES:
            break
    path.write_bytes(data.tobytes())

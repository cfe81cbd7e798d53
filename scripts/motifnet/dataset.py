"""Draws the data set in worker processes, keeps it on disk, and cuts batches from it."""

import hashlib
import json
import multiprocessing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from scripts.motifnet.compose import Style, picture
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.scramble import melt, scramble

SOURCES = sorted(Path(__file__).parent.glob("motifs*.py")) + [
    Path(__file__).with_name(name) for name in ("canvas.py", "compose.py", "registry.py")
]


@dataclass(frozen=True)
class Drawings:
    """Which drawings: ``count`` pictures for each class, ``size`` pixels square."""

    count: int = 640
    size: int = 128
    seed: int = 1
    style: Style = Style()

    def key(self) -> str:
        """A name that changes with the settings and with the source code of any motif."""
        text = json.dumps(asdict(self)) + "".join(path.read_text() for path in SOURCES)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Pictures:
    """Pictures ``(n, 3, size, size)`` as bytes with class indices ``(n,)``."""

    images: Tensor
    labels: Tensor

    def batch(
        self, count: int, crop: int, rng: np.random.Generator, device: torch.device,
        scrambled: float = 0.0, melted: float = 0.0,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Random crops, half of them mirrored: ``(count, 3, crop, crop)`` in [0, 1], and labels.

        The share ``scrambled`` of those that show an object is scrambled, and the share ``melted`` of all
        is blurred away; their label is the number of classes. Textures are not scrambled, since a
        texture's part is the texture.
        """
        size = self.images.shape[-1]
        picked = rng.integers(len(self.labels), size=count)
        corners = rng.integers(size - crop + 1, size=(count, 2))
        labels = self.labels[torch.from_numpy(picked)].clone()
        fields = [motif.field for motif in MOTIFS.values()]
        cuts = []
        for n, (i, (y, x)) in enumerate(zip(picked, corners, strict=True)):
            cut = self.images[i, :, y : y + crop, x : x + crop]
            if rng.random() < 0.5:
                cut = cut.flip(-1)
            if melted and rng.random() < melted:
                cut, labels[n] = melt(cut, rng), len(fields)
            elif rng.random() < scrambled and not fields[int(labels[n])]:
                cut, labels[n] = scramble(cut, rng), len(fields)
            cuts.append(cut)
        batch = torch.stack(cuts).to(device, memory_format=torch.channels_last).float() / 255
        return batch, labels.to(device)

    def centre(self, crop: int) -> Tensor:
        """The middles of all pictures as bytes: ``(n, 3, crop, crop)``."""
        start = (self.images.shape[-1] - crop) // 2
        return self.images[..., start : start + crop, start : start + crop]


def draw(drawings: Drawings, cache: Path, workers: int = 2) -> Pictures:
    """The drawings, from the cache folder when they are there, class after class."""
    path = cache / f"drawings-{drawings.key()}.npy"
    classes = len(MOTIFS)
    if not path.exists():
        tasks = [(drawings, label, start) for start in range(0, drawings.count, 32) for label in range(classes)]
        shape = (classes, drawings.count, 3, drawings.size, drawings.size)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        out = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
        # spawn: forking a process whose torch threads run can hang
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            for label, start, block in tqdm(pool.imap_unordered(_draw_block, tasks), "drawing", len(tasks)):
                out[label, start : start + len(block)] = block
        out.flush()
        partial.rename(path)
    images = torch.from_numpy(np.load(path)).flatten(0, 1)
    return Pictures(images, torch.arange(classes).repeat_interleave(drawings.count))


def _draw_block(task: tuple[Drawings, int, int]) -> tuple[int, int, NDArray[np.uint8]]:
    """Up to 32 pictures ``(n, 3, size, size)`` of one class; each has its own random stream."""
    drawings, label, start = task
    block = []
    for index in range(start, min(start + 32, drawings.count)):
        rng = np.random.default_rng([drawings.seed, label, index])
        rgb = picture(label, drawings.size, rng, drawings.style)
        block.append((rgb * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1))
    return label, start, np.stack(block)

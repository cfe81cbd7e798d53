"""Draws the data set in worker processes, stores it on disk, and cuts batches from it."""

import hashlib
import json
import multiprocessing
import signal
from collections.abc import Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from pipeline.errors import InputError, OutputError
from scripts.motifnet.compose import Style, picture
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.scramble import melt, scramble

SOURCES = sorted(Path(__file__).parent.glob("motifs/*.py")) + [
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
class Batch:
    """Pictures ``(count, 3, crop, crop)`` as bytes and their labels ``(count,)``, in the processor's memory."""

    images: Tensor
    labels: Tensor

    def on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Pictures in [0, 1] and labels, on ``device``."""
        images = self.images.to(device, memory_format=torch.channels_last).float() / 255
        return images, self.labels.to(device)


@dataclass(frozen=True)
class Pictures:
    """Pictures ``(n, 3, size, size)`` as bytes with class indices ``(n,)``."""

    images: Tensor
    labels: Tensor

    def cut(
        self, count: int, crop: int, rng: np.random.Generator, scrambled: float = 0.0, melted: float = 0.0
    ) -> Batch:
        """Random crops, half of them mirrored, and labels.

        The fraction ``scrambled`` of those that show an object is scrambled, and the fraction ``melted`` of all
        is blurred away; their label is the number of classes. Textures are not scrambled, since a part of
        a texture is the texture.
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
        return Batch(torch.stack(cuts), labels)

    def centre(self, crop: int) -> Tensor:
        """The middles of all pictures as bytes: ``(n, 3, crop, crop)``."""
        start = (self.images.shape[-1] - crop) // 2
        return self.images[..., start : start + crop, start : start + crop]


Task = tuple[Drawings, int, int]
"""The drawings, the class, and the first picture's number."""

Block = tuple[int, int, NDArray[np.uint8]]
"""The class, the first picture's number, and the pictures."""

BLOCK = 32
"""Pictures of one class per task."""


def draw(drawings: Drawings, cache: Path, workers: int = 2) -> Pictures:
    """The drawings, class after class; from the cache folder if it has them.

    An interrupted drawing resumes. Raises OutputError if a drawing process was killed, InputError if the cache
    holds something else.
    """
    path = cache / f"drawings-{drawings.key()}.npy"
    classes = len(MOTIFS)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _draw(drawings, path, workers)
    try:
        images = torch.from_numpy(np.load(path)).flatten(0, 1)
    except (ValueError, EOFError, TypeError) as error:
        raise InputError(f"{path}: holds no drawings; delete it to draw them again") from error
    return Pictures(images, torch.arange(classes).repeat_interleave(drawings.count))


def _draw(drawings: Drawings, path: Path, workers: int) -> None:
    """Draws what is missing into a partial file next to ``path``, which is renamed when it is complete."""
    partial, done_list = path.with_suffix(".partial.npy"), path.with_suffix(f".done{BLOCK}")
    shape = (len(MOTIFS), drawings.count, 3, drawings.size, drawings.size)
    finished = _read_done(partial, done_list, shape)
    out = np.lib.format.open_memmap(partial, "r+" if finished else "w+", np.uint8, shape)
    blocks = [(start, label) for start in range(0, drawings.count, BLOCK) for label in range(len(MOTIFS))]
    tasks = [(drawings, label, start) for start, label in blocks if (label, start) not in finished]
    mode, before = ("a" if finished else "w"), len(blocks) - len(tasks)
    with done_list.open(mode, encoding="utf-8") as log, closing(_draw_blocks(tasks, workers)) as drawn:
        for label, start, block in tqdm(drawn, "drawing", len(blocks), initial=before):
            out[label, start : start + len(block)] = block
            print(label, start, file=log, flush=True)
    out.flush()
    partial.rename(path)
    done_list.unlink()


def _read_done(partial: Path, done_list: Path, shape: tuple[int, ...]) -> set[tuple[int, int]]:
    """The finished blocks (label, start) of an interrupted drawing; a truncated line does not count."""
    try:
        if np.load(partial, mmap_mode="r").shape != shape:
            return set()
        lines = done_list.read_text(encoding="utf-8").splitlines(keepends=True)
        fields = (line.split() for line in lines if line.endswith("\n"))
        return {(int(label), int(start)) for label, start in fields}
    except (OSError, ValueError, EOFError):
        return set()


def _draw_blocks(tasks: list[Task], workers: int) -> Generator[Block, None, None]:
    """The blocks of all tasks, drawn in processes that ignore Ctrl-C: this process handles it."""
    if not tasks:
        return
    # spawn: forking a process whose torch threads run can hang
    pool = ProcessPoolExecutor(min(workers, len(tasks)), multiprocessing.get_context("spawn"))
    try:
        yield from _submit(pool, tasks)
    except BrokenProcessPool as error:
        cause = "a drawing process was killed, perhaps out of memory"
        raise OutputError(f"{cause}; finished drawings are safe, and fewer --workers need less memory") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, tasks: list[Task]) -> Iterable[Block]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker processes inherit this
    try:
        return pool.map(draw_block, tasks)
    finally:
        signal.signal(signal.SIGINT, before)


def draw_block(task: Task) -> Block:
    """Up to ``BLOCK`` pictures ``(n, 3, size, size)`` of one class; each picture has its own random stream."""
    drawings, label, start = task
    block = []
    for index in range(start, min(start + BLOCK, drawings.count)):
        rng = np.random.default_rng([drawings.seed, label, index])
        rgb = picture(label, drawings.size, rng, drawings.style)
        block.append((rgb * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1))
    return label, start, np.stack(block)

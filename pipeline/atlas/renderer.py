"""Draws what an atlas lacks, many pictures in one pass, and keeps each as soon as it is finished."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from pipeline.atlas.cli import LOOK
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.generate import Growth, grow, traces
from pipeline.atlas.selection import Subject
from pipeline.atlas.store import Drawn, Store
from pipeline.config import DreamConfig
from pipeline.config.renamed import stored_key
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, DreamError, Interrupted
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress

SIZES, RATIO = 3, 1.5  # sizes on which a picture is grown, each over the next smaller
AT_ONCE = {"cpu": 12}  # pictures in one pass
AT_ONCE_ELSEWHERE = 96


class Artist:
    """Draws subjects with one network and one set of settings, and knows what was drawn before."""

    def __init__(self, network: Network, config: AtlasConfig, look: DreamConfig, seed: int) -> None:
        self._network, self._look = network, look
        self._growth = Growth(
            sides=tuple(round(config.size / RATIO**n) for n in reversed(range(SIZES))),
            steps=config.steps,
            jitter=look.jitter,
            diversity=config.diversity,
            seed=seed,
        )
        style = {stored_key(f"dream.{name}").removeprefix("dream."): getattr(look, name) for name in LOOK}
        settings = {**asdict(self._growth), **style}
        self.store = Store(network.name, network.weights.sha256, settings)
        self._least: dict[frozenset[str], int] = {}

    def check(self, layers: Sequence[str]) -> None:
        """Raise ConfigError unless pictures are large enough for these layers."""
        least = self._smallest(layers)
        if self._growth.sides[-1] < least:
            raise ConfigError("size", self._growth.sides[-1], f"to see {layers[-1]} the network needs {least} pixels")

    def known(self, subject: Subject) -> Drawn | None:
        """The subject as it was drawn before, if it was."""
        return self.store.get(subject, (self._growth.diversity, self._growth.sides[-1], self._channels(subject)))

    def blends(self) -> list[Drawn]:
        """All mixtures that were drawn before with these settings."""
        return self.store.blends((self._growth.diversity, self._growth.sides[-1]))

    def draw(self, subjects: Sequence[Subject]) -> list[Drawn]:
        """All of them, in order; only what was never drawn is drawn now. Raises Interrupted when the user stops."""
        found = {subject: self.known(subject) for subject in subjects}
        missing = [subject for subject, drawn in found.items() if drawn is None]
        with Stop() as stop, Progress(len(subjects), "atlas") as progress:
            for _ in range(len(subjects) - len(missing)):
                progress.step()
            for part in self._parts(missing):
                pictures = grow(self._network, part, self._of(part[0]), self._look, alive=lambda: not stop.requested)
                if pictures is None:
                    break
                for subject, picture in zip(part, pictures, strict=True):
                    found[subject] = self._finish(subject, picture)
                    progress.step(subject.words)
        there = [drawn for drawn in found.values() if drawn is not None]
        if len(there) < len(subjects):
            kept = f"{len(there)} of {len(subjects)} pictures are kept; the same command draws the others"
            raise Interrupted(f"stopped: {kept}")
        return there

    def _finish(self, subject: Subject, pictures: Tensor) -> Drawn:
        if not pictures.isfinite().all():
            raise DreamError(f"{subject.target}: the gradient is not finite; try precision=float32")
        seen = torch.zeros(len(pictures), 0)
        if len(subject.parts) == 1:
            seen = traces(self._network, subject.layers[0], pictures)
        pixels = pictures.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        drawn = Drawn(subject, pixels, seen.numpy().astype(np.float32))
        self.store.put(drawn)
        return drawn

    def _parts(self, subjects: Sequence[Subject]) -> Iterator[Sequence[Subject]]:
        """Stretches that have their layers in common and fit into one pass."""
        many = AT_ONCE.get(self._network.device.type, AT_ONCE_ELSEWHERE)
        many = max(1, many // self._growth.diversity)
        for _, group in groupby(subjects, key=lambda subject: subject.layers):
            same = list(group)
            yield from (same[start : start + many] for start in range(0, len(same), many))

    def _of(self, subject: Subject) -> Growth:
        """The growth, with no size so small that the subject's layers could not see it."""
        least = self._smallest(subject.layers)
        growth = self._growth
        return Growth(
            tuple(max(side, least) for side in growth.sides), growth.steps, growth.jitter, growth.diversity, growth.seed
        )

    def _smallest(self, layers: Sequence[str]) -> int:
        wanted = frozenset(layers)
        if wanted not in self._least:
            self._least[wanted] = self._network.min_side(wanted)
        return self._least[wanted]

    def _channels(self, subject: Subject) -> int:
        if len(subject.parts) > 1:
            return 0
        layer = subject.layers[0]
        count: int = self._network.layers.get(layer, len(self._network.classes))
        return count

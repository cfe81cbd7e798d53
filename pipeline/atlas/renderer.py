"""Draws the pictures that the cache lacks, many in one pass, and stores each as soon as it is finished."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.atlas.cli import PIXEL_SETTINGS
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.generate import PictureSettings, channel_means, generate
from pipeline.atlas.imagined import imagine
from pipeline.atlas.selection import PictureTarget
from pipeline.atlas.store import Picture, Store
from pipeline.config import DreamConfig, ImagineConfig
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, DreamError, Interrupted
from pipeline.networks.generator_header import BUILT_IN
from pipeline.networks.trained_generator import load_generator
from pipeline.runtime.files import sha256_of
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress

SIZES, SIZE_RATIO = 3, 1.5  # a picture is drawn at three sizes, from coarse to fine
BATCH, CPU_BATCH = 96, 12  # pictures in one pass


Batch = Sequence[PictureTarget]
"""Targets of the same layers."""
DrawBatches = Callable[[Sequence[Batch], Stop], Iterator[list[Picture]]]
"""Draws batches in any order; what comes back is stored."""


class Renderer:
    """Draws targets with one network and one set of settings; pictures in the cache are not drawn again."""

    def __init__(
        self,
        network: Network,
        config: AtlasConfig,
        dream: DreamConfig,
        seed: int,
        imagination: ImagineConfig | None = None,
    ) -> None:
        self.network, self._dream = network, dream
        self._settings = PictureSettings(
            sides=tuple(round(config.size / SIZE_RATIO**n) for n in reversed(range(SIZES))),
            steps=config.steps,
            jitter=dream.jitter,
            diversity=config.diversity,
            seed=seed,
        )
        style = {name: getattr(dream, name) for name in PIXEL_SETTINGS}
        settings = {**asdict(self._settings), **style}
        self._imagine = None
        if config.via == "imagine":
            imagination = imagination or ImagineConfig()
            path = BUILT_IN[imagination.model] if imagination.weights is None else Path(imagination.weights)
            self._imagine = partial(imagine, trained=load_generator(path), truncation=imagination.truncation)
            settings |= {"via": sha256_of(path), "truncation": imagination.truncation}
        self.store = Store(network.name, network.weights.sha256, settings)
        self._smallest: dict[frozenset[str], int] = {}

    def check(self, layers: Sequence[str]) -> None:
        """Raise ConfigError unless pictures are large enough for these layers."""
        smallest, side = self._smallest_side(layers), self._settings.sides[-1]
        if side < smallest:
            raise ConfigError("size", side, f"to see {layers[-1]} the network needs {smallest} pixels")

    def shape(self, target: PictureTarget) -> tuple[int, int, int]:
        """(number of its pictures, pixels on their side, channels of its layer)."""
        return self._settings.diversity, self._settings.sides[-1], self._channels(target)

    def cached(self, target: PictureTarget) -> Picture | None:
        """The target's pictures from the cache."""
        return self.store.get(target, self.shape(target))

    def blends(self) -> list[Picture]:
        """All blends in the cache, of these settings."""
        return self.store.blends((self._settings.diversity, self._settings.sides[-1]))

    def draw(self, targets: Sequence[PictureTarget], draw: DrawBatches | None = None) -> list[Picture]:
        """The pictures of all targets, in order: from the cache, or drawn by ``draw`` or here. Raises Interrupted."""
        pictures = {target: self.cached(target) for target in targets}
        missing = [target for target, picture in pictures.items() if picture is None]
        with Stop() as stop, Progress(len(targets), "atlas") as progress, suppress(Interrupted):
            for _ in range(len(targets) - len(missing)):
                progress.step(rendered=False)
            for drawn in (draw or self._draw_here)(list(self._batches(missing)), stop):
                for picture in drawn:
                    pictures[picture.target] = picture
                    progress.step(picture.target.words)
        done = [picture for picture in pictures.values() if picture is not None]
        if len(done) < len(targets):
            count = f"{len(done)} of {len(targets)} pictures are kept; the same command draws the others"
            raise Interrupted(f"stopped: {count}")
        return done

    def _draw_here(self, batches: Sequence[Batch], stop: Stop) -> Iterator[list[Picture]]:
        for batch in batches:
            drawn = self.draw_batch(batch, lambda: stop.requested)
            if drawn is None:
                return
            yield drawn

    def draw_batch(self, batch: Sequence[PictureTarget], stop: Callable[[], bool]) -> list[Picture] | None:
        """Draw and store the pictures of targets of the same layers in one pass; None when ``stop()`` is true."""
        settings = self._settings_for(batch[0])
        if self._imagine is not None:
            drawn = self._imagine(self.network, batch, settings, stop=stop)
        else:
            drawn = generate(self.network, batch, settings, self._dream, stop=stop)
        return None if drawn is None else [self._finish(*pair) for pair in zip(batch, drawn, strict=True)]

    def _finish(self, target: PictureTarget, drawn: Tensor) -> Picture:
        if not drawn.isfinite().all():
            raise DreamError(f"{target.target}: the gradient is not finite; try precision=float32")
        traces = torch.zeros(len(drawn), 0)
        if len(target.parts) == 1:
            traces = channel_means(self.network, target.layers[0], drawn)
        pixels = drawn.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        picture = Picture(target, pixels, traces.numpy().astype(np.float32))
        self.store.put(picture)
        return picture

    def _batches(self, targets: Sequence[PictureTarget]) -> Iterator[Sequence[PictureTarget]]:
        """Consecutive targets of the same layers that fit into one pass."""
        size = CPU_BATCH if self.network.device.type == "cpu" else BATCH
        size = max(1, size // self._settings.diversity)
        for _, group in groupby(targets, key=lambda target: target.layers):
            same = list(group)
            yield from (same[start : start + size] for start in range(0, len(same), size))

    def _settings_for(self, target: PictureTarget) -> PictureSettings:
        """The settings, with no size too small for the target's layers."""
        smallest = self._smallest_side(target.layers)
        return replace(self._settings, sides=tuple(max(side, smallest) for side in self._settings.sides))

    def _smallest_side(self, layers: Sequence[str]) -> int:
        key = frozenset(layers)
        if key not in self._smallest:
            self._smallest[key] = self.network.min_side(key)
        return self._smallest[key]

    def _channels(self, target: PictureTarget) -> int:
        if len(target.parts) > 1:
            return 0
        count: int = self.network.layers.get(target.layers[0], len(self.network.classes))
        return count

"""Pictures of targets for the live page: from the atlas if it has them, else drawn small while the dream goes on."""

import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from PIL import Image

from pipeline.atlas.cli import PIXEL_SETTINGS
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.renderer import Renderer
from pipeline.atlas.selection import Names, PictureTarget, parse_picture_target
from pipeline.atlas.store import Picture
from pipeline.config import DreamConfig, RenderConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, RenderError
from pipeline.live.autoplay import Autoplay
from pipeline.media.encode.image_grid import as_bytes

log = logging.getLogger(__name__)

SMALL = AtlasConfig(size=72, steps=8)
MAX_ENTRIES = 64  # that autoplay is asked for
THUMBNAIL_PIXELS = 144
NICENESS = 5  # of the thread that draws; with 19 it would hold locks of Python for long on a busy machine


def wall_targets(autoplay: Autoplay, network: Network, count: int) -> list[str]:
    """The targets that play by themselves, then the network's classes, evenly chosen: at most ``count``."""
    targets = [str(target.on_all_octaves()) for n in range(MAX_ENTRIES) for target in autoplay.entry(n)]
    targets = list(dict.fromkeys(targets))[:count]
    left, classes = count - len(targets), [f"class:{name}" for name in network.classes]
    others = [name for name in classes if name not in targets]
    stride = max(1, len(others) // left) if left > 0 else 1
    return [*targets, *others[::stride][: max(0, left)]]


class Wall:
    """The targets, numbered, and their pictures as they become known; draws what is missing while it is entered."""

    def __init__(self, config: RenderConfig, network: Network, targets: Sequence[str]) -> None:
        self._config, self._targets = config, list(targets)
        self._names = Names(network.named, network.classes, network.class_layer)
        self._pictures: dict[int, bytes] = {}
        self._over = threading.Event()
        dream = replace(DreamConfig(), **{name: _constant(config.dream, name) for name in PIXEL_SETTINGS})
        self._renderers = [Renderer(network, each, dream, config.seed) for each in (AtlasConfig(), SMALL)]
        self._dream = dream
        self._thread = threading.Thread(target=self._draw, name="wall", daemon=True)

    def __enter__(self) -> "Wall":
        missing = [number for number in range(len(self._targets)) if not self._load(number)]
        self._missing = missing
        if missing:  # in this thread, since tracing a network disturbs all that run
            self._own = Renderer(model_zoo.build(self._config.network), SMALL, self._dream, self._config.seed)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def as_data(self) -> list[dict[str, Any]]:
        """Every target with the number of its picture, null if it has none yet."""
        return [
            {"target": target, "picture": number if number in self._pictures else None}
            for number, target in enumerate(self._targets)
        ]

    def picture(self, number: int) -> bytes:
        """The JPEG of this number, or nothing."""
        return self._pictures.get(number, b"")

    def _target(self, number: int) -> PictureTarget | None:
        """What to draw; None for a target that is no single channel or class."""
        with suppress(ConfigError):
            return parse_picture_target(self._targets[number], self._names)
        return None

    def _load(self, number: int) -> bool:
        """Take the picture from the cache. True also for a target without one."""
        target = self._target(number)
        picture = next((each.cached(target) for each in self._renderers if target and each.cached(target)), None)
        if picture is not None:
            self._pictures[number] = _thumbnail(picture)
        return target is None or picture is not None

    def _draw(self) -> None:
        """The drawing thread: one picture after the other, with a network of its own, when the machine has time."""
        with suppress(OSError, AttributeError):  # Linux can make one thread of many give way
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        torch.set_num_threads(1)
        for number in self._missing:
            target = self._target(number)
            if target is None:
                continue
            try:
                self._own.check(target.layers)
                drawn = self._own.draw_batch([target], self._over.is_set)
            except RenderError as error:
                log.info(f"the page has no picture of {target.target}: {error}")
                continue
            if drawn is None:
                return
            self._pictures[number] = _thumbnail(drawn[0])


def _constant(dream: DreamConfig, name: str) -> Any:
    """A setting that affects pixels; its default if it moves in time."""
    value = getattr(dream, name)
    return value if isinstance(value, int | float) or name == "precondition" else getattr(DreamConfig(), name)


def _thumbnail(picture: Picture) -> bytes:
    image = Image.fromarray(picture.pixels[0]).resize((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    return as_bytes(image, "JPEG", quality=80)

"""Makes a sheet of variations: a sketched still of each film, and its command."""

import logging
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.build import Networks
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime import files
from pipeline.runtime.device import choose_device
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.storyboard.sketch import draft, still
from pipeline.variations import sheet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variation:
    """A film, the ``seconds`` of its still, and the ``words`` of its command line."""

    plan: FilmPlan
    seconds: float
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        """What renders the film."""
        return shlex.join(["python", "-m", "pipeline.render", *self.words])


def make(variations: Sequence[Variation], short_side: int, path: Path) -> None:
    """Draw a still of each film and write the sheet to ``path``.

    Raises RenderError kinds and Interrupted, with nothing written.
    """
    for note in dict.fromkeys(note for each in variations for note in each.plan.notes):
        log.info(note)
    with Progress(len(variations), "variations") as progress, Stop() as stop:
        pictures = []
        for picture in _draw(variations, short_side, stop):
            pictures.append(picture)
            progress.step()
    captions = sheet.captions([each.words for each in variations], [each.command for each in variations])
    files.write_bytes(path, sheet.as_png(pictures, captions, sheet.column_count([each.words for each in variations])))


def _draw(variations: Sequence[Variation], short_side: int, stop: Stop) -> Iterator[NDArray[np.uint8]]:
    """The stills ``(H, W, 3)``. Each network is loaded once for each way to compute."""
    networks: dict[tuple[str, str, bool], Networks] = {}
    for each in variations:
        config, plan = each.plan.config, draft(each.plan.shots[0], short_side)
        key = (config.device, config.precision, config.deterministic)
        if key not in networks:
            networks[key] = Networks(choose_device(config.device, config.deterministic), *key[1:])
        moment = still(plan, networks[key].find(plan, {}), each.seconds, lambda: stop.requested)
        yield to_bytes(moment.frame)

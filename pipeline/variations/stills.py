"""Makes a sheet of variations: a sketched still of each film, and its command."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.cli.arguments import command_line
from pipeline.errors import Interrupted
from pipeline.farm.engines import open_executor
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime import files
from pipeline.runtime.device import choose_device
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.variations import sheet, still_work

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
        return command_line(self.words)


def make(variations: Sequence[Variation], short_side: int, path: Path) -> None:
    """Draw a still of each film and write the sheet to ``path``.

    Raises RenderError kinds and Interrupted, with nothing written.
    """
    for note in dict.fromkeys(note for each in variations for note in each.plan.notes):
        log.info(note)
    config = variations[0].plan.config
    pictures: dict[str, NDArray[np.uint8]] = {}
    try:
        with Progress(len(variations), "variations") as progress, Stop() as stop:
            tasks = [
                still_work.task(f"still {number}", each.plan, each.seconds, short_side, stop)
                for number, each in enumerate(variations, 1)
            ]
            device = choose_device(config.device, config.deterministic).type
            with open_executor(config, device, stop) as executor:
                for task, result in executor.map(tasks):
                    pictures[task.name] = still_work.picture_of(result)
                    progress.step(task.name)
    except Interrupted as error:
        raise Interrupted("stopped; nothing was written") from error
    words = [each.words for each in variations]
    captions = sheet.captions(words, [each.command for each in variations])
    ordered = [pictures[task.name] for task in tasks]
    files.write_bytes(path, sheet.as_png(ordered, captions, sheet.column_count(words)))

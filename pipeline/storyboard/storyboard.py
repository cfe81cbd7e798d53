"""Makes a storyboard: sketch, estimate, sheet."""

import logging
from dataclasses import replace
from pathlib import Path

from pipeline.dream import model_zoo
from pipeline.dream.precision import choose_arithmetic
from pipeline.plan import score_chart, score_data
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime import files
from pipeline.runtime.device import choose_device
from pipeline.runtime.interrupt import Stop
from pipeline.storyboard import sheet
from pipeline.storyboard.cost import measure
from pipeline.storyboard.sketch import draft, moments, sketch

log = logging.getLogger(__name__)


def make(plan: FilmPlan, path: Path) -> str:
    """Sketch the film, write the sheet to ``path`` and return the estimate in words.

    Raises RenderError kinds and Interrupted, with nothing written.
    """
    config = plan.config
    for note in plan.notes:
        log.info(note)
    device = choose_device(config.device, config.deterministic)
    arithmetic = choose_arithmetic(config.precision, config.network, device)
    network = model_zoo.build(config.network).to(device, *arithmetic, config.deterministic)
    with Stop() as stop:
        stills = sketch(draft(plan.shots[0]), network, lambda: stop.requested, _times(plan))
    cost = measure(plan.shots[0], network, stills[len(stills) // 2])
    estimate = replace(cost, bytes=round(cost.bytes * plan.film_frames / plan.frames)).words()
    score = score_data.as_shown(score_data.film_score(plan), plan)
    lanes = score_chart.as_png(score, "score")
    files.write_bytes(path, sheet.as_png(stills, lanes, plan.title, f"{plan.summary} · {estimate}"))
    return estimate


def _times(plan: FilmPlan) -> list[tuple[float, float]]:
    """The seconds of the moments to show, in the film as it is shown and as it is dreamed."""
    return [(at, plan.dreamed_second(at)) for at in moments(float(plan.seconds))]

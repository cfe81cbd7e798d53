"""Makes a storyboard: sketch, estimate, sheet."""

import logging
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
from pipeline.storyboard.sketch import draft, sketch

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
        moments = sketch(draft(plan.shots[0]), network, lambda: stop.requested)
    estimate = measure(plan.shots[0], network, moments[len(moments) // 2]).words()
    score = score_data.film_score(plan)
    lanes = score_chart.as_png(score, "score")
    files.write_bytes(path, sheet.as_png(moments, lanes, plan.title, f"{plan.summary} · {estimate}"))
    return estimate

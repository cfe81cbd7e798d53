"""A storyboard from its plan to its sheet."""

import logging
from pathlib import Path

from pipeline.dream import model_zoo
from pipeline.dream.precision import choose_arithmetic
from pipeline.plan import score_chart, score_data
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime import files
from pipeline.runtime.device import choose_device
from pipeline.runtime.interrupt import Stop
from pipeline.storyboard import sheet as board
from pipeline.storyboard.cost import measure
from pipeline.storyboard.sketch import draft, sketch

log = logging.getLogger(__name__)


def make(plan: FilmPlan, path: Path) -> str:
    """Sketch the film of ``plan``, measure a few of its frames and write the sheet to ``path``; the estimate in
    words. Raises RenderError kinds, and Interrupted, with nothing written.
    """
    config = plan.config
    for note in plan.notes:
        log.info(note)
    device = choose_device(config.device, config.deterministic)
    arithmetic = choose_arithmetic(config.precision, config.network, device)
    seeing = model_zoo.build(config.network).to(device, *arithmetic, config.deterministic)
    with Stop() as stop:
        moments = sketch(draft(plan.shots[0]), seeing, lambda: stop.requested)
    estimate = measure(plan.shots[0], seeing, moments[len(moments) // 2]).words()
    figures = score_data.film_score(plan)
    size = f"{plan.width}x{plan.height}, {float(plan.fps):g} fps, {plan.frames} frames"
    lanes = score_chart.as_png(figures, "score")
    files.write_bytes(path, board.as_png(moments, lanes, plan.title, f"{size} · {estimate}"))
    return estimate

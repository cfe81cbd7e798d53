"""A storyboard from its plan to its sheet."""

from pathlib import Path

from pipeline import sheet, sheet_picture
from pipeline.device import choose_device, precisions
from pipeline.dream import pace, zoo
from pipeline.plan import Plan
from pipeline.progress import say
from pipeline.stop import Stop
from pipeline.storyboard import board
from pipeline.storyboard.estimate import measure
from pipeline.storyboard.sketch import draft, sketch


def make(plan: Plan, path: Path) -> str:
    """Sketch the film of ``plan``, measure a few of its frames and write the sheet to ``path``; the estimate in
    words. Raises RenderError kinds, and Interrupted, with nothing written.
    """
    config = plan.config
    for note in plan.notes:
        say(f"note: {note}")
    device = choose_device(config.device, config.deterministic)
    seeing = zoo.build(config.network)
    pace.place(seeing, config.network, device, precisions(config.precision, device))
    with Stop() as stop:
        moments = sketch(draft(plan), seeing, lambda: stop.asked)
    estimate = measure(plan, seeing, moments[len(moments) // 2]).words()
    figures = sheet.sheet_of(plan)
    size = f"{plan.width}x{plan.height}, {float(plan.fps):g} fps, {plan.frames} frames"
    lanes = sheet_picture.as_png(figures, "score")
    sheet.write(path, board.as_png(moments, lanes, plan.video.stem, f"{size} · {estimate}"))
    return estimate

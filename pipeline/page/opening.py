"""Opens the live page of a plan, where one is wanted."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pipeline import sheet, sheet_picture
from pipeline.config import PreviewConfig
from pipeline.errors import RenderError
from pipeline.page.state import Facts
from pipeline.plan import Plan
from pipeline.progress import say

if TYPE_CHECKING:
    from pipeline.page.page import Page


def open_page(plan: Plan, config: PreviewConfig, stack: ExitStack) -> "Page | None":
    """The page of this film, served until ``stack`` is left, or None when ``config`` wants none.

    Raises RenderError where the packages it needs are missing, ConfigError where the port cannot be had.
    """
    if not config.wanted:
        return None
    try:
        from pipeline.page.page import Page
    except ModuleNotFoundError as error:
        raise RenderError(f"preview needs the package {error.name}: scripts/setup preview installs it") from error
    figures = sheet.sheet_of(plan)
    left, right, width = sheet_picture.LEFT, sheet_picture.RIGHT, sheet_picture.WIDTH
    facts = Facts(
        title=plan.video.stem,
        frames=min(plan.length, plan.part.stop * plan.config.segment) if plan.part else plan.length,
        fps=float(plan.fps),
        size=(plan.width, plan.height),
        score=sheet_picture.as_png(figures, plan.video.stem),
        span=(left / width, 1 - right / width),
    )
    page = stack.enter_context(Page(facts, config.port))
    say(f"note: the live page is at {page.address}")
    return page

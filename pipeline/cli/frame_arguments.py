"""Settings of the frame on a command line that exclude each other."""

from collections.abc import Sequence

from pipeline.errors import RenderError

SIDES = {"frame.width": "frame.height", "frame.height": "frame.width"}  # and the other one
SHAPES = ("format", "frame.aspect")
SIZES = ("quality", "frame.fit")


def check_frame(overrides: Sequence[str]) -> list[str]:
    """The overrides; a single side next to an aspect makes the other side follow. Raises RenderError for a conflict."""
    pairs = [override.lstrip("+").partition("=") for override in overrides]
    typed = {key: f"{key}={value}" for key, _, value in pairs if value != "null"}
    shapes, sizes, sides = ([typed[key] for key in keys if key in typed] for keys in (SHAPES, SIZES, SIDES))
    if len(shapes) > 1:
        raise RenderError(f"{' and '.join(shapes)}: both set the shape of the frame; leave one out")
    if shapes and len(sides) > 1:
        raise RenderError(f"{shapes[0]}: {' and '.join(sides)} set the shape already; leave one of the three out")
    if sizes and len(sides) == 1:
        words = f"{sizes[0]} sets the size; leave one out, or give both sides or frame.aspect= for another shape"
        raise RenderError(f"{sides[0]}: {words}")
    if shapes and sides:
        return [*overrides, f"{SIDES[sides[0].partition('=')[0]]}=0"]
    return list(overrides)

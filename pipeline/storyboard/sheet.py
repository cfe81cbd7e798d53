"""The storyboard's sheet: frames of the film above the lanes of its score."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw

from pipeline.media.encode.image_grid import INK, PALE, PAPER, as_bytes, cell_positions, font, row_count
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.storyboard.sketch import Moment

MARGIN, GAP, HEAD_HEIGHT = 24, 10, 64  # pixels


def as_png(moments: Sequence[Moment], score: bytes, title: str, facts: str) -> bytes:
    """The sheet as a PNG; ``score`` is the score's chart, which gives the width."""
    with Image.open(BytesIO(score)) as image:
        lanes = image.convert("RGB")
    high, wide = moments[0].frame.shape[2:]
    columns = _columns(len(moments), wide / high)
    width = (lanes.width - 2 * MARGIN - (columns - 1) * GAP) // columns
    height = max(1, round(width * high / wide))
    top = HEAD_HEIGHT + row_count(len(moments), columns) * (height + GAP)
    sheet = Image.new("RGB", (lanes.width, top + lanes.height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, HEAD_HEIGHT // 2), title, INK, font(24), "lm")
    pen.text((lanes.width - MARGIN, HEAD_HEIGHT // 2), facts, PALE, font(16), "rm")
    positions = cell_positions(len(moments), columns, (width, height), GAP, (MARGIN, HEAD_HEIGHT))
    for moment, (x, y) in zip(moments, positions, strict=True):
        picture = Image.fromarray(to_bytes(moment.frame)).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(picture, (x, y))
        words, at = f"{moment.seconds:g} s", (x + 8, y + height - 8)
        pen.text(at, words, INK, font(15), "ls", stroke_width=2, stroke_fill=(0, 0, 0))
    sheet.paste(lanes, (0, top))
    return as_bytes(sheet, "PNG")


def _columns(count: int, aspect: float) -> int:
    """Columns that fill the rows best while the pictures stay legible."""
    choices = range(4, 7) if aspect > 1.2 else range(6, 10)
    return min(count, min(choices, key=lambda columns: (row_count(count, columns) * columns - count, columns)))

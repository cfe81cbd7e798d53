"""The sheet of a storyboard: moments of the film above, the lanes of its score below."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from pipeline.media.encode.pixel_format import to_bytes
from pipeline.storyboard.sketch import Moment

PAPER, INK, FAINT = (22, 23, 28), (232, 233, 238), (148, 152, 166)
MARGIN, GAP, HEAD = 24, 10, 64


def as_png(moments: Sequence[Moment], score: bytes, title: str, facts: str) -> bytes:
    """The whole sheet as a PNG file; ``score`` is the picture of the score, whose width it takes."""
    with Image.open(BytesIO(score)) as opened:
        lanes = opened.convert("RGB")
    high, wide = moments[0].frame.shape[2:]
    columns = _columns(len(moments), wide / high)
    width = (lanes.width - 2 * MARGIN - (columns - 1) * GAP) // columns
    height = max(1, round(width * high / wide))
    rows = -(-len(moments) // columns)
    top = HEAD + rows * (height + GAP)
    sheet = Image.new("RGB", (lanes.width, top + lanes.height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, HEAD // 2), title, INK, _font(24), "lm")
    pen.text((lanes.width - MARGIN, HEAD // 2), facts, FAINT, _font(16), "rm")
    for number, moment in enumerate(moments):
        row, column = divmod(number, columns)
        at = (MARGIN + column * (width + GAP), HEAD + row * (height + GAP))
        picture = Image.fromarray(to_bytes(moment.frame)).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(picture, at)
        words = (at[0] + 8, at[1] + height - 8)
        pen.text(words, f"{moment.seconds:g} s", INK, _font(15), "ls", stroke_width=2, stroke_fill=(0, 0, 0))
    sheet.paste(lanes, (0, top))
    file = BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _columns(count: int, shape: float) -> int:
    """Rows as full as can be, of pictures that can still be read."""
    fitting = range(4, 7) if shape > 1.2 else range(6, 10)
    return min(count, min(fitting, key=lambda columns: (-(-count // columns) * columns - count, columns)))


def _font(letters: int) -> Any:
    return ImageFont.load_default(letters)

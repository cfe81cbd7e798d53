"""A contact sheet: all pictures of one layer with their targets, as a PNG or JPEG file."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from pipeline.atlas.similarity import silent
from pipeline.atlas.store import Drawn

PAPER, INK, FAINT = (22, 23, 28), (232, 233, 238), (148, 152, 166)
GAP, HEAD = 8, 48
WIDEST = 2400  # pixels
JPEG_QUALITY = 84


def contact_sheet(title: str, facts: str, drawn: Sequence[Drawn], side: int) -> Image.Image:
    """The pictures, ``side`` pixels large, under a line of title and facts; those of one channel stand together."""
    copies = len(drawn[0].pictures)
    letters = max(9, min(14, side // 10))
    wide, high = copies * (side + 2) - 2, side + letters + 8
    columns = max(1, min(round((len(drawn) * high / wide * 1.6) ** 0.5), (WIDEST - GAP) // (wide + GAP), len(drawn)))
    rows = -(-len(drawn) // columns)
    width = max(columns * (wide + GAP) + GAP, 480)
    sheet = Image.new("RGB", (width, HEAD + rows * (high + GAP) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, HEAD // 2), title, INK, _font(20), "lm")
    if _font(20).getlength(title) + _font(13).getlength(facts) < width - 4 * GAP:
        pen.text((width - GAP, HEAD // 2), facts, FAINT, _font(13), "rm")
    for number, each in enumerate(drawn):
        row, column = divmod(number, columns)
        x, y = GAP + column * (wide + GAP), HEAD + row * (high + GAP)
        for copy, pixels in enumerate(each.pictures):
            picture = Image.fromarray(pixels)
            if picture.width != side:
                picture = picture.resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(picture, (x + copy * (side + 2), y))
        words = each.subject.words + (" (silent)" if silent(each) else "")
        pen.text((x, y + side + 3), _short(words, wide, letters), FAINT if silent(each) else INK, _font(letters))
    return sheet


def as_file(sheet: Image.Image, kind: str) -> bytes:
    """The sheet's file, ``png`` or ``jpeg``."""
    file = BytesIO()
    if kind == "jpeg":
        sheet.save(file, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    else:
        sheet.save(file, "PNG")
    return file.getvalue()


def suffix(kind: str) -> str:
    """Of the file: ``.png`` or ``.jpg``."""
    return ".jpg" if kind == "jpeg" else ".png"


def path_of(folder: Path, name: str, kind: str) -> Path:
    """Where the sheet of the layer of that name goes."""
    return folder / f"atlas.{name}{suffix(kind)}"


def _short(words: str, width: int, letters: int) -> str:
    if _font(letters).getlength(words) <= width:
        return words
    while words and _font(letters).getlength(f"{words}…") > width:
        words = words[:-1]
    return f"{words}…"


def _font(letters: int) -> Any:
    return ImageFont.load_default(letters)

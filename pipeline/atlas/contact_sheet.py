"""A contact sheet: all pictures of one layer with their targets, as a PNG or JPEG file."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from pipeline.atlas.similarity import is_silent
from pipeline.atlas.store import Picture
from pipeline.media.encode.image_grid import INK, PALE, PAPER, as_bytes, cell_positions, font, row_count

GAP, HEAD_HEIGHT = 8, 48  # pixels
MAX_WIDTH_PIXELS, MIN_WIDTH_PIXELS = 2400, 480
JPEG_QUALITY = 84


def contact_sheet(title: str, facts: str, pictures: Sequence[Picture], side: int) -> Image.Image:
    """The pictures, ``side`` pixels large, under a line of title and facts; variants of one channel are adjacent."""
    variants = len(pictures[0].pixels)
    letters = max(9, min(14, side // 10))
    wide, high = variants * (side + 2) - 2, side + letters + 8
    count, most = len(pictures), (MAX_WIDTH_PIXELS - GAP) // (wide + GAP)
    columns = max(1, min(round((count * high / wide * 1.6) ** 0.5), most, count))
    width = max(columns * (wide + GAP) + GAP, MIN_WIDTH_PIXELS)
    height = HEAD_HEIGHT + row_count(count, columns) * (high + GAP) + GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, HEAD_HEIGHT // 2), title, INK, font(20), "lm")
    if font(20).getlength(title) + font(13).getlength(facts) < width - 4 * GAP:
        pen.text((width - GAP, HEAD_HEIGHT // 2), facts, PALE, font(13), "rm")
    positions = cell_positions(count, columns, (wide, high), GAP, (GAP, HEAD_HEIGHT))
    for each, (x, y) in zip(pictures, positions, strict=True):
        for variant, pixels in enumerate(each.pixels):
            picture = Image.fromarray(pixels)
            if picture.width != side:
                picture = picture.resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(picture, (x + variant * (side + 2), y))
        silent = is_silent(each)
        words = _shorten(each.target.words + (" (silent)" if silent else ""), wide, letters)
        pen.text((x, y + side + 3), words, PALE if silent else INK, font(letters))
    return sheet


def as_file(sheet: Image.Image, kind: str) -> bytes:
    """The sheet's file, ``png`` or ``jpeg``."""
    if kind == "jpeg":
        return as_bytes(sheet, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return as_bytes(sheet, "PNG")


def path_of(folder: Path, name: str, kind: str) -> Path:
    """The path of the sheet of the layer of that name."""
    return folder / f"atlas.{name}{'.jpg' if kind == 'jpeg' else '.png'}"


def _shorten(words: str, width: int, letters: int) -> str:
    if font(letters).getlength(words) <= width:
        return words
    while words and font(letters).getlength(f"{words}…") > width:
        words = words[:-1]
    return f"{words}…"

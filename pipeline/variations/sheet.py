"""The sheet of variations: stills in rows, under each what is special about it and its command."""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.media.encode.image_grid import INK, PALE, PAPER, as_bytes, cell_positions, font, row_count

GAP, LINE = 12, 15  # pixels
LABEL_LETTERS, COMMAND_LETTERS = 13, 11  # pixels
MIN_COLUMNS, MAX_COLUMNS = 3, 8  # with a row for each value of another setting
MIN_CELL_PIXELS = 200

Words = Sequence[str]


class Caption(NamedTuple):
    """``label``: the settings in which a film differs from the others; ``command`` renders it."""

    label: str
    command: str


def captions(words: Sequence[Words], commands: Sequence[str]) -> list[Caption]:
    """The captions of films with these command lines."""
    common = set(words[0]).intersection(*words) if len(words) > 1 else set()
    labels = [" ".join(word for word in each if word not in common) for each in words]
    return [Caption(label, command) for label, command in zip(labels, commands, strict=True)]


def column_count(words: Sequence[Words]) -> int:
    """As many columns as the last setting has values, where a sheet stays handy; else as many as rows."""

    def changes(each: Words) -> list[bool]:
        return [word != first for word, first in zip(each, words[0], strict=True)]

    in_row = 1 + len(list(takewhile(lambda each: changes(each) == changes(words[1]), words[1:])))
    return in_row if MIN_COLUMNS <= in_row <= MAX_COLUMNS and in_row < len(words) else math.isqrt(len(words) - 1) + 1


def as_png(pictures: Sequence[NDArray[np.uint8]], captions: Sequence[Caption], columns: int) -> bytes:
    """The sheet as a PNG. Pictures ``(H, W, 3)`` of other shapes stand in cells of the largest one."""
    width = max(MIN_CELL_PIXELS, *(picture.shape[1] for picture in pictures))
    height = max(picture.shape[0] for picture in pictures)
    lines = [
        [
            *((INK, LABEL_LETTERS, line) for line in wrap(label, width, LABEL_LETTERS)),
            *((PALE, COMMAND_LETTERS, line) for line in wrap(command, width, COMMAND_LETTERS)),
        ]
        for label, command in captions
    ]
    cell = (width, height + GAP // 2 + LINE * max(map(len, lines)))
    rows = row_count(len(pictures), columns)
    size = (columns * (cell[0] + GAP) + GAP, rows * (cell[1] + GAP) + GAP)
    image = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(image)
    positions = cell_positions(len(pictures), columns, cell, GAP, (GAP, GAP))
    for picture, text, (x, y) in zip(pictures, lines, positions, strict=True):
        image.paste(Image.fromarray(picture), (x, y))
        for number, (color, letters, line) in enumerate(text):
            pen.text((x, y + picture.shape[0] + GAP // 2 + number * LINE), line, color, font(letters))
    return as_bytes(image, "PNG")


def wrap(text: str, width: int, letters: int) -> list[str]:
    """Lines of ``text`` no wider than ``width`` pixels, broken at blanks where possible."""
    measure, lines = font(letters).getlength, [""]
    for word in text.split(" "):
        candidate = f"{lines[-1]} {word}".strip()
        if measure(candidate) <= width:
            lines[-1] = candidate
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = word
        while measure(lines[-1]) > width:
            fits = next(n for n in range(len(lines[-1]) - 1, 0, -1) if n == 1 or measure(lines[-1][:n]) <= width)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return [line for line in lines if line]

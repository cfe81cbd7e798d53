"""Small helpers for sheets of pictures: cell positions, fonts, colours."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image, ImageFont

PAPER, INK, PALE = (22, 23, 28), (232, 233, 238), (148, 152, 166)


def cell_positions(
    count: int, columns: int, cell: tuple[int, int], gap: int, origin: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """The top left pixel of each of ``count`` cells, row by row; ``cell`` is (width, height), ``gap`` between them."""
    for number in range(count):
        row, column = divmod(number, columns)
        yield origin[0] + column * (cell[0] + gap), origin[1] + row * (cell[1] + gap)


def row_count(count: int, columns: int) -> int:
    """Rows that ``count`` cells fill."""
    return -(-count // columns)


def font(pixels: int) -> Any:
    """Pillow's own font at this height."""
    return ImageFont.load_default(pixels)


def as_bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The content of an image file of this ``kind``, such as PNG."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()

"""Look-up tables written for tests."""

from collections.abc import Callable
from pathlib import Path

Color = tuple[float, float, float]


def cube_text(size: int, color: Callable[[float, float, float], Color], *, dimensions: int = 3) -> str:
    """A table in which each colour becomes ``color(red, green, blue)``."""
    steps = [number / (size - 1) for number in range(size)]
    cells = [(r, g, b) for b in steps for g in steps for r in steps] if dimensions == 3 else [(x, x, x) for x in steps]
    rows = [" ".join(f"{value:.6f}" for value in color(*cell)) for cell in cells]
    return "\n".join(['TITLE "a test"', f"LUT_{dimensions}D_SIZE {size}", "# rows", *rows, ""])


def save_cube(path: Path, color: Callable[[float, float, float], Color], size: int = 5, dimensions: int = 3) -> Path:
    """Write such a table."""
    path.write_text(cube_text(size, color, dimensions=dimensions), encoding="utf-8")
    return path

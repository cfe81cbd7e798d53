"""Reads look-up tables from ``.cube`` files (Adobe's and Resolve's kinds) and checks every number. No torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

SIZES = {"LUT_1D_SIZE": (1, 65_536), "LUT_3D_SIZE": (3, 129)}  # dimensions, and the largest size
DOMAINS = {"DOMAIN_MIN": 0, "DOMAIN_MAX": 1}
RANGES = ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE")  # two numbers for all channels
MAX_VALUE = 1000.0


@dataclass(frozen=True)
class Cube:
    """A table of ``size`` entries in each of its ``dimensions``, 1 or 3; ``rows`` ``(n, 3)`` are its colours, red
    fastest. Colours from ``domain[0]`` to ``domain[1]`` (three channels each) look into it.
    """

    dimensions: int
    size: int
    domain: NDArray[np.float32]
    rows: NDArray[np.float32]


def read_cube(path: Path) -> Cube:
    """Read a file. Raises InputError, which names the line, for anything that is no complete table."""
    name = f"color.lut={path}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from error
    if b"\0" in data:
        raise InputError(f"{name}: this is no .cube file, which is text")
    return _parse(data.decode("utf-8-sig", "replace").splitlines(), name)


def _parse(lines: list[str], name: str) -> Cube:
    keywords: dict[str, str] = {}
    rows: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0][0].isalpha() and words[0].lower() not in ("nan", "inf", "infinity"):
            if words[0] in keywords or words[0] not in ("TITLE", *SIZES, *DOMAINS, *RANGES):
                problem = "stands twice" if words[0] in keywords else "is no keyword of a .cube file"
                raise InputError(f"{name}: line {number}: {words[0][:40]} {problem}")
            keywords[words[0]] = line.split(maxsplit=1)[1] if len(words) > 1 else ""
        elif len(words) != 3:
            raise InputError(f"{name}: line {number}: a row has three numbers")
        else:
            rows.append(words)
    sizes = [key for key in SIZES if key in keywords]
    if len(sizes) != 1:
        problem = "has two tables; one is allowed" if sizes else "has neither LUT_1D_SIZE nor LUT_3D_SIZE"
        raise InputError(f"{name}: the file {problem}")
    dimensions, max_size = SIZES[sizes[0]]
    written = keywords[sizes[0]].strip()
    size = int(written) if written.isascii() and written.isdigit() and len(written) < 7 else 0
    if not 2 <= size <= max_size:
        raise InputError(f"{name}: {sizes[0]} {written[:40]}: allowed is 2 to {max_size}")
    if len(rows) != size**dimensions:
        raise InputError(f"{name}: it has {len(rows)} rows; {sizes[0]} {size} needs {size**dimensions}")
    table = _numbers([word for row in rows for word in row], name, "its rows").reshape(-1, 3)
    return Cube(dimensions, size, _domain(keywords, name), table)


def _domain(keywords: dict[str, str], name: str) -> NDArray[np.float32]:
    """(lowest, highest) colour that looks into the table."""
    domain = np.array([[0.0] * 3, [1.0] * 3], np.float32)
    for key, row in DOMAINS.items():
        if key in keywords:
            domain[row] = _exactly(3, keywords[key], name, key)
    for key in RANGES:
        if key in keywords:
            domain[:] = _exactly(2, keywords[key], name, key)[:, None]
    if not (domain[1] - domain[0] > 1e-6).all():
        raise InputError(f"{name}: DOMAIN_MAX has to be larger than DOMAIN_MIN")
    return domain


def _exactly(count: int, text: str, name: str, key: str) -> NDArray[np.float32]:
    words = text.split()
    if len(words) != count:
        raise InputError(f"{name}: {key} needs {count} numbers")
    return _numbers(words, name, key)


def _numbers(words: list[str], name: str, where: str) -> NDArray[np.float32]:
    try:
        values = np.array([float(word) for word in words])
    except ValueError as error:
        raise InputError(f"{name}: {where}: {str(error).rpartition(':')[2].strip()[:40]} is no number") from error
    wrong = ~(np.abs(values) <= MAX_VALUE)
    if wrong.any():
        word = words[int(wrong.argmax())]
        raise InputError(f"{name}: {where}: {word[:40]}: allowed are finite numbers up to {MAX_VALUE:g}")
    return values.astype(np.float32)

"""Functions for expressions: floats to a float. Waves have a period of 1."""

import math
from collections.abc import Callable
from functools import partial

from pipeline.errors import ConfigError
from pipeline.timing.smoothstep import smoothstep as smooth

Function = Callable[..., float]


def clip(x: float, low: float, high: float) -> float:
    """``x`` limited to ``low`` … ``high``."""
    return min(max(x, low), high)


def smoothstep(start: float, end: float, x: float) -> float:
    """0 up to ``start``, 1 from ``end`` on, smooth between (arguments as in GLSL)."""
    return smooth(clip((x - start) / (end - start), 0.0, 1.0) if end != start else float(x >= end))


def saw(x: float) -> float:
    """Rises from 0 to 1 between whole numbers."""
    return x - math.floor(x)


def tri(x: float) -> float:
    """0 at whole numbers, 1 at halves, linear between."""
    return 1.0 - abs(2.0 * saw(x) - 1.0)


def pulse(x: float, width: float = 0.5) -> float:
    """1 in the first ``width`` of each period, 0 in the rest."""
    return 1.0 if saw(x) < width else 0.0


def noise(seed: int, x: float, stream: float = 0.0) -> float:
    """Value noise in [-1, 1]: random at whole numbers, smooth between. Each ``stream`` is independent."""
    cell = math.floor(x)
    first, second = (_hash(seed, cell + n, math.floor(stream)) for n in (0, 1))
    return first + (second - first) * smoothstep(0.0, 1.0, x - cell)


def _hash(seed: int, cell: int, stream: int) -> float:
    """A random number in [-1, 1] per cell (mixed as in SplitMix64, Steele et al. 2014)."""
    mask = (1 << 64) - 1
    z = (seed * 0x9E3779B97F4A7C15 + cell * 0xD1B54A32D192ED03 + stream * 0x8CB92BA72F3D8DD7) & mask
    for _ in range(2):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        z ^= z >> 31
    return z / mask * 2.0 - 1.0


# name → (function, minimum and maximum number of arguments)
_TABLE: dict[str, tuple[Function, int, int]] = {
    "sin": (math.sin, 1, 1),
    "cos": (math.cos, 1, 1),
    "exp": (math.exp, 1, 1),
    "log": (math.log, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "abs": (abs, 1, 1),
    "floor": (lambda x: float(math.floor(x)), 1, 1),
    "min": (min, 2, 8),
    "max": (max, 2, 8),
    "clip": (clip, 3, 3),
    "smoothstep": (smoothstep, 3, 3),
    "saw": (saw, 1, 1),
    "tri": (tri, 1, 1),
    "pulse": (pulse, 1, 2),
    "noise": (noise, 1, 2),
}
NAMES = tuple(_TABLE)


def functions(seed: int) -> dict[str, Function]:
    """Name → function, ``noise`` with the given seed."""
    table = {name: function for name, (function, _, _) in _TABLE.items()}
    table["noise"] = partial(noise, seed)
    return table


def check_call(name: str, count: int, key: str, source: str) -> None:
    """Raise ConfigError unless ``name`` takes ``count`` arguments."""
    _, low, high = _TABLE[name]
    if not low <= count <= high:
        takes = f"{low}" if low == high else f"{low} to {high}"
        raise ConfigError(key, source, f"{name}() takes {takes} numbers, not {count}")

"""A file of signals: levels and beats, so many rows a second, as a live session recorded them or another program did.

It is text: the first line ``# 48 rows per second``, then ``bass,mid,treble,loud,beat`` and rows of numbers from 0 to 1;
a beat falls on each row whose last number is above 0.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.runtime.files import check_regular, format_bytes
from pipeline.timing.beat_grid import Grid, even_grid
from pipeline.timing.signals import LEVELS, Signals, SongSignals

KEY = "audio.signals"
COLUMNS = (*LEVELS, "beat")
RATE_LINE = re.compile(r"# (\d{1,4}(?:\.\d{1,17})?) rows per second")
MAX_BYTES = 64_000_000  # six hours of 96 rows a second
MAX_ROWS_PER_SECOND = 1000.0
DIGITS = 3


@dataclass(frozen=True)
class RecordedSignals:
    """``levels`` by name have ``rate`` values a second from second 0 on; ``beats`` are the numbers of their rows."""

    rate: float
    levels: dict[str, NDArray[np.float32]]
    beats: tuple[int, ...]

    def as_signals(self, attack: float, release: float, bpm: float, beats_per_bar: int) -> Signals:
        """What a score can follow; at a tempo of ``bpm`` where there are fewer than two beats."""
        song = SongSignals(self.levels, self.rate, 0.0, {}, [0.0])
        return Signals(grid_of(self.beats, self.rate, bpm, beats_per_bar), attack, release, song)


def grid_of(rows: tuple[int, ...] | list[int], rate: float, bpm: float, beats_per_bar: int) -> Grid:
    """The grid of the beats on these rows; the first one starts a bar."""
    if len(rows) < 2:
        return even_grid(bpm, beats_per_bar, rows[0] / rate if rows else 0.0)
    return Grid([row / rate for row in rows], 0, beats_per_bar)


def head(rate: float) -> str:
    """The first two lines of a file."""
    return f"# {rate!r} rows per second\n{','.join(COLUMNS)}\n"


def read_signals(written: str) -> RecordedSignals:
    """The signals in a file. Raises InputError."""
    path, named = Path(written), f"{KEY}={written}"
    check_regular(path, named)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{named}: it has {format_bytes(size)}; allowed are {format_bytes(MAX_BYTES)}")
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{named}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{named}: it is not UTF-8 text") from error
    match = RATE_LINE.fullmatch(lines[0].strip()) if lines else None
    if match is None or not 1 <= float(match[1]) <= MAX_ROWS_PER_SECOND:
        raise InputError(f"{named}: its first line is not as '# 48 rows per second', with 1 to {MAX_ROWS_PER_SECOND:g}")
    if len(lines) < 3 or lines[1].strip() != ",".join(COLUMNS):
        raise InputError(f"{named}: its second line is not {','.join(COLUMNS)}, or no rows follow")
    try:
        table = np.array([[float(cell) for cell in line.split(",")] for line in lines[2:]], np.float32)
    except ValueError as error:
        raise InputError(f"{named}: a row does not have {len(COLUMNS)} numbers ({error})") from error
    if table.ndim != 2 or table.shape[1] != len(COLUMNS) or not (table >= 0).all() or not (table <= 1).all():
        raise InputError(f"{named}: each row needs {len(COLUMNS)} numbers from 0 to 1")
    beats = tuple(np.flatnonzero(table[:, -1]).tolist())
    return RecordedSignals(float(match[1]), dict(zip(LEVELS, table.T.copy(), strict=False)), beats)

"""Markers that another program wrote for a song: named cues, beats, bars. Their seconds are the song's."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from pipeline.errors import ConfigError, InputError
from pipeline.runtime.files import check_regular, format_bytes
from pipeline.timing import marker_tables, marker_timelines, marker_xml

KEY = "audio.markers"
COLLECTION_BYTES, TIMELINE_BYTES, TEXT_BYTES, MIDI_BYTES = 64_000_000, 16_000_000, 4_000_000, 1_000_000
MAX_BYTES = {".xml": COLLECTION_BYTES, ".nml": COLLECTION_BYTES, ".otio": TIMELINE_BYTES}
MAX_BYTES |= {".mid": MIDI_BYTES, ".midi": MIDI_BYTES}
Cue = tuple[float, str]

READERS: dict[str, Callable[[bytes, Fraction, str], tuple[list[Cue], list[float], list[float]]]] = {
    ".txt": lambda data, fps, song: _split_beats(marker_tables.labels(data)),
    ".csv": lambda data, fps, song: _split_beats(marker_tables.table(data)),
    ".tsv": lambda data, fps, song: _split_beats(marker_tables.table(data)),
    ".xml": lambda data, fps, song: marker_xml.collection(data, song),
    ".nml": lambda data, fps, song: marker_xml.collection(data, song),
    ".mid": lambda data, fps, song: marker_tables.midi(data),
    ".midi": lambda data, fps, song: marker_tables.midi(data),
    ".edl": lambda data, fps, song: (marker_timelines.edit_list(data.decode("utf-8", "replace"), fps), [], []),
    ".otio": lambda data, fps, song: (marker_timelines.timeline(data), [], []),
}
"""Suffix → reader: (content, frame rate, path of the song) → (cues, beats, those beats that start bars)."""


@dataclass(frozen=True)
class Markers:
    """``cues`` in order of time, each name once; ``beats`` and, of these, ``bars`` where the file has them."""

    cues: tuple[Cue, ...] = ()
    beats: tuple[float, ...] = ()
    bars: tuple[float, ...] = ()

    @property
    def beats_per_bar(self) -> int | None:
        """The usual number of beats between two bars; None where the file does not tell."""
        if len(self.bars) < 2:
            return None
        spans = pairwise(self.bars[:8])
        counts = [sum(first <= beat + 1e-6 < end for beat in self.beats) for first, end in spans]
        return max(set(counts), key=counts.count)


def read_markers(written: str, fps: Fraction, song: str | None) -> Markers:
    """The markers in a file; of a DJ's collection those of the file ``song``. Raises InputError, ConfigError."""
    path, named = Path(written), f"{KEY}={written}"
    check_regular(path, named)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(KEY, written, f"markers are read from {', '.join(READERS)}")
    size, max_bytes = path.stat().st_size, MAX_BYTES.get(path.suffix.lower(), TEXT_BYTES)
    if size > max_bytes:
        raise InputError(f"{named}: it has {format_bytes(size)}; allowed are {format_bytes(max_bytes)}")
    try:
        cues, beats, bars = reader(path.read_bytes(), fps, song or "")
        marker_tables.check_count(cues, beats)
    except OSError as error:
        raise InputError(f"{named}: it cannot be read: {error.strerror}") from error
    except marker_tables.MarkerError as error:
        raise InputError(f"{named}: {error}") from error
    if not cues and len(beats) < 2:
        raise InputError(f"{named}: it has neither named markers nor beats")
    return Markers(_named_once(cues), tuple(sorted(set(beats))), tuple(sorted(set(bars))))


def _named_once(cues: list[Cue]) -> tuple[Cue, ...]:
    """In order of time; the second ``verse`` becomes ``verse 2``, or has the next free number."""
    counts, taken = dict[str, int](), set[str]()
    named = []
    for at, name in sorted(cues, key=lambda cue: cue[0]):
        name = re.sub(r"[\s:,{}\[\]\"']+", " ", name).strip()  # what has a meaning where times are written
        if name:
            unique = name
            while unique in taken:
                counts[name] = counts.get(name, 1) + 1
                unique = f"{name} {counts[name]}"
            taken.add(unique)
            named.append((at, unique))
    return tuple(named)


def _split_beats(cues: list[Cue]) -> tuple[list[Cue], list[float], list[float]]:
    """Labels that count (1 2 3 4 1 …, or ``beat`` and ``bar``) are beats; the others are cues."""
    counting = re.compile(r"beat|bar|downbeat|\d{1,2}(\.\d)?", re.IGNORECASE)
    beats = [(at, name) for at, name in cues if counting.fullmatch(name)]
    if len(beats) < 2:
        return cues, [], []
    bars = [at for at, name in beats if name.lower() in ("1", "1.0", "bar", "downbeat") or name.endswith(".1")]
    return [cue for cue in cues if not counting.fullmatch(cue[1])], [at for at, _ in beats], bars

"""Reads markers from Audacity's labels, tables of two columns, and the tempo and markers of MIDI files."""

import csv
import math
import re
from collections.abc import Sized
from io import BytesIO, StringIO
from itertools import count

MAX_SECONDS = 864_000.0
MAX_BEATS = 100_000
MAX_MARKERS = 200_000
_WHOLE, _PART = r"\d{1,15}", r"\d{0,30}"
_CLOCK = re.compile(rf"(?:({_WHOLE}):)?({_WHOLE}):({_WHOLE}(?:\.{_PART})?)|({_WHOLE}(?:\.{_PART})?|\.\d{_PART})\s*s?")


class MarkerError(Exception):
    """What is wrong with a file of markers, for the message that names it."""


def check_second(second: float) -> float:
    """The second, or MarkerError if no song has it."""
    if not 0 <= second <= MAX_SECONDS:
        raise MarkerError(f"a marker is at {second:g} seconds, outside of any song")
    return second


def check_count(*markers: Sized) -> None:
    """Raise MarkerError for more markers than any song has, while a file is read."""
    if sum(map(len, markers)) > MAX_MARKERS:
        raise MarkerError(f"it has more than {MAX_MARKERS} markers")


def clock(text: str) -> float | None:
    """Seconds in ``61.5``, ``1:01.5`` or ``0:01:01.5``; None for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds, plain = match.groups()
    return check_second(float(plain) if plain else int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds))


def decode(data: bytes) -> str:
    """Text in UTF-8 or, with its mark, UTF-16. Raises MarkerError."""
    is_wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise MarkerError("it is no text in UTF-8") from None


def labels(data: bytes) -> list[tuple[float, str]]:
    """Audacity's labels: start, end and name, separated by tabs."""
    cues = []
    for number, line in enumerate(decode(data).splitlines(), 1):
        if not line.strip() or line.startswith("\\"):  # a line of frequencies
            continue
        start, _, rest = line.partition("\t")
        at = clock(start.replace(",", "."))
        if at is None or not rest:
            raise MarkerError(f"line {number} is no label: start, end and name, separated by tabs")
        cues.append((at, rest.split("\t", 1)[-1].strip() or "label"))
        check_count(cues)
    return cues


def table(data: bytes) -> list[tuple[float, str]]:
    """A table of times and names: in a row the first time, and the first other text or number after it."""
    text = decode(data)
    first = text.split("\n", 1)[0]
    separator = max("\t;,", key=first.count)
    cues = []
    try:
        for number, row in enumerate(csv.reader(StringIO(text, newline=""), delimiter=separator), 1):
            cells = [cell.strip() for cell in row if cell.strip()]
            at = next((index for index, cell in enumerate(cells) if clock(cell) is not None), None)
            if at is None or len(cells) < 2:
                if number > 1 and cells:
                    raise MarkerError(f"row {number} has no time and name, as 61.5,drop or 1:01.5,drop")
                continue  # the heading
            name = cells[0] if at else next((cell for cell in cells[1:] if clock(cell) is None), cells[1])
            cues.append((clock(cells[at]) or 0.0, name))
            check_count(cues)
    except csv.Error as error:
        raise MarkerError(f"it is no table: {error}") from None
    return cues


def midi(data: bytes) -> tuple[list[tuple[float, str]], list[float], list[float]]:
    """The markers of a MIDI file, and beats and bars from its tempo and metre."""
    from mido import MidiFile, tick2second

    try:
        file = MidiFile(file=BytesIO(data))
    except Exception as error:  # mido has no class of its own for what it cannot read
        raise MarkerError(f"it is no MIDI file that can be read ({error})") from None
    if not 0 < file.ticks_per_beat < 1 << 15:
        raise MarkerError("its clock counts frames, not beats")
    events = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            events.append((tick, message))
    events.sort(key=lambda event: event[0])
    tempo, beats_per_bar, quarter, tick, second = 500_000, 4, 1.0, 0, 0.0
    cues, beats, bars, bar_start, next_beat = [], list[float](), list[float](), 0.0, 0.0
    for at, message in events:
        step = quarter * file.ticks_per_beat
        while next_beat < at or (next_beat == at and message is events[-1][1]):
            here = check_second(second + tick2second(next_beat - tick, file.ticks_per_beat, tempo))
            beats.append(here)
            if round((next_beat - bar_start) / step) % beats_per_bar == 0:
                bars.append(here)
            next_beat += step
            if len(beats) > MAX_BEATS:
                raise MarkerError(f"it has more than {MAX_BEATS} beats")
        second += tick2second(at - tick, file.ticks_per_beat, tempo)
        tick = at
        if message.type == "set_tempo":
            tempo = message.tempo
        elif message.type == "time_signature":
            if not message.numerator:
                raise MarkerError("it has a metre of 0 beats in a bar")
            beats_per_bar, quarter = message.numerator, 4 / message.denominator
            bar_start = next_beat = at
        elif message.type in ("marker", "cue_marker") and message.text.strip():
            cues.append((check_second(second), _midi_text(message.text)))
    return cues, beats, bars


def _midi_text(text: str) -> str:
    """A name as the program wrote it: in UTF-8, or in Latin-1, as which mido reads it."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return text


def even_beats(start: float, bpm: float, end: float) -> list[float]:
    """Beats of ``bpm`` from second ``start`` to before ``end``. Raises MarkerError for an impossible tempo."""
    if not (math.isfinite(bpm) and 20 <= bpm <= 400):
        raise MarkerError(f"it has a tempo of {bpm:g} beats a minute; allowed is 20 to 400")
    beats: list[float] = []
    for number in count():
        at = start + number * 60 / bpm
        if at >= end or number > MAX_BEATS:
            return beats
        beats.append(check_second(at))
    return beats

"""Reads the markers of editors' timelines: edit decision lists (CMX 3600) and OpenTimelineIO."""

import json
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from pipeline.timing.marker_tables import MarkerError, check_count, check_second

MAX_DEPTH = 60
MAX_LINE_CHARS = 500
_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;.]\d\d")
_AVID = re.compile(rf"^\*\s*LOC:\s*({_TIMECODE.pattern})\s+\S+\s*(.*)$")
_RESOLVE = re.compile(r"\|M:([^|]*)")
_CLIP = re.compile(r"^\*\s*(?:FROM|TO) CLIP NAME:\s*(.*)$")


def edit_list(text: str, fps: Fraction) -> list[tuple[float, str]]:
    """Its markers (of Avid and Resolve); without any, its events under their clips' names.

    Timecode counts frames of the film's rate. Lists often begin at 01:00:00:00: whole hours before all markers go.
    """
    markers, events, at = list[tuple[float, str]](), list[tuple[float, str]](), None
    is_drop = "FCM: DROP" in text
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if len(line) > MAX_LINE_CHARS:
            raise MarkerError(f"line {number} has more than {MAX_LINE_CHARS} characters")
        check_count(markers, events)
        words = line.split()
        if len(words) >= 8 and words[0].isdecimal() and all(map(_TIMECODE.fullmatch, words[-4:])):
            at = _seconds(words[-2], fps, is_drop)
            events.append((at, f"event {words[0].lstrip('0') or '0'}"))
        elif match := _AVID.match(line):
            markers.append((_seconds(match[1], fps, is_drop), match[2] or "marker"))
        elif (match := _RESOLVE.search(line)) and at is not None:
            markers.append((at, match[1].strip() or "marker"))
        elif (match := _CLIP.match(line)) and events and match[1]:
            events[-1] = (events[-1][0], match[1].strip())
    cues = markers or events
    if not cues:
        raise MarkerError("it is no edit decision list: there is no event in it")
    first = 3600 * math.floor(min(second for second, _ in [*markers, *events]) / 3600 + 1e-9)
    return [(check_second(second - first), name) for second, name in cues]


def _seconds(timecode: str, fps: Fraction, is_drop: bool) -> float:
    hours, minutes, seconds, frames = map(int, re.split("[:;.]", timecode))
    nominal = round(fps)
    count = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if is_drop or ";" in timecode:
        whole = hours * 60 + minutes
        count -= round(nominal / 15) * (whole - whole // 10)
    return float(count / fps)


def timeline(data: bytes) -> list[tuple[float, str]]:
    """The markers of an OpenTimelineIO timeline, wherever they are attached. Raises MarkerError."""
    try:
        root = json.loads(data)
        if not isinstance(root, dict) or "OTIO_SCHEMA" not in root:
            raise MarkerError("it is no OpenTimelineIO file")
        cues = list[tuple[float, str]]()
        for at, name in _walk(root.get("tracks", root), 0.0):
            cues.append((check_second(at), name))
            check_count(cues)
        return cues
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise MarkerError(f"it is damaged ({type(error).__name__}: {str(error)[:80]})") from None


def _walk(item: dict[str, Any], at: float, depth: int = 0) -> Iterator[tuple[float, str]]:
    """Markers of an item that begins at second ``at``, and of all in it."""
    if depth > MAX_DEPTH:
        raise MarkerError("it is too deeply nested")
    source = item.get("source_range")
    start = _time(source["start_time"]) if source else 0.0
    for marker in item.get("markers") or ():
        yield at - start + _time(marker["marked_range"]["start_time"]), str(marker.get("name") or "marker")
    is_track = str(item.get("OTIO_SCHEMA")).startswith("Track.")
    for child in item.get("children") or ():
        yield from _walk(child, at - start, depth + 1)
        if is_track and not str(child.get("OTIO_SCHEMA")).startswith("Transition."):
            at += _length(child)


def _length(item: dict[str, Any]) -> float:
    media = item.get("media_reference") or (item.get("media_references") or {}).get("DEFAULT_MEDIA") or {}
    span = item.get("source_range") or media.get("available_range")
    if span:
        return _time(span["duration"])
    lengths = [_length(child) for child in item.get("children") or ()]
    return sum(lengths) if str(item.get("OTIO_SCHEMA")).startswith("Track.") else max(lengths, default=0.0)


def _time(time: dict[str, Any]) -> float:
    second = float(time["value"]) / float(time["rate"])
    if not math.isfinite(second):
        raise ValueError(f"time {second}")
    return second

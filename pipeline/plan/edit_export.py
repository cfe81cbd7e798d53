"""A film as editors know it: shots, transitions and cues as OpenTimelineIO, an edit decision list or a table. No torch.

Clips are ranges of the finished film as it is shown, cut in the middle of its transitions, which are rendered into it
already; so these are notes. The range of a shot's footage is noted as well.
"""

import csv
import json
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

from pipeline.plan.film_pieces import Piece, cues, pieces
from pipeline.plan.film_plan import FilmPlan
from pipeline.timing.timecode import show_time


def as_csv(plan: FilmPlan) -> str:
    """A table: a row for each shot and cue."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "kind",
            "name",
            "start",
            "end",
            "first_frame",
            "end_frame",
            "transition",
            "source",
            "source_start",
            "source_end",
        ]
    )
    for piece in pieces(plan):
        source = [piece.source[0], *(f"{at:.6f}" for at in piece.source[1:])] if piece.source else ["", "", ""]
        span = [f"{float(frame / plan.shown_fps):.6f}" for frame in (piece.first, piece.end)]
        writer.writerow(["shot", piece.name, *span, piece.first, piece.end, piece.transition, *source])
    for frame, name in cues(plan):
        writer.writerow(["cue", name, f"{float(frame / plan.shown_fps):.6f}", "", frame, "", "", "", "", ""])
    return text.getvalue()


def as_edl(plan: FilmPlan) -> str:
    """An edit decision list (CMX 3600) of the finished film, whose record begins at 01:00:00:00."""
    nominal = round(plan.shown_fps)
    lines = [f"TITLE: {_line(plan.title)}", "FCM: NON-DROP FRAME", ""]
    marks = cues(plan)
    for number, piece in enumerate(pieces(plan), 1):
        span = [_timecode(frame, nominal) for frame in (piece.first, piece.end)]
        record = [_timecode(frame + 3600 * nominal, nominal) for frame in (piece.first, piece.end)]
        lines += [f"{number:03}  AX       V     C        {' '.join([*span, *record])}"]
        lines += [f"* FROM CLIP NAME: {_line(piece.name)}", f"* SOURCE FILE: {_line(str(plan.outputs.film))}"]
        if piece.mixed:
            lines.append(f"* TRANSITION IN THE FILM: {piece.transition}, {piece.mixed} frames")
        if piece.source:
            path, start, end = piece.source
            lines.append(f"* FOOTAGE: {_line(str(path))} from {show_time(start)} to {show_time(end)}")
        for frame, name in marks:
            if piece.first <= frame < piece.end:
                lines.append(f"* LOC: {_timecode(frame + 3600 * nominal, nominal)} RED     {_line(name)}")
        lines.append("")
    return "\n".join(lines)


def as_otio(plan: FilmPlan) -> str:
    """An OpenTimelineIO timeline: a track of clips, one of the song, markers."""
    fps = plan.shown_fps
    whole = _range(0, plan.film_frames, fps)
    film = _media(plan.outputs.film, whole)
    clips = [
        {
            "OTIO_SCHEMA": "Clip.1",
            "name": piece.name,
            "source_range": _range(piece.first, piece.end - piece.first, fps),
            "media_reference": film,
            "metadata": {"dream-zoom": _facts(piece)},
        }
        for piece in pieces(plan)
    ]
    tracks = [{"OTIO_SCHEMA": "Track.1", "name": "pictures", "kind": "Video", "children": clips}]
    if plan.song and plan.config.audio.kind != "none":
        span = _range(round(plan.song.start * fps), min(plan.film_frames, int(plan.song.seconds * fps)), fps)
        media = _media(plan.song.path, _range(0, round(plan.song.analysis.seconds * fps), fps))
        song = {"OTIO_SCHEMA": "Clip.1", "name": plan.song.path.name, "source_range": span, "media_reference": media}
        tracks.append({"OTIO_SCHEMA": "Track.1", "name": "song", "kind": "Audio", "children": [song]})
    markers = [
        {"OTIO_SCHEMA": "Marker.2", "name": name, "color": "RED", "marked_range": _range(frame, 0, fps)}
        for frame, name in cues(plan)
    ]
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": tracks, "markers": markers}
    timeline = {"OTIO_SCHEMA": "Timeline.1", "name": plan.title, "global_start_time": None, "tracks": stack}
    return json.dumps(timeline, indent=1, ensure_ascii=False) + "\n"


def _facts(piece: Piece) -> dict[str, Any]:
    facts: dict[str, Any] = {"transition": piece.transition, "transition_frames": piece.mixed}
    if piece.source:
        facts |= {"footage": str(piece.source[0]), "footage_start": piece.source[1], "footage_end": piece.source[2]}
    return facts


def _media(path: Path, available: dict[str, Any]) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(path), "available_range": available}


def _range(first: int, count: int, fps: Fraction) -> dict[str, Any]:
    def time(frames: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(fps), "value": float(frames)}

    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(first), "duration": time(count)}


def _timecode(frame: int, nominal: int) -> str:
    seconds, frames = divmod(frame, nominal)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"


def _line(text: str) -> str:
    return " ".join(text.split())

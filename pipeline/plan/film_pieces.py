"""What a film consists of along its time: its shots without gaps, and its cues. No torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from pipeline.plan import shot_list
from pipeline.plan.film_plan import FilmPlan


@dataclass(frozen=True)
class Piece:
    """A shot's frames ``first`` to ``end`` in the film; ``mixed`` of them lie in the transition before it.

    ``source`` are its footage and the first and last second of it.
    """

    name: str
    first: int
    end: int
    transition: str
    mixed: int
    source: tuple[Path, float, float] | None


def pieces(plan: FilmPlan) -> list[Piece]:
    """The shots of the film as it is shown, without gaps. Backwards they come in turn from the last one."""
    dreamed = dreamed_pieces(plan)
    return dreamed if plan.playback is None else list(_shown(plan, dreamed))


def dreamed_pieces(plan: FilmPlan) -> list[Piece]:
    """The shots of a film as they are dreamed, in order."""
    names = _names(plan)
    begins, begin = [], 0
    for shot in plan.shots:
        begins.append(begin - shot.handles.head)
        begin += shot.frames - shot.handles.hidden
    starts = [at + shot.handles.head - shot.handles.head // 2 for at, shot in zip(begins, plan.shots, strict=True)]
    result = []
    for number, shot in enumerate(plan.shots):
        first, end = max(0, starts[number]), starts[number + 1] if number + 1 < len(starts) else plan.frames
        source = None
        if shot.footage:
            start = shot.footage.start + float((first - begins[number]) / plan.fps)
            source = (shot.footage.clip.path, start, start + float((end - first) / plan.fps))
        result.append(Piece(names[number], first, end, shot.handles.transition, shot.handles.head, source))
    return result


def cues(plan: FilmPlan) -> list[tuple[int, str]]:
    """(shown frame, name) of the cues in the film; without markers, of the song's sections.

    Under a song that is heard they are where the song has them; else they go with the pictures.
    """
    named = [(at, name) for name, at in plan.signals.grid.cues.items()]
    if not named and plan.song:
        sections = plan.song.sections(plan.config.audio, plan.signals.grid)
        named = [(at, f"section {chr(ord('A') + kind % 26)}") for at, kind in sections]
    shown = sorted((second, name) for at, name in named for second in seconds_shown(plan, at))
    frames = [(round(second * plan.shown_fps), name) for second, name in shown]
    return [(frame, name) for frame, name in frames if 0 <= frame < plan.film_frames]


def seconds_shown(plan: FilmPlan, second: float) -> list[float]:
    """When what the music has at a ``second`` happens in the film: then, under a song that plays; else when the
    pictures of this second are shown.
    """
    has_song = plan.song is not None and plan.config.audio.kind != "none"
    return [second] if plan.playback is None or has_song else plan.playback.seconds_shown(second)


def _shown(plan: FilmPlan, dreamed: list[Piece]) -> Iterator[Piece]:
    assert plan.playback is not None
    nearest, positions, fps = plan.playback.nearest, plan.playback.positions, float(plan.fps)

    def number_of(shown: int) -> int:
        return next(number for number, piece in enumerate(dreamed) if piece.first <= nearest[shown] < piece.end)

    before: int | None = None
    for number, group in groupby(range(len(nearest)), number_of):
        shown, piece = list(group), dreamed[number]
        first, end = shown[0], shown[-1] + 1
        frames = nearest[first:end]
        source = piece.source
        if source is not None:
            start = source[1] + (min(frames) - piece.first) / fps
            source = (source[0], start, start + (max(frames) + 1 - min(frames)) / fps)
        transition, mixed = ("cut", 0) if before is None else (piece.transition, piece.mixed)
        if before is not None and abs(number - before) == 1:  # the transition is that of the later one
            later, speed = dreamed[max(number, before)], abs(positions[first] - positions[first - 1])
            transition, mixed = later.transition, round(later.mixed / speed)
        yield replace(piece, first=first, end=end, transition=transition, mixed=mixed, source=source)
        before = number


def _names(plan: FilmPlan) -> list[str]:
    entries: list[tuple[str, Mapping[str, Any]]] = list(shot_list.entries(plan.config)) if plan.config.film else []
    given = [entry.get("name") for _, entry in entries] if len(entries) == len(plan.shots) else []
    return [str(name or f"shot {n}") for n, name in enumerate(given or [None] * len(plan.shots), 1)]

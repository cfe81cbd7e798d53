"""The names along a film, for chapters and subtitles: its shots, cues or targets."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import groupby

from pipeline.media.encode.captions import Caption
from pipeline.plan.film_pieces import cues, dreamed_pieces
from pipeline.plan.film_plan import FilmPlan
from pipeline.segments.shot_render import ShotRender

LABELS_PER_SECOND = 8.0  # at which the names of targets are looked up
MAX_CAPTION_CHARS = 200

Name = Callable[[int], tuple[int, str]]
"""Number of a shown frame → what it is part of: a number that tells namesakes apart, and the text."""


def captions(plan: FilmPlan, shots: Mapping[int, ShotRender], kind: str) -> tuple[Caption, ...]:
    """The film's shots, cues or targets with the time that each lasts; nothing for the kind ``none``.

    In a film that is shown otherwise than it is dreamed, shots and targets are those of the frames.
    """
    if kind == "none" or (kind == "cues" and not cues(plan)):
        return ()
    name = _by_cue(plan) if kind == "cues" else _by_frame(plan, shots, kind)
    frames, at, result = groupby(range(plan.shown_frames), name), 0, list[Caption]()
    for (_, text), span in frames:
        end = at + len(list(span))
        result.append(Caption(float(at / plan.shown_fps), float(end / plan.shown_fps), text[:MAX_CAPTION_CHARS]))
        at = end
    return tuple(result)


def _by_cue(plan: FilmPlan) -> Name:
    marks = [(0, plan.title), *cues(plan)]  # a player lists no time before the first chapter

    def name(shown: int) -> tuple[int, str]:
        return max((number, text) for number, (frame, text) in enumerate(marks) if frame <= shown)

    return name


def _by_frame(plan: FilmPlan, shots: Mapping[int, ShotRender], kind: str) -> Name:
    """By shot, or by the strongest target; a fade counts to the target that goes."""
    spans, positions = dreamed_pieces(plan), plan.playback.positions if plan.playback else range(plan.frames)
    step = max(1, round(float(plan.fps) / LABELS_PER_SECOND))

    @cache
    def target(number: int, frame: int) -> str:
        shot = shots[number].shot
        return shot.score.at(shot.clock.seconds(frame - plan.first_frame(number))).label.partition(" → ")[0]

    def name(shown: int) -> tuple[int, str]:
        frame = int(positions[shown])
        number = next(number for number, span in enumerate(spans) if span.first <= frame < span.end)
        if kind == "shots":
            return number, spans[number].name
        return 0, target(number, max(spans[number].first, frame - frame % step))

    return name

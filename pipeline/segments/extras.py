"""What lies in and next to a finished film: names along it, a preview, a cover."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.image import resize
from pipeline.media.decode.image_file import save_png
from pipeline.media.encode.captions import Caption
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import read_frames
from pipeline.media.encode.mux import assemble
from pipeline.media.encode.video_spec import VideoSpec
from pipeline.media.sound.source_audio import Audible
from pipeline.plan.delivery import cover_seconds
from pipeline.plan.film_pieces import cues, dreamed_pieces
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.frame_size import even
from pipeline.segments.shot_render import ShotRender

PREVIEW_LINES = 720
LABELS_PER_SECOND = 8.0  # at which the names of targets are looked up
MAX_CAPTION_CHARS = 200

Name = Callable[[int], tuple[int, str]]
"""Number of a shown frame → what it is part of: a number that tells namesakes apart, and the text."""
Pieces = Sequence[tuple[Path, range]]
"""(video, its frames of the film) for the whole film, in order."""


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


def make_extras(plan: FilmPlan, parts: Pieces, sound: Audible | None, record: str, folder: Path) -> None:
    """Make the files of ``encode.also``; what is only needed meanwhile goes to the work ``folder``."""
    for kind, path in plan.outputs.also.items():
        if kind == "preview":
            _make_preview(plan, parts, sound, record, path, folder)
        else:
            seconds = cover_seconds(plan)
            save_png(frame_at(parts, min(plan.shown_frames - 1, round(seconds * plan.shown_fps))), path)


def frame_at(parts: Pieces, index: int) -> Tensor:
    """Frame ``index`` of the film."""
    path, span = next((path, span) for path, span in parts if index in span)
    return next(frame for number, frame in enumerate(read_frames([path]), span.start) if number == index)


def _make_preview(plan: FilmPlan, parts: Pieces, sound: Audible | None, record: str, path: Path, folder: Path) -> None:
    factor = min(1.0, PREVIEW_LINES / min(plan.width, plan.height))
    width, height = (even(side, factor) for side in (plan.width, plan.height))
    encode = EncodeConfig(codec="h264", quality="good", bits="8", stall_timeout=plan.config.encode.stall_timeout)
    with Encoder(folder / "part-preview.mp4", width=width, height=height, fps=plan.shown_fps, encode=encode) as encoder:
        for frame in read_frames([part for part, _ in parts]):
            encoder.write(resize(frame[:, :3], (height, width)).clamp(0, 1))
    film = VideoSpec(
        path,
        encode=encode,
        width=width,
        height=height,
        fps=plan.shown_fps,
        frames=plan.shown_frames,
        record=record,
        title=plan.title,
        overwrite=True,  # checked before the render
        is_sphere=plan.config.frame.projection == "equirect",
    )
    try:
        assemble([encoder.part], film, sound=sound)
    finally:
        encoder.part.unlink(missing_ok=True)

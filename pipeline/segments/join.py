"""Joins finished shots into one video, with transitions, sound, contact sheet and record."""

import logging
import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from pipeline.errors import EncoderError, InputError, OutputError
from pipeline.image import from_array
from pipeline.media.decode.probe import read_frame
from pipeline.media.encode.codecs import segment_suffix
from pipeline.media.encode.contact_sheet import ContactSheet
from pipeline.media.encode.mux import VideoSpec, assemble, read_record
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.sound import plan_sound
from pipeline.runtime.files import write_bytes
from pipeline.segments import record
from pipeline.segments.shot_render import ShotRender, encoder
from pipeline.segments.transition import TransitionPiece, make_transition
from pipeline.segments.workdir import WorkFolder, may_replace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilmFiles:
    """The finished files. A part of a film has neither poster nor record."""

    video: Path
    poster: Path | None = None
    record: Path | None = None

    def existing(self) -> list[Path]:
        """Those that there are."""
        return [path for path in (self.video, self.poster, self.record) if path is not None]


def join_film(plan: FilmPlan, shots: Sequence[ShotRender], folder: WorkFolder) -> FilmFiles:
    """The film with poster and record under their names; then the work folder goes, unless it is to be kept."""
    files = _files(plan, shots, folder)
    facts = record.film_record(plan, [_shot_record(shot) for shot in shots])
    ends = list(accumulate(count for _, count in files))
    poster = ContactSheet(plan.frames, fps=float(plan.fps))
    for index in poster.indices:
        number = bisect_right(ends, index)
        path, count = files[number]
        poster.add(index, from_array(read_frame(path, index - ends[number] + count) / 255.0))
    outputs = plan.outputs
    text = record.as_text(facts)
    _assemble(plan, [path for path, _ in files], outputs.video, text, announce=folder.announce)
    poster.save(outputs.poster)
    write_bytes(outputs.record, record.as_text({**facts, "speed": _speed(shots)}).encode())
    if plan.config.keep_segments:
        folder.sign()
    else:
        folder.remove()
    return FilmFiles(outputs.film, outputs.poster, outputs.record)


def join_part(plan: FilmPlan, shot: ShotRender) -> FilmFiles:
    """The video of ``plan.segments`` only; the work folder stays."""
    assert plan.segments is not None
    layout, outputs = shot.store.layout, plan.outputs
    first, stop = layout.first(plan.segments.start), min(plan.frames, layout.first(plan.segments.stop))
    numbers = f"{first}-{stop - 1}"
    if outputs.film == outputs.video:
        video = existing = outputs.video.with_name(f"{outputs.video.stem}.{numbers}{outputs.video.suffix}")
    else:  # numbered images, in a folder of their own
        existing = outputs.film.with_name(f"{outputs.film.name}-{numbers}")
        video = existing / outputs.video.name if outputs.video.suffix else existing
    text = record.as_text(record.film_record(plan, [shot.record]))
    if os.path.lexists(existing) and not plan.config.overwrite and not _has_record(video, text):
        raise OutputError(f"{existing} exists already; give overwrite=true to replace it, or another output=")
    _assemble(plan, [shot.store.path(number) for number in plan.segments], video, text, frames=stop - first)
    return FilmFiles(video)


def _files(plan: FilmPlan, shots: Sequence[ShotRender], folder: WorkFolder) -> list[tuple[Path, int]]:
    """(video, number of frames) of everything in the film, in order. Renders the transitions."""
    files: list[tuple[Path, int]] = []
    for number, shot in enumerate(shots):
        handles = shot.plan.handles
        if handles.head:
            tail, head = shots[number - 1].tail(), shot.head()
            piece = TransitionPiece(handles.transition, handles.head, tail, head, repr(plan.config.encode))
            path = folder.path / f"seam-{number + 1:03}{segment_suffix(plan.config.encode.codec)}"
            files.append((make_transition(piece, path, encoder(shot.plan, path, False)), handles.head))
        files += shot.files()
    return files


def _shot_record(shot: ShotRender) -> dict[str, Any]:
    """The record of a shot, with the tile size if memory ran out on the way."""
    checkpoint = shot.store.last_checkpoint()
    configured = str(shot.plan.config.dream.tile)
    tile = checkpoint[1].get("tile", configured) if checkpoint else configured
    return shot.record if tile == configured else {**shot.record, "device": {**shot.record["device"], "tile": tile}}


def _has_record(video: Path, text: str) -> bool:
    try:
        return read_record(video) == text
    except InputError:
        return False


def _assemble(
    plan: FilmPlan,
    segments: list[Path],
    video: Path,
    text: str,
    *,
    frames: int | None = None,
    announce: Callable[[Path], None] = lambda fresh: None,
) -> None:
    """Join the segments with the film's sound, or as much of it as can be read; a part of ``frames`` has none."""
    sound = plan_sound(plan) if frames is None else None
    film = VideoSpec(
        video,
        encode=plan.config.encode,
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        frames=plan.frames if frames is None else frames,
        record=text,
        title=plan.title,
        overwrite=frames is not None or may_replace(plan.outputs, plan.config),
    )
    join = partial(assemble, segments, film, before_rename=announce)
    try:
        join(sound=sound)
        return
    except EncoderError as error:
        if sound is None:
            raise
        first_error = error
    try:
        join(sound=sound, strict=False)
        log.warning(f"only the readable part of the sound is used ({first_error})")
    except EncoderError as error:
        log.warning(f"the sound cannot be added and is left out ({error})")
        join(sound=None)


def _speed(shots: Sequence[ShotRender]) -> dict[str, float | int]:
    """How long the frames took, over all runs."""
    seconds = sum(entry.seconds for shot in shots for entry in shot.store.entries.values())
    frames = sum(shot.plan.frames for shot in shots)
    return {"frames": frames, "seconds": round(seconds, 2), "frames_per_second": round(frames / max(seconds, 1e-9), 3)}

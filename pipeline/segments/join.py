"""Joins finished shots into one video, with transitions, sound, contact sheet and record."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.media.encode.codecs import segment_suffix
from pipeline.media.encode.contact_sheet import ContactSheet
from pipeline.media.encode.lossless import SUFFIX, read_frames, read_pictures
from pipeline.media.encode.mux import assemble
from pipeline.media.encode.video_spec import VideoSpec
from pipeline.media.sound.loudness import at_loudness
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.sound import plan_sound
from pipeline.runtime.files import move_into_place, write_bytes
from pipeline.runtime.interrupt import Stop
from pipeline.segments import record, request
from pipeline.segments.film_captions import captions
from pipeline.segments.playback import DreamedFrames, play
from pipeline.segments.preview_and_cover import make_preview_and_cover
from pipeline.segments.shot_render import ShotRender, encoder
from pipeline.segments.transition import TransitionPiece, make_transition
from pipeline.segments.workdir import WorkFolder, may_replace


@dataclass(frozen=True)
class FilmFiles:
    """The finished files. A part of a film has neither poster nor record."""

    video: Path
    poster: Path | None = None
    record: Path | None = None
    also: tuple[Path, ...] = ()

    def existing(self) -> list[Path]:
        """Those that there are."""
        return [path for path in (self.video, self.poster, self.record, *self.also) if path is not None]


def join_film(plan: FilmPlan, shots: Sequence[ShotRender], folder: WorkFolder, stop: Stop) -> FilmFiles:
    """The film with poster and record under their names; then the work folder goes, unless it is to be kept.

    Raises Interrupted while frames are shown in another order or speed.
    """
    pieces = list(_pieces(plan, dict(enumerate(shots)), folder, range(plan.frames)))
    if plan.playback is not None:
        pieces = list(_played(plan, pieces, folder, stop))
    facts = {**record.film_record(plan, [_shot_record(shot) for shot in shots]), **_other_machines(shots)}
    poster = ContactSheet(plan.shown_frames, fps=float(plan.shown_fps))
    for path, span in pieces:
        indices = sorted(index - span.start for index in poster.indices if index in span)
        for index, frame in zip(indices, read_pictures(path, indices, plan.config.encode), strict=True):
            poster.add(span.start + index, frame)
    outputs = plan.outputs
    text = record.as_text(facts)
    encode, by_number = plan.config.encode, dict(enumerate(shots))
    chapters, subtitles = (captions(plan, by_number, kind) for kind in (encode.chapters, encode.subtitles))
    with ExitStack() as stack:
        sound = stack.enter_context(at_loudness(plan_sound(plan), encode.loudness, folder.path))
        film = replace(_spec(plan, text), chapters=chapters, subtitles=subtitles)
        assemble([path for path, _ in pieces], film, sound=sound, before_rename=folder.announce)
        make_preview_and_cover(plan, pieces, sound, text, folder.path)
    poster.save(outputs.poster)
    made = {"request": request.digest(plan.request), "speed": _speed(shots)}
    write_bytes(outputs.record, record.as_text({**facts, **made}).encode())
    if plan.config.keep_segments:
        folder.sign()
    else:
        folder.remove()
    return FilmFiles(outputs.film, outputs.poster, outputs.record, tuple(outputs.also.values()))


def join_part(plan: FilmPlan, shots: Mapping[int, ShotRender], folder: WorkFolder) -> FilmFiles:
    """The video of the frames of ``plan.part``; the work folder stays."""
    part, files = plan.part or range(plan.frames), list[Path]()
    for path, span in _pieces(plan, shots, folder, part):
        first, stop = max(part.start, span.start), min(part.stop, span.stop)
        files.append(path)
        if stop - first < len(span):  # one end of the part: a piece of the segment, encoded again
            files[-1] = (
                folder.path / f"part-{len(files)}{segment_suffix(plan.config.encode.codec, plan.config.encode.alpha)}"
            )
            with encoder(plan.shots[0], files[-1], False) as cut:
                for frame in islice(read_frames([path]), first - span.start, stop - span.start):
                    cut.write(frame)
            move_into_place(cut.part, files[-1], overwrite=True)
    text = record.as_text(record.film_record(plan, [shot.record for _, shot in sorted(shots.items())]))
    assemble(files, _spec(plan, text))
    for path in folder.path.glob("part-*"):
        path.unlink()
    folder.sign_part(plan.outputs.film)
    return FilmFiles(plan.outputs.film)


def _pieces(
    plan: FilmPlan, shots: Mapping[int, ShotRender], folder: WorkFolder, part: range
) -> Iterator[tuple[Path, range]]:
    """(video, its frames of the film) of everything that holds frames of ``part``, in order. Renders transitions."""
    at = 0
    for number, shot in enumerate(plan.shots):
        head, body = shot.handles.head, shot.frames - shot.handles.hidden - shot.handles.tail
        if head and part.start < at + head and at < part.stop:
            piece = TransitionPiece(
                *(shot.handles.transition, head, shots[number - 1].tail(), shots[number].head()),
                repr(plan.config.encode),
            )
            is_lossless = plan.playback is not None
            suffix = SUFFIX if is_lossless else segment_suffix(plan.config.encode.codec, plan.config.encode.alpha)
            path = folder.path / f"seam-{number + 1:03}{suffix}"
            yield make_transition(piece, path, encoder(shot, path, is_lossless)), range(at, at + head)
        at += head
        first = at
        for path, count in shots[number].files() if first < part.stop and part.start < first + body else ():
            if part.start < first + count and first < part.stop:
                yield path, range(first, first + count)
            first += count
        at += body


def _played(
    plan: FilmPlan, pieces: list[tuple[Path, range]], folder: WorkFolder, stop: Stop
) -> Iterator[tuple[Path, range]]:
    """(video, its frames of the shown film) of a film that is shown otherwise than it is dreamed."""
    assert plan.playback is not None
    encode = plan.config.encode
    layout = (plan.config.segment, segment_suffix(encode.codec, encode.alpha), repr(replace(encode, stall_timeout=0.0)))
    frames = DreamedFrames(pieces, plan.width * plan.height)
    open_encoder = lambda path, fps: encoder(plan.shots[0], path, False, fps=fps)  # noqa: E731
    yield from play(plan.playback, frames, folder.path, open_encoder, layout, stop)


def _shot_record(shot: ShotRender) -> dict[str, Any]:
    """The record of a shot, with the tile size if memory ran out on the way."""
    checkpoint = shot.store.last_checkpoint()
    configured = str(shot.plan.config.dream.tile)
    tile = checkpoint[1].get("tile", configured) if checkpoint else configured
    return shot.record if tile == configured else {**shot.record, "device": {**shot.record["device"], "tile": tile}}


def _other_machines(shots: Sequence[ShotRender]) -> dict[str, Any]:
    """The versions and devices of workers of another kind (farm.mixed=true) that rendered segments."""
    notes = [
        path.read_text(encoding="utf-8") for shot in shots for path in sorted(shot.store.folder.glob("*.worker.json"))
    ]
    return {"other_machines": [json.loads(note) for note in dict.fromkeys(notes)]} if notes else {}


def _spec(plan: FilmPlan, text: str) -> VideoSpec:
    """The video to make of the film, or of a part of it, with its record."""
    return VideoSpec(
        plan.outputs.video,
        encode=plan.config.encode,
        width=plan.width,
        height=plan.height,
        fps=plan.shown_fps,
        frames=plan.shown_frames,
        record=text,
        title=plan.title,
        overwrite=may_replace(plan.outputs, plan.config),
        is_sphere=plan.config.frame.projection == "equirect",
    )


def _speed(shots: Sequence[ShotRender]) -> dict[str, float | int]:
    """How long the frames took, over all runs."""
    seconds = sum(entry.seconds for shot in shots for entry in shot.store.entries.values())
    frames = sum(shot.plan.frames for shot in shots)
    return {"frames": frames, "seconds": round(seconds, 2), "frames_per_second": round(frames / max(seconds, 1e-9), 3)}

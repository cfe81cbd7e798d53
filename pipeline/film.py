"""A film: its shots rendered segment by segment, joined into one finished video, with contact sheet and record.

Until it is finished it grows in a folder of its own, ``NAME.work`` beside it, from which the same command goes on.
"""

import logging
import os
from bisect import bisect_right
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

from pipeline.dream import cuda_graphs
from pipeline.errors import DreamError, EncoderError, InputError, Interrupted, OutputError
from pipeline.image import from_array
from pipeline.media.decode.probe import read_frame
from pipeline.media.encode.codecs import check_output, segment_suffix
from pipeline.media.encode.contact_sheet import Poster
from pipeline.media.encode.mux import assemble, read_record
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import selected_shots
from pipeline.plan.sound import plan_sound
from pipeline.runtime.device import choose_device, out_of_memory
from pipeline.runtime.files import write_bytes
from pipeline.runtime.interrupt import Stop
from pipeline.segments import record, request
from pipeline.segments.film_shots import Reel
from pipeline.segments.shot_render import Networks, Take, encoder
from pipeline.segments.transition import Seam, make_seam
from pipeline.segments.workdir import Folder, may_replace, work_path
from pipeline.segments.writer import Watcher

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Film:
    """Where the finished files are. A part of a film has neither poster nor record."""

    video: Path
    poster: Path | None = None
    record: Path | None = None

    def files(self) -> list[Path]:
        """All of them."""
        return [path for path in (self.video, self.poster, self.record) if path is not None]


def render(plan: FilmPlan, watchers: tuple[Watcher, ...] = ()) -> Film:
    """Render what is missing of the film. Nothing stands under its final names unless it is complete.

    Raises RenderError kinds, and Interrupted when the user stopped; what was rendered until then stays in the work
    folder, and rendering the same plan again goes on from there.
    """
    config = plan.config
    for note in plan.notes:
        log.info(note)
    device = choose_device(config.device, config.deterministic)
    networks = Networks(device, config.precision)
    with ExitStack() as stack:
        stack.callback(cuda_graphs.clear)
        folder = stack.enter_context(Folder(work_path(plan.outputs.film), plan.outputs.film))
        if plan.segments is None:  # another run may have finished the film since the plan was made
            check_output(plan.outputs.video, may_replace(plan.outputs, config), config.encode.codec)
        request.write(folder.path, plan.request)
        stop = stack.enter_context(Stop())
        reel = Reel(plan, folder, networks)
        reel.open()
        _run(reel, stop, watchers)
        if plan.segments is not None:
            return _join_part(plan, reel.whole()[0])
        missing = [number + 1 for number, take in enumerate(reel.takes) if take is None or not take.is_whole()]
        if missing:
            count = f"{len(missing)} of {len(reel.takes)} shots are"
            log.info(f"{count} still to be rendered; without shots= the same command finishes the film")
            return Film(work_path(plan.outputs.film))
        return _join(plan, reel.whole(), folder)


def _run(reel: Reel, stop: Stop, watchers: tuple[Watcher, ...]) -> None:
    """Render; says what is kept when it ends before its end."""
    plan = reel.plan
    try:
        for number in selected_shots(plan):
            name = (
                f"{plan.outputs.film.stem} {number + 1}/{len(reel.plans)}"
                if len(plan.shots) > 1
                else plan.outputs.film.stem
            )
            take = reel.find(number)
            if not take.is_whole():
                first = reel.takes[0]
                take.run(name, stop, watchers, first or take, reel.begin(number), plan.segments)
            if stop.asked and number < selected_shots(plan)[-1]:
                raise Interrupted
    except (Interrupted, KeyboardInterrupt) as error:
        kept = reel.kept()
        if not kept:
            raise Interrupted("stopped before a frame was finished; nothing was written") from error
        how = "stopped" if isinstance(error, Interrupted) else "stopped at once"
        raise Interrupted(f"{how}; {_kept(reel, kept)}") from error
    except Exception as error:
        _explain(reel, error)


def _explain(reel: Reel, error: Exception) -> NoReturn:
    """Say what is kept, then raise what went wrong."""
    kept = reel.kept()
    if kept:
        log.info(_kept(reel, kept))
    if isinstance(error, RuntimeError | MemoryError) and out_of_memory(error):
        advice = "try a smaller frame, fewer dream.octaves or precision=bfloat16"
        raise DreamError(f"the device ran out of memory; {advice}") from error
    raise error


def _kept(reel: Reel, kept: int) -> str:
    plan = reel.plan
    again = "the same command goes on from there" if plan.config.resume else "with resume=true it goes on from there"
    return f"{kept} of {reel.frames()} frames are kept in {work_path(plan.outputs.film)}, and {again}"


def _join(plan: FilmPlan, takes: list[Take], folder: Folder) -> Film:
    """The pieces as one video under its name, with poster and record; then the work folder goes."""
    pieces = _pieces(plan, takes, folder)
    facts = record.film_record(plan, [_facts(take) for take in takes])
    text = record.as_text(facts)
    ends = list(accumulate(count for _, count in pieces))
    poster = Poster(plan.frames, fps=float(plan.fps))
    for index in poster.chosen:
        number = bisect_right(ends, index)
        path, count = pieces[number]
        poster.offer(index, from_array(read_frame(path, index - ends[number] + count) / 255.0))
    _assemble(plan, [path for path, _ in pieces], plan.outputs.video, plan.frames, text, announce=folder.own)
    poster.save(plan.outputs.poster)
    write_bytes(plan.outputs.record, record.as_text({**facts, "speed": _speed(takes)}).encode())
    if plan.config.keep_segments:
        folder.sign()
    else:
        folder.remove()
    return Film(plan.outputs.film, plan.outputs.poster, plan.outputs.record)


def _pieces(plan: FilmPlan, takes: list[Take], folder: Folder) -> list[tuple[Path, int]]:
    """Every file of the film in order, with its count of frames; what lies between two shots is made now."""
    pieces: list[tuple[Path, int]] = []
    for number, take in enumerate(takes):
        handles = take.plan.handles
        if handles.head:
            seam = Seam(
                handles.transition, handles.head, takes[number - 1].tail(), take.head(), repr(plan.config.encode)
            )
            path = folder.path / f"seam-{number + 1:03}{segment_suffix(plan.config.encode.codec)}"
            pieces.append((make_seam(seam, path, encoder(plan.shots[0], path, kept=False)), handles.head))
        pieces += take.pieces()
    return pieces


def _facts(take: Take) -> dict[str, Any]:
    """The record of a shot, with the size of its tiles where memory ran out on the way."""
    own = str(take.plan.config.dream.tile)
    tile = take.shelf.notes(take.plan.frames).get("tile", own)
    return take.facts if tile == own else {**take.facts, "device": {**take.facts["device"], "tile": tile}}


def _join_part(plan: FilmPlan, take: Take) -> Film:
    """The segments of a part as a video of its own; the work folder stays for the rest."""
    assert plan.segments is not None
    shelf = take.shelf
    first, last = plan.segments.start * shelf.layout.grid, min(plan.frames, plan.segments.stop * shelf.layout.grid)
    numbers = f"{first}-{last - 1}"
    if plan.outputs.film == plan.outputs.video:
        final = plan.outputs.video.with_name(f"{plan.outputs.video.stem}.{numbers}{plan.outputs.video.suffix}")
    else:  # numbered pictures, in a folder of their own
        place = plan.outputs.film.with_name(f"{plan.outputs.film.name}-{numbers}")
        final = place / plan.outputs.video.name if plan.outputs.video.suffix else place
    segments = [shelf.path(number) for number in plan.segments]
    text = record.as_text(record.film_record(plan, [take.facts]))
    standing = final.parent if plan.outputs.film != plan.outputs.video and plan.outputs.video.suffix else final
    if os.path.lexists(standing) and not plan.config.overwrite and not _is_of(final, text):
        raise OutputError(f"{standing} exists already; give overwrite=true to replace it, or another output=")
    _assemble(plan, segments, final, last - first, text, part=True)
    return Film(final)


def _is_of(part: Path, text: str) -> bool:
    """Whether a part that stands there was made from the same record."""
    try:
        return read_record(part) == text
    except InputError:
        return False


def _assemble(
    plan: FilmPlan,
    segments: list[Path],
    final: Path,
    frames: int,
    text: str,
    *,
    part: bool = False,
    announce: Callable[[Path], None] = lambda fresh: None,
) -> None:
    """Join the segments, with what is heard under them: as much of it as can be, rather than not at all."""
    sound = None if part else plan_sound(plan)
    joining = partial(
        assemble,
        segments,
        final,
        encode=plan.config.encode,
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        frames=frames,
        record=text,
        title=plan.outputs.video.stem,
        overwrite=part or may_replace(plan.outputs, plan.config),
        announce=announce,
    )
    try:
        joining(sound=sound)
        return
    except EncoderError as error:
        if sound is None:
            raise
        first = error
    try:
        joining(sound=sound, strict=False)
        log.warning(f"what can be read of the sound is laid under the pictures ({first})")
    except EncoderError as error:
        log.warning(f"the sound could not be laid under the pictures and is left out ({error})")
        joining(sound=None)


def _speed(takes: list[Take]) -> dict[str, float | int]:
    """How long the frames took, in whichever runs they were rendered."""
    seconds = sum(entry.seconds for take in takes for entry in take.shelf.entries.values())
    frames = sum(take.plan.frames for take in takes)
    return {"frames": frames, "seconds": round(seconds, 2), "frames_per_second": round(frames / max(seconds, 1e-9), 3)}

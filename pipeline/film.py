"""A film: its shot rendered segment by segment, joined into one finished video, with contact sheet and record.

Until it is finished it grows in a folder of its own, ``NAME.work`` beside it, from which the same command goes on.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch

from pipeline import record
from pipeline.build import build_shot, over_footage
from pipeline.device import choose_device, choose_precision, device_words
from pipeline.dream import zoo
from pipeline.errors import DreamError, EncoderError, Interrupted, OutputError
from pipeline.job import Job, Watcher, cue_digest
from pipeline.media.assemble import assemble
from pipeline.media.codecs import segment_suffix
from pipeline.media.encoder import Encoder
from pipeline.media.estimate import bytes_per_frame
from pipeline.media.pixels import from_array
from pipeline.media.poster import Poster
from pipeline.media.video import read_frame
from pipeline.plan import Plan
from pipeline.progress import say
from pipeline.sheet import write
from pipeline.shot import Shot
from pipeline.stop import Stop
from pipeline.work import request
from pipeline.work import spec as specs
from pipeline.work.folder import Folder
from pipeline.work.layout import Layout
from pipeline.work.shelf import Shelf
from pipeline.work.space import check_space

COPIES = 2.1  # the segments, the film that is joined from them, and a little


@dataclass(frozen=True)
class Film:
    """Where the finished files are. A part of a film has neither poster nor record."""

    video: Path
    poster: Path | None = None
    record: Path | None = None

    def files(self) -> list[Path]:
        """All of them."""
        return [path for path in (self.video, self.poster, self.record) if path is not None]


def render(plan: Plan, watchers: tuple[Watcher, ...] = ()) -> Film:
    """Render what is missing of the film. Nothing stands under its final names unless it is complete.

    Raises RenderError kinds, and Interrupted when the user stopped; what was rendered until then stays in the work
    folder, and rendering the same plan again goes on from there.
    """
    config = plan.config
    for note in plan.notes:
        say(f"note: {note}")
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    seeing = zoo.build(config.network)
    seeing.to(device, precision, config.network.channels_last)
    shot = build_shot(plan, seeing)
    facts = record.make_record(plan, seeing.weights, device_words(device), precision)
    with ExitStack() as stack:
        folder = stack.enter_context(Folder(plan.work, plan.place))
        request.write(folder.path, config)
        stop = stack.enter_context(Stop())
        shelf = _shelf(plan, shot, facts, folder)
        shot = over_footage(plan, shot, stack, first=shelf.first(plan.frames, plan.part))
        job = Job(shot, shelf, plan.frames, partial(_encoder, plan), stop, watchers)
        _run(plan, job)
        return _join(plan, job, facts, folder)


def _shelf(plan: Plan, shot: Shot, facts: dict[str, Any], folder: Folder) -> Shelf:
    """The shot's finished segments; says what is there and what is not what it should be."""
    config = plan.config
    spec = record.frames_spec(facts, plan)
    home = folder.shot(1, spec, resume=config.resume, overwrite=config.overwrite)
    cues = cue_digest(shot, plan.scales())
    layout = Layout(config.segment, segment_suffix(config.encode.codec))
    shelf = Shelf(home, layout=layout, spec=specs.digest(spec), cues=cues)
    if shelf.changed:
        first = min(shelf.changed)
        raise OutputError(
            f"{home} holds frames for which the score asks for something else now, from frame {first} on (as do times "
            "in per cent when a film gets longer); give resume=false to render it anew, or another output="
        )
    for number in shelf.damaged:
        say(f"note: segment {number} in {home} is damaged and will be rendered again")
    kept = shelf.kept(plan.frames)
    if kept:
        say(f"note: going on: {kept} of {plan.frames} frames are there")
    missing = plan.frames - shelf.finished(plan.frames)
    size = bytes_per_frame(config.encode, plan.width, plan.height)
    tight = check_space(home, size * (missing * COPIES + plan.frames - missing))
    if tight:
        say(f"note: {tight}")
    return shelf


def _run(plan: Plan, job: Job) -> None:
    """Render; says what is kept when it ends before its end."""
    try:
        job.run(plan.place.stem, plan.part)
    except (Interrupted, KeyboardInterrupt) as error:
        kept = job.shelf.kept(plan.frames) if job.shelf.folder.is_dir() else 0
        if not kept:
            raise Interrupted("stopped before a frame was finished; nothing was written") from error
        how = "stopped" if isinstance(error, Interrupted) else "stopped at once"
        raise Interrupted(f"{how}; {_kept(plan, kept)}") from error
    except Exception as error:
        _explain(plan, job, error)


def _explain(plan: Plan, job: Job, error: Exception) -> NoReturn:
    """Say what is kept, then raise what went wrong."""
    kept = job.shelf.kept(plan.frames) if job.shelf.folder.is_dir() else 0
    if kept:
        say(f"note: {_kept(plan, kept)}")
    if isinstance(error, torch.OutOfMemoryError):
        advice = "try a smaller frame, fewer dream.octaves or precision=bfloat16"
        raise DreamError(f"the device ran out of memory; {advice}") from error
    raise error


def _kept(plan: Plan, kept: int) -> str:
    again = "the same command goes on from there" if plan.config.resume else "with resume=true it goes on from there"
    return f"{kept} of {plan.frames} frames are kept in {plan.work}, and {again}"


def _join(plan: Plan, job: Job, facts: dict[str, Any], folder: Folder) -> Film:
    """The segments as one video under its name, with poster and record; then the work folder goes."""
    config, shelf = plan.config, job.shelf
    if plan.part is not None:
        return _join_part(plan, job, facts)
    segments = [shelf.path(number) for number in range(shelf.count(plan.frames))]
    tile = shelf.notes(plan.frames).get("tile", str(config.dream.tile))
    if tile != str(config.dream.tile):  # memory ran out on the way
        facts = {**facts, "device": {**facts["device"], "tile": tile}}
    text = record.as_text(facts)
    poster = Poster(plan.frames, fps=float(plan.fps))
    for index in poster.chosen:
        number, offset = divmod(index, shelf.layout.grid)
        poster.offer(index, from_array(read_frame(segments[number], offset) / 255.0))
    with folder.joining():
        _assemble(plan, segments, plan.video, plan.frames, text)
    poster.save(plan.poster)
    write(plan.record, record.as_text({**facts, "speed": _speed(plan, shelf)}).encode())
    if config.keep_segments:
        folder.sign()
    else:
        folder.remove()
    return Film(plan.place, plan.poster, plan.record)


def _join_part(plan: Plan, job: Job, facts: dict[str, Any]) -> Film:
    """The segments of a part as a video of its own; the work folder stays for the rest."""
    assert plan.part is not None
    shelf = job.shelf
    first, last = plan.part.start * shelf.layout.grid, min(plan.frames, plan.part.stop * shelf.layout.grid)
    numbers = f"{first}-{last - 1}"
    if plan.place == plan.video:
        final = plan.video.with_name(f"{plan.video.stem}.{numbers}{plan.video.suffix}")
    else:  # numbered pictures, in a folder of their own
        place = plan.place.with_name(f"{plan.place.name}-{numbers}")
        final = place / plan.video.name if plan.video.suffix else place
    segments = [shelf.path(number) for number in plan.part]
    _assemble(plan, segments, final, last - first, record.as_text(facts), part=True)
    return Film(final)


def _assemble(plan: Plan, segments: list[Path], final: Path, frames: int, text: str, *, part: bool = False) -> None:
    """Join the segments, with the footage's sound; without it rather than not at all."""
    sound = None if part else plan.sound(plan.frames)
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
        title=plan.video.stem,
        overwrite=part or plan.replaces,
    )
    try:
        joining(sound=sound)
    except EncoderError as error:
        if sound is None:
            raise
        say(f"note: the sound could not be laid under the pictures and is left out ({error})")
        joining(sound=None)


def _speed(plan: Plan, shelf: Shelf) -> dict[str, float | int]:
    """How long the frames took, in whichever runs they were rendered."""
    seconds = sum(entry.seconds for entry in shelf.entries.values())
    rate = round(plan.frames / max(seconds, 1e-9), 3)
    return {"frames": plan.frames, "seconds": round(seconds, 2), "frames_per_second": rate}


def _encoder(plan: Plan, path: Path, lossless: bool) -> Encoder:
    encode = plan.config.encode
    return Encoder(path, width=plan.width, height=plan.height, fps=plan.fps, encode=encode, stall=encode.patience)

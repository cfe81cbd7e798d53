"""A film: its shots rendered segment by segment, joined into one finished video, with contact sheet and record.

Until it is finished it grows in a folder of its own, ``NAME.work`` beside it, from which the same command goes on.
"""

from bisect import bisect_right
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

import torch

from pipeline import record
from pipeline.cut import wanted
from pipeline.device import choose_device, choose_precision
from pipeline.errors import ConfigError, DreamError, EncoderError, Interrupted
from pipeline.job import Watcher
from pipeline.media.assemble import assemble
from pipeline.media.codecs import segment_suffix
from pipeline.media.estimate import bytes_per_frame
from pipeline.media.pixels import from_array
from pipeline.media.poster import Poster
from pipeline.media.video import read_frame
from pipeline.plan import Plan
from pipeline.progress import say
from pipeline.seam import Seam, make_seam
from pipeline.sheet import write
from pipeline.stop import Stop
from pipeline.take import Networks, Take, encoder, open_take
from pipeline.work import request
from pipeline.work.folder import Folder
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
    networks = Networks(device, choose_precision(config.precision, device))
    with ExitStack() as stack:
        folder = stack.enter_context(Folder(plan.work, plan.place))
        request.write(folder.path, config)
        stop = stack.enter_context(Stop())
        reel = Reel(plan, folder, networks)
        reel.open()
        _run(reel, stop, watchers)
        if plan.part is not None:
            return _join_part(plan, reel.whole()[0])
        missing = [number + 1 for number, take in enumerate(reel.takes) if take is None or not take.is_whole()]
        if missing:
            count = f"{len(missing)} of {len(reel.takes)} shots are"
            say(f"note: {count} still to be rendered; without shots= the same command finishes the film")
            return Film(plan.work)
        return _join(plan, reel.whole(), folder)


class Reel:
    """The shots of a film in order, each opened as soon as it is known what its frames depend on."""

    def __init__(self, plan: Plan, folder: Folder, networks: Networks) -> None:
        self.plan, self._folder, self._networks = plan, folder, networks
        self.plans = plan.shots or (plan,)
        self.takes: list[Take | None] = [None] * len(self.plans)

    def open(self) -> None:
        """Open every shot that can be; says what is there, and whether the rest will find room."""
        for number in range(len(self.plans)):
            if not self._waits_for(number):
                self.find(number)
        frames, kept = self.frames(), self.kept()
        if kept:
            say(f"note: going on: {kept} of {frames} frames are there")
        there = sum(take.shelf.finished(take.plan.frames) for take in self.takes if take is not None)
        size = bytes_per_frame(self.plan.config.encode, self.plan.width, self.plan.height)
        tight = check_space(self._folder.path, size * ((frames - there) * COPIES + there))
        if tight:
            say(f"note: {tight}")

    def find(self, number: int) -> Take:
        """The shot, opened. Raises ConfigError when it depends on one that is not rendered."""
        take = self.takes[number]
        if take is None:
            waits = self._waits_for(number)
            if waits:
                words = f"shot {number + 1} goes on from shot {waits}, which is not rendered yet"
                words += f"; give shots={waits},{number + 1}"
                raise ConfigError("shots", self.plan.config.shots, words)
            plan = self.plans[number]
            before = self.takes[number - 1] if number else None
            take = open_take(plan, self._folder, self._networks, before, self.takes[0] if number else None)
            if number + 1 < len(self.plans) and self.plans[number + 1].link.carried:
                take.shelf.want_last(plan.frames)
            self.takes[number] = take
        return take

    def frames(self) -> int:
        """How many frames there are to dream in all."""
        return sum(plan.frames for plan in self.plans)

    def kept(self) -> int:
        """How many of them need not be dreamed again."""
        return sum(take.kept() for take in self.takes if take is not None)

    def begin(self, number: int) -> int:
        """The frame of the film that the first one of a shot is."""
        return sum(plan.frames - plan.link.unshown for plan in self.plans[:number]) - self.plans[number].link.unshown

    def whole(self) -> list[Take]:
        """All shots."""
        return [take for take in self.takes if take is not None]

    def _waits_for(self, number: int) -> int:
        """The number, counted from 1, of a shot that has to be whole before this one begins; 0 for none."""
        link = self.plans[number].link
        needed = [number - 1] if link.carried else []
        needed += [0] if link.back and number else []
        for other in needed:
            take = self.takes[other]
            if take is None or not take.is_whole():
                return other + 1
        return 0


def _run(reel: Reel, stop: Stop, watchers: tuple[Watcher, ...]) -> None:
    """Render; says what is kept when it ends before its end."""
    plan = reel.plan
    try:
        for number in wanted(plan):
            name = f"{plan.place.stem} {number + 1}/{len(reel.plans)}" if plan.shots else plan.place.stem
            take = reel.find(number)
            if not take.is_whole():
                first = reel.takes[0]
                take.run(name, stop, watchers, first or take, reel.begin(number))
            if stop.asked and number < wanted(plan)[-1]:
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
        say(f"note: {_kept(reel, kept)}")
    if isinstance(error, torch.OutOfMemoryError):
        advice = "try a smaller frame, fewer dream.octaves or precision=bfloat16"
        raise DreamError(f"the device ran out of memory; {advice}") from error
    raise error


def _kept(reel: Reel, kept: int) -> str:
    plan = reel.plan
    again = "the same command goes on from there" if plan.config.resume else "with resume=true it goes on from there"
    return f"{kept} of {reel.frames()} frames are kept in {plan.work}, and {again}"


def _join(plan: Plan, takes: list[Take], folder: Folder) -> Film:
    """The pieces as one video under its name, with poster and record; then the work folder goes."""
    pieces = _pieces(plan, takes, folder)
    facts = record.film_record(plan, [_facts(take) for take in takes])
    text = record.as_text(facts)
    ends = list(accumulate(count for _, count in pieces))
    poster = Poster(plan.length, fps=float(plan.fps))
    for index in poster.chosen:
        number = bisect_right(ends, index)
        path, count = pieces[number]
        poster.offer(index, from_array(read_frame(path, index - ends[number] + count) / 255.0))
    with folder.joining():
        _assemble(plan, [path for path, _ in pieces], plan.video, plan.length, text)
    poster.save(plan.poster)
    write(plan.record, record.as_text({**facts, "speed": _speed(takes)}).encode())
    if plan.config.keep_segments:
        folder.sign()
    else:
        folder.remove()
    return Film(plan.place, plan.poster, plan.record)


def _pieces(plan: Plan, takes: list[Take], folder: Folder) -> list[tuple[Path, int]]:
    """Every file of the film in order, with its count of frames; what lies between two shots is made now."""
    pieces: list[tuple[Path, int]] = []
    for number, take in enumerate(takes):
        link = take.plan.link
        if link.head:
            seam = Seam(link.transition, link.head, takes[number - 1].tail(), take.head(), repr(plan.config.encode))
            path = folder.path / f"seam-{number + 1:03}{segment_suffix(plan.config.encode.codec)}"
            pieces.append((make_seam(seam, path, encoder(plan, path, kept=False)), link.head))
        pieces += take.pieces()
    return pieces


def _facts(take: Take) -> dict[str, Any]:
    """The record of a shot, with the size of its tiles where memory ran out on the way."""
    own = str(take.plan.config.dream.tile)
    tile = take.shelf.notes(take.plan.frames).get("tile", own)
    return take.facts if tile == own else {**take.facts, "device": {**take.facts["device"], "tile": tile}}


def _join_part(plan: Plan, take: Take) -> Film:
    """The segments of a part as a video of its own; the work folder stays for the rest."""
    assert plan.part is not None
    shelf = take.shelf
    first, last = plan.part.start * shelf.layout.grid, min(plan.frames, plan.part.stop * shelf.layout.grid)
    numbers = f"{first}-{last - 1}"
    if plan.place == plan.video:
        final = plan.video.with_name(f"{plan.video.stem}.{numbers}{plan.video.suffix}")
    else:  # numbered pictures, in a folder of their own
        place = plan.place.with_name(f"{plan.place.name}-{numbers}")
        final = place / plan.video.name if plan.video.suffix else place
    segments = [shelf.path(number) for number in plan.part]
    _assemble(plan, segments, final, last - first, record.as_text(take.facts), part=True)
    return Film(final)


def _assemble(plan: Plan, segments: list[Path], final: Path, frames: int, text: str, *, part: bool = False) -> None:
    """Join the segments, with the footage's sound; without it rather than not at all."""
    sound = None if part else plan.sound(plan.length)
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


def _speed(takes: list[Take]) -> dict[str, float | int]:
    """How long the frames took, in whichever runs they were rendered."""
    seconds = sum(entry.seconds for take in takes for entry in take.shelf.entries.values())
    frames = sum(take.plan.frames for take in takes)
    return {"frames": frames, "seconds": round(seconds, 2), "frames_per_second": round(frames / max(seconds, 1e-9), 3)}

"""One shot while it is rendered: its plan, its frames so far and the files it gives to the film."""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from pipeline.errors import OutputError
from pipeline.media.encode.codecs import segment_suffix
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import SUFFIX, lossless, read_frames, read_pictures
from pipeline.plan.chunks import plan_chunks
from pipeline.plan.playback import is_played
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.segments import fingerprint
from pipeline.segments.fingerprint import Spec
from pipeline.segments.layout import Layout
from pipeline.segments.resume import resume, warm_up_frames
from pipeline.segments.spool import CueDigest
from pipeline.segments.store import SegmentStore
from pipeline.segments.workdir import WorkFolder
from pipeline.segments.writer import FrameListener, SegmentWriter
from pipeline.shot import Shot

log = logging.getLogger(__name__)

ASYNC_DEVICES = ("cuda",)  # need not be waited for after each frame
LOOP_TOLERANCE = 0.02  # relative difference of a number at both ends of a loop that needs no note


@dataclass
class ShotRender:
    """A shot with its store of segments; ``record`` is the shot's part of the film's record."""

    plan: ShotPlan
    shot: Shot
    store: SegmentStore
    record: dict[str, Any]

    def rendered_frames(self) -> int:
        """How many frames need not be dreamed again; 0 if the folder has disappeared."""
        return self.store.rendered_frames if self.store.folder.is_dir() else 0

    def segments_of(self, frames: range) -> range:
        """The segments that hold these frames."""
        return range(self.store.layout.number(frames.start), self.store.layout.number(frames.stop - 1) + 1)

    def files(self) -> list[tuple[Path, int]]:
        """(video, number of frames) for all that goes into the film as it is."""
        handles = self.plan.handles
        return self.store.files(handles.hidden, self.plan.frames - handles.tail)

    def head(self) -> tuple[Path, ...]:
        """The lossless videos of the first frames: pre-roll and head handle."""
        return tuple(path for path, _ in self.store.files(0, self.plan.handles.hidden))

    def tail(self) -> tuple[Path, ...]:
        """The lossless videos of the tail handle."""
        frames = self.plan.frames
        return tuple(path for path, _ in self.store.files(frames - self.plan.handles.tail, frames))

    def pre_roll(self) -> Iterator[Tensor]:
        """The frames of the pre-roll, in the dream's colours, and the one after them.

        That one is coloured if the film is; then the last of the others stands in for it.
        """
        path, _ = self.files()[0]
        last = None
        for last in read_frames(self.head()):
            yield last[:, :3]
        if self.shot.grade is None or last is None:
            last = next(read_pictures(path, [0], self.plan.config.encode))
        yield last[:, :3]

    def run(
        self, name: str, shot: Shot, stop: Stop, listeners: Sequence[FrameListener], segments: range | None
    ) -> None:
        """Render what is missing, of ``segments`` only unless None; ``name`` stands before the progress bar.

        ``shot`` is this one's with its footage and its loop closure. Raises Interrupted when the user stopped.
        """
        self._show_finished(listeners)
        store, gaps = self.store, self.store.gaps(segments)
        numbers = segments or range(store.layout.count)
        total = sum(map(store.layout.length, numbers))
        missing = sum(store.layout.length(number) for gap in gaps for number in gap)
        is_async = shot.canvas.device.type in ASYNC_DEVICES
        open_encoder = partial(encoder, self.plan, from_gpu=shot.canvas.device.type == "cuda")
        pixels = self.plan.width * self.plan.height
        with (
            Progress(total, name, max(0, total - missing), self._hidden_dreams(gaps)) as progress,
            SegmentWriter(store, open_encoder, pixels, is_async, stop, listeners) as writer,
        ):
            for gap in gaps:
                position = store.position(gap.start)
                writer.write(gap, position, resume(shot, position, stop, progress), progress)

    def _hidden_dreams(self, gaps: Sequence[range]) -> dict[int, float]:
        """The frames to render that hidden dreams come before, and the work of these, in frames."""
        footage, layout = self.plan.footage, self.store.layout
        if footage is not None:
            frames = [range(layout.first(gap.start), layout.first(gap.stop)) for gap in gaps]
            scenes = (0, *footage.cuts(self.plan.frames))
            hidden = {at: float(self.plan.config.flow.warmup) for at in scenes if any(at in span for span in frames)}
            return hidden | {at: float(at - start) for at, start in layout.chunks if any(at == f.start for f in frames)}
        is_new = bool(gaps) and self.store.position(gaps[0].start).first == 0
        return {0: warm_up_frames(self.shot)} if is_new else {}

    def _show_finished(self, listeners: Sequence[FrameListener]) -> None:
        entries = {entry.file: entry for entry in self.store.entries.values()}
        for path, frames in self.files():
            entry = entries.get(path.name)
            if entry is not None and entry.frames == frames:
                for listener in listeners:
                    listener.segment(path, entry.first, frames)


def open_store(
    plan: ShotPlan, shot: Shot, folder: WorkFolder, spec: Spec, before: ShotRender | None, first: ShotRender | None
) -> SegmentStore:
    """The store of a shot with its finished segments. ``spec`` is what its frames depend on in the shot itself,
    ``before`` and ``first`` the shots that it continues and loops back to.

    Raises OutputError for frames that were rendered differently, unless they may be replaced.
    """
    config, layout = plan.config, layout_of(plan)
    spec = {**spec, **_dependencies(plan, before, first)}

    def open_folder(*, resume: bool) -> SegmentStore:
        path = folder.open_shot(plan.index + 1, spec, resume=resume, overwrite=config.overwrite)
        digest = fingerprint.digest(folder.spec(plan.index + 1))
        return SegmentStore(path, layout, digest, cue_digest(shot, plan.scales()))

    store = open_folder(resume=config.resume)
    if store.changed and config.overwrite:
        store = open_folder(resume=False)
    if store.changed:
        raise OutputError(
            f"{store.folder} holds frames with another score, from frame {min(store.changed)} on (as do times in per "
            "cent when a film gets longer); give resume=false to render it again, or another output="
        )
    for number in store.damaged:
        log.warning(f"segment {number} in {store.folder} is damaged and will be rendered again")
    return store


def layout_of(plan: ShotPlan) -> Layout:
    """How a shot is divided into segments."""
    config, handles, frames = plan.config, plan.handles, plan.frames
    cuts = [handles.pre_roll + 1] if handles.pre_roll else []
    cuts += [frames - handles.loop_overlap] if handles.loop_overlap else []  # there all of the pre-roll is finished
    return Layout(
        config.segment,
        frames,
        segment_suffix(config.encode.codec, config.encode.alpha),
        lossless_suffix=SUFFIX,
        head=handles.hidden,
        tail=frames - handles.tail if handles.tail else None,
        cuts=tuple(cuts),
        all_lossless=is_played(config),
        chunks=plan_chunks(plan),
    )


def encoder(
    plan: ShotPlan, path: Path, is_lossless: bool, *, from_gpu: bool = False, fps: Fraction | None = None
) -> Encoder:
    """The encoder of a segment; ``fps`` is that of the shown film, if it is another."""
    encode = lossless(plan.config.encode) if is_lossless else plan.config.encode
    size = {"width": plan.width, "height": plan.height}
    return Encoder(path, **size, fps=fps or plan.fps, encode=encode, stall=encode.stall_timeout, planar=from_gpu)


def cue_digest(shot: Shot, scales: Sequence[float]) -> CueDigest:
    """(first frame, count) → SHA-256 of every number and target of the score in these frames."""

    def digest(first: int, count: int) -> str:
        sha256 = hashlib.sha256()
        for index in range(first, first + count):
            seconds = shot.clock.seconds(index)
            numbers = [
                (name, value)
                for name, value in shot.score.numbers(seconds).items()
                if shot.grade is not None or not name.startswith("color.")
            ]
            octaves = [shot.score.octave_weights(seconds, scale) for scale in scales]
            weights = [sorted((str(target), weight) for target, weight in each.items()) for each in octaves]
            sha256.update(repr([sorted(numbers), weights]).encode())
        return sha256.hexdigest()

    return digest


def discontinuities(shot: Shot) -> list[str]:
    """The numbers of the score that differ at both ends of a loop. (Its targets always return.)"""
    begin, end = (shot.score.numbers(t) for t in (0.0, shot.clock.period / shot.clock.fps - 1e-9))
    tolerances = {name: LOOP_TOLERANCE * max(1.0, abs(value)) for name, value in begin.items()}
    return [name for name, value in begin.items() if abs(end[name] - value) > tolerances[name]]


def _dependencies(plan: ShotPlan, before: ShotRender | None, first: ShotRender | None) -> Spec:
    """What the frames of a shot depend on outside of it; empty for a film of one shot that does not loop."""
    handles = plan.handles
    spec: dict[str, Any] = {"shot": plan.index + 1} if plan.index else {}
    if handles.continues and before is not None:
        spec["goes on from"] = before.store.last_canvas_sha256()
    if handles.pre_roll:
        spec |= {"loop.run_up": handles.pre_roll, "loop.frames": handles.loop_period}
    if handles.loop_overlap:
        spec |= {"loop.back": handles.loop_overlap, "loop.end": plan.frames}
        if first is not None:
            spec["loop.returns to"] = json.dumps(first.store.hashes(range(first.plan.handles.pre_roll + 1)))
    return spec

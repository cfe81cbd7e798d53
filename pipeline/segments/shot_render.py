"""One shot on its way: its folder, what of it is there, and the pieces that it gives to the film."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.build import build_shot, over_footage
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.dream.precision import Arithmetic, choose_arithmetic, recorded_arithmetic
from pipeline.errors import OutputError
from pipeline.image import from_array
from pipeline.media.decode.probe import read_frame
from pipeline.media.encode.codecs import segment_suffix
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import SUFFIX, lossless, read
from pipeline.motion.loop_closure import Home
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.device import device_words
from pipeline.runtime.interrupt import Stop
from pipeline.segments import fingerprint as specs
from pipeline.segments import record
from pipeline.segments.layout import Layout
from pipeline.segments.store import Shelf
from pipeline.segments.workdir import Folder
from pipeline.segments.writer import Job, Watcher, cue_digest
from pipeline.shot import Shot

log = logging.getLogger(__name__)

TURN = 0.02  # share by which a number may differ at both ends of a loop without a word


class Networks:
    """The networks of a film, each loaded once, on its device."""

    def __init__(self, device: torch.device, precision: str) -> None:
        self.device, self._precision = device, precision
        self._built: dict[tuple[str, Arithmetic], Network] = {}

    def find(self, plan: ShotPlan, before: specs.Spec) -> Network:
        """The network of a shot; with ``precision=auto`` an unfinished shot keeps that of its spec ``before``."""
        config = plan.config.network
        arithmetic = recorded_arithmetic(before) if self._precision == "auto" else None
        key = repr(config), arithmetic or choose_arithmetic(self._precision, config, self.device)
        if key not in self._built:
            self._built[key] = model_zoo.build(config).to(self.device, *key[1])
        return self._built[key]


@dataclass
class Take:
    """A shot with its finished segments; ``facts`` is its record."""

    plan: ShotPlan
    shot: Shot
    shelf: Shelf
    facts: dict[str, Any]

    def is_whole(self) -> bool:
        """Whether all its frames are there."""
        return self.shelf.finished(self.plan.frames) == self.plan.frames

    def kept(self) -> int:
        """How many of its frames need not be dreamed again."""
        return self.shelf.kept(self.plan.frames) if self.shelf.folder.is_dir() else 0

    def pieces(self) -> list[tuple[Path, int]]:
        """The files that are in the film as they are, with their counts of frames."""
        return self._files(self.plan.handles.hidden, self.plan.frames - self.plan.handles.tail)

    def head(self) -> tuple[Path, ...]:
        """The lossless files of its first frames."""
        return tuple(path for path, _ in self._files(0, self.plan.handles.hidden))

    def tail(self) -> tuple[Path, ...]:
        """The lossless files of its last frames."""
        return tuple(path for path, _ in self._files(self.plan.frames - self.plan.handles.tail, self.plan.frames))

    def run_up(self) -> Iterator[Tensor]:
        """What comes before the beginning of a loop, and its first frame."""
        path, _ = self.pieces()[0]
        return chain(read(self.head()), (from_array(read_frame(path, 0) / 255.0) for _ in range(1)))

    def begin_from(self, before: "Take") -> None:
        """Go on from the last picture of the shot ``before``, which is whole."""
        found = before.shelf.last(before.plan.frames)
        assert found is not None
        self.shot = replace(self.shot, canvas=found[0].to(self.shot.canvas.device))

    def run(
        self, name: str, stop: Stop, watchers: Sequence[Watcher], first: "Take", begin: int, segments: range | None
    ) -> None:
        """Render what is missing, of ``segments`` alone unless None. ``first`` is the film's first shot, to which the
        end of a loop is led; ``begin`` is the film frame that this shot's first one is, below 0 in a pre-roll.
        """
        plan, shot = self.plan, self.shot
        if plan.handles.loop_overlap:
            shot = replace(shot, home=Home(first.run_up, plan.handles.loop_overlap))
        with ExitStack() as stack:
            shot = over_footage(plan, shot, stack, first=self.shelf.first(plan.frames, segments))
            looking = [_Later(watcher, begin) for watcher in watchers] if begin else watchers
            self._show(looking)
            opening = partial(encoder, plan, planar=shot.canvas.device.type == "cuda")
            Job(shot, self.shelf, plan.frames, opening, stop, looking).run(name, segments)

    def _show(self, watchers: Sequence[Watcher]) -> None:
        """Tell those who look on of what is finished already."""
        for path, frames in self.pieces():
            entry = next((entry for entry in self.shelf.entries.values() if entry.file == path.name), None)
            if entry is not None and entry.frames == frames:
                for watcher in watchers:
                    watcher.segment(path, entry.first, frames)

    def _files(self, first: int, stop: int) -> list[tuple[Path, int]]:
        shelf, frames = self.shelf, self.plan.frames
        numbers = [n for n in range(shelf.count(frames)) if first <= shelf.layout.first(n) < stop]
        return [(shelf.path(n), shelf.length(n, frames)) for n in numbers]


def open_take(plan: ShotPlan, folder: Folder, networks: Networks, before: Take | None, first: Take | None) -> Take:
    """The shot with what is there of it. ``before`` and ``first`` are the shots that it goes on from and returns to.

    Raises OutputError when what is there was made differently, unless that may be replaced.
    """
    config, handles = plan.config, plan.handles
    seeing = networks.find(plan, folder.spec(plan.index + 1) if config.resume else {})
    shot = build_shot(plan, seeing)
    device = device_words(networks.device)
    facts = record.make_record(plan, seeing.weights, device, seeing.precision, seeing.channels_last)
    spec = {**record.frames_spec(facts, plan), **_linked(plan, before, first)}
    opening = partial(_shelf, plan, shot, folder, spec)
    shelf = opening(resume=config.resume)
    if shelf.changed and config.overwrite:
        shelf = opening(resume=False)
    if shelf.changed:
        raise OutputError(
            f"{shelf.folder} holds frames for which the score asks for something else now, from frame "
            f"{min(shelf.changed)} on (as do times in per cent when a film gets longer); give resume=false to render "
            "it anew, or another output="
        )
    for number in shelf.damaged:
        log.warning(f"segment {number} in {shelf.folder} is damaged and will be rendered again")
    for name in strays(shot) if handles.loop_period else ():
        log.info(f"{name} does not come back to where it began; it changes at once where the loop begins again")
    take = Take(plan, shot, shelf, facts)
    if handles.continues and before is not None:
        take.begin_from(before)
    return take


def encoder(plan: ShotPlan, path: Path, kept: bool, *, planar: bool = False) -> Encoder:
    """The encoder of a piece; of one whose frames go into other pictures, without loss. ``planar``: from a GPU."""
    encode = lossless(plan.config.encode) if kept else plan.config.encode
    size = {"width": plan.width, "height": plan.height}
    return Encoder(path, **size, fps=plan.fps, encode=encode, stall=encode.patience, planar=planar)


def _shelf(plan: ShotPlan, shot: Shot, folder: Folder, spec: specs.Spec, *, resume: bool) -> Shelf:
    handles, frames = plan.handles, plan.frames
    home = folder.shot(plan.index + 1, spec, resume=resume, overwrite=plan.config.overwrite)
    cuts = [handles.pre_roll + 1] if handles.pre_roll else []
    cuts += (
        [frames - handles.loop_overlap] if handles.loop_overlap else []
    )  # so that all the run-up is finished by then
    layout = Layout(
        plan.config.segment,
        segment_suffix(plan.config.encode.codec),
        kept=SUFFIX,
        head=handles.hidden,
        tail=frames - handles.tail if handles.tail else None,
        cuts=tuple(cuts),
    )
    return Shelf(home, layout=layout, spec=specs.digest(spec), cues=cue_digest(shot, plan.scales()))


def strays(shot: Shot) -> list[str]:
    """Which numbers of the score are others at the end of a loop than at its beginning; what is seen always returns."""
    begin, end = shot.score.at(0.0), shot.score.at(shot.period / shot.fps - 1e-9)
    return [
        name for name, value in begin.numbers.items() if abs(end.numbers[name] - value) > TURN * max(1.0, abs(value))
    ]


def _linked(plan: ShotPlan, before: Take | None, first: Take | None) -> dict[str, Any]:
    """What the frames of a shot depend on in other shots; nothing for a film of one shot that is no loop."""
    handles = plan.handles
    found: dict[str, Any] = {"shot": plan.index + 1} if plan.index else {}
    if handles.continues and before is not None:
        found["goes on from"] = before.shelf.handed(before.plan.frames)
    if handles.pre_roll:
        found |= {"loop.run_up": handles.pre_roll, "loop.frames": handles.loop_period}
    if handles.loop_overlap:
        found |= {"loop.back": handles.loop_overlap, "loop.end": plan.frames}
        if first is not None:
            found["loop.returns to"] = json.dumps(
                first.shelf.digests(range(first.plan.handles.pre_roll + 1), first.plan.frames)
            )
    return found


class _Later:
    """A watcher of the film, told by a shot that does not begin with it; a run-up is not shown."""

    def __init__(self, watcher: Watcher, begin: int) -> None:
        self._watcher, self._begin = watcher, begin

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        if index + self._begin >= 0:
            self._watcher.frame(index + self._begin, frame, label)

    def segment(self, path: Path, first: int, frames: int) -> None:
        if first + self._begin >= 0:
            self._watcher.segment(path, first + self._begin, frames)

"""The tasks of a film: shots that render independently, and how their segments return into its work folder."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.dream.network import Network
from pipeline.farm import inputs
from pipeline.farm.executor import Parcel, Task
from pipeline.farm.inputs import Input
from pipeline.farm.packing import common, task_settings
from pipeline.image import from_array
from pipeline.media.decode.probe import read_frame
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime.files import write_json
from pipeline.segments import fingerprint
from pipeline.segments.fingerprint import Spec
from pipeline.segments.shot_render import ShotRender, layout_of
from pipeline.segments.store import SegmentStore
from pipeline.segments.writer import FrameListener


@dataclass
class FilmTasks:
    """The shots of ``plan`` that are still to be rendered, as tasks.

    ``open_shot`` opens a shot whose dependencies are finished, ``spec_of`` tells what its frames depend on in the shot
    itself; ``shots`` are those that are open. ``device`` is the kind of this machine's device.
    """

    plan: FilmPlan
    selected: Sequence[int]
    shots: Mapping[int, ShotRender]
    open_shot: Callable[[int], ShotRender]
    spec_of: Callable[[int], Spec]
    networks: Callable[[], Iterable[Network]]
    device: str
    _specs: dict[int, Spec] = field(default_factory=dict)

    def waves(self) -> Iterator[list[Task]]:
        """Tasks that depend on no other one; the next ones once these are finished."""
        while chains := self._ready():
            yield [task for chain in chains for task in self._tasks(chain)]

    def accept(self, result: Parcel, listeners: Sequence[FrameListener]) -> int:
        """Store the segment of a result, if it has one; the number of frames. Raises OutputError."""
        data = result.data
        if "segment" not in data:
            return 0
        number, shot = data["segment"], self.open_shot(data["shot"])
        if shot.store.has_segment(number):
            return 0
        path = shot.store.receive(number, result.blobs["video"], result.blobs["canvas"], float(data["seconds"]))
        if data.get("kind"):
            write_json(path.with_suffix(".worker.json"), data["kind"])
        begin = self.plan.first_frame(data["shot"]) + shot.store.layout.first(number)
        length = shot.store.layout.length(number)
        for listener in listeners if begin >= 0 else ():
            listener.frame(
                begin + length - 1, from_array(read_frame(path, length - 1) / 255.0), shot.shot.score.at(0).label
            )
            listener.segment(path, begin, length)
        return length

    def fault(self, result: Parcel) -> str:
        """What is wrong with a result that arrived; empty if nothing."""
        data, blobs = result.data, result.blobs
        if "segment" not in data:
            return ""
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in blobs.items()}
        if (sums.get("video"), sums.get("canvas")) != (data["sha256"], data["canvas_sha256"]):
            return "a segment was damaged on its way"
        store = self.open_shot(data["shot"]).store
        if store.layout.length(data["segment"]) != data["frames"]:
            return f"a segment has {data['frames']} frames instead of {store.layout.length(data['segment'])}"
        if store.cues(data["segment"]) != data["cues"]:
            return "the worker computes another score, as with another version of a library"
        return ""

    def collect(self, folder: Path, listeners: Sequence[FrameListener] = ()) -> int:
        """Store the finished segments of a task's ``folder``; how many frames."""
        frames = 0
        for number in range(len(self.plan.shots)):
            path = folder / f"shot-{number + 1:03}"
            shot = self._opened(number) if path.is_dir() else None
            if shot is None:
                continue
            digest = fingerprint.digest(self._spec(number))
            rendered = SegmentStore(path, shot.store.layout, digest, lambda first, count: "")
            for entry in rendered.recorded():
                video, canvas = path / entry.file, path / entry.checkpoint
                if entry.spec != digest or not video.is_file() or not canvas.is_file():
                    continue
                facts: dict[str, Any] = {
                    "shot": number,
                    "segment": entry.segment,
                    "frames": entry.frames,
                    "seconds": entry.seconds,
                }
                facts |= {"sha256": entry.sha256, "canvas_sha256": entry.checkpoint_sha256, "cues": entry.cues}
                result = Parcel(facts, {"video": video.read_bytes(), "canvas": canvas.read_bytes()})
                frames += 0 if self.fault(result) else self.accept(result, listeners)
        return frames

    def _opened(self, number: int) -> ShotRender | None:
        """The shot, once those that it depends on are finished."""
        return self.open_shot(number) if self._is_open(number) else None

    def _is_open(self, number: int) -> bool:
        handles = self.plan.shots[number].handles
        needed = [number - 1] if handles.continues else []
        needed += [0] if handles.loop_overlap and number else []
        return number in self.shots or all(self._is_finished(n) for n in needed)

    def _is_finished(self, number: int) -> bool:
        return number in self.shots and not self._gaps(number)

    def _gaps(self, number: int, segments: range | None = None) -> list[range]:
        """The segments to render, of ``segments`` and of the film's part only if there are any."""
        shot = self.open_shot(number)
        numbers = segments or range(shot.store.layout.count)
        if self.plan.part:
            needed = shot.segments_of(self.plan.needed_frames()[number])
            numbers = range(max(numbers.start, needed.start), min(numbers.stop, needed.stop))
        return shot.store.gaps(numbers) if numbers else []

    def _ready(self) -> list[list[int]]:
        """Runs of shots that continue each other and wait for no other one."""
        chains = list[list[int]]()
        for number in self.selected:
            if self._is_open(number) and self._is_finished(self.open_shot(number).plan.index):
                continue
            if self.plan.shots[number].handles.continues and chains and chains[-1][-1] == number - 1:
                chains[-1].append(number)
            else:
                chains.append([number])
        last = len(self.plan.shots) - 1
        waits = self.plan.shots[last].handles.loop_overlap and not self._is_finished(0)
        ready = [chain for chain in chains if not (waits and last in chain and 0 not in chain)]
        for chain in ready or chains[:1]:
            if not self._is_open(chain[0]):
                self.open_shot(chain[0])  # raises: it depends on a shot that is not selected
        return ready

    def _tasks(self, chain: list[int]) -> Iterator[Task]:
        """One task for a run of shots, or for each chunk of a shot of footage."""
        layout = layout_of(self.plan.shots[chain[0]])
        if len(chain) == 1 and layout.chunks:
            bounds = [0, *(layout.number(first) for first, _ in layout.chunks), layout.count]
            for start, stop in pairwise(bounds):
                if self._gaps(chain[0], range(start, stop)):
                    yield self._task(chain, range(start, stop))
        else:
            yield self._task(chain, None)

    def _task(self, chain: list[int], segments: range | None) -> Task:
        name = f"shot {chain[0] + 1}" if len(chain) == 1 else f"shots {chain[0] + 1} to {chain[-1] + 1}"
        if segments is not None:
            layout = layout_of(self.plan.shots[chain[0]])
            name = f"{name}, frames {layout.first(segments.start)} to {layout.first(segments.stop)}"
        return Task(
            name, lambda: iter(()), partial(self._pack, chain, segments), inputs.paths_of(self.inputs), self.fault
        )

    def _pack(self, chain: list[int], segments: range | None) -> Parcel:
        """What a worker needs for the shots of a chain that are not finished by now."""
        pieces, blobs = list[dict[str, Any]](), dict[str, bytes]()
        for number in chain:
            is_open = self._is_open(number)
            gaps = self._gaps(number, segments) if is_open else [range(layout_of(self.plan.shots[number]).count)]
            for gap in gaps:
                piece = {"shot": number, "start": gap.start, "stop": gap.stop, "spec": dict(self._spec(number))}
                path = self._canvas_before(number, gap.start) if is_open else None
                if path is not None:
                    name = f"canvas-{len(blobs)}"
                    blobs[name] = path.read_bytes()
                    piece |= {"canvas": name, "canvas_sha256": hashlib.sha256(blobs[name]).hexdigest()}
                pieces.append(piece)
        if any(self.plan.shots[number].handles.loop_overlap for number in chain) and 0 in self.shots:
            first = self.shots[0]
            body, _ = first.files()[0]
            for path in (path for path in (*first.head(), body) if path.is_file()):
                blobs[f"shot-001/{path.name}"] = path.read_bytes()
        return Parcel({**self._common, "pieces": pieces}, blobs)

    def _canvas_before(self, number: int, segment: int) -> Path | None:
        """The checkpoint that a segment starts from."""
        store = self.shots[number].store
        if segment:
            return None if store.layout.pre_roll(segment) is not None else store.checkpoint_file(segment - 1)
        if self.plan.shots[number].handles.continues:
            before = self.shots[number - 1].store
            return before.checkpoint_file(before.layout.count - 1)
        return None

    def _spec(self, number: int) -> Spec:
        if number not in self._specs:
            self._specs[number] = self.spec_of(number)
        return self._specs[number]

    @cached_property
    def inputs(self) -> list[Input]:
        """All files of the film."""
        networks = [each for network in self.networks() for each in (network, *network.companions.values())]
        return inputs.list_inputs(inputs.film_names(self.plan), [network.weights.path for network in networks])

    @cached_property
    def _common(self) -> dict[str, Any]:
        """What all tasks of the film share."""
        settings = task_settings(self.plan.request, self.device)
        return {
            **common("shot", settings, inputs.film_names(self.plan), self.inputs),
            "mixed": self.plan.config.farm.mixed,
            "deletes": self.plan.config.engine == "ray",  # what has arrived
        }

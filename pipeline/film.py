"""A film: opens its shots, renders them segment by segment, joins them into one video.

Until it is finished it grows in a work folder, ``NAME.work`` next to it, from which the same command resumes.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from torch import Tensor

from pipeline.build import Networks, build_shot
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, DreamError, Interrupted
from pipeline.farm.chunk_shots import open_chunks, open_shot
from pipeline.farm.engines import collect, render_elsewhere
from pipeline.farm.executor import LocalExecutor, Parcel, Task
from pipeline.farm.film_tasks import FilmTasks
from pipeline.farm.script import TASKS_SCRIPT
from pipeline.farm.shot_work import shot_facts
from pipeline.media.encode.codecs import check_output, find_codec
from pipeline.media.encode.lossless import lossless
from pipeline.plan.film_plan import FilmPlan, selected_shots
from pipeline.runtime.device import choose_device, is_out_of_memory
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.segments import record, request
from pipeline.segments.disk_space import CERTAIN_FRACTION, bytes_per_frame, check_space
from pipeline.segments.fingerprint import Spec
from pipeline.segments.join import FilmFiles, join_film, join_part
from pipeline.segments.shot_render import ShotRender, discontinuities, open_store
from pipeline.segments.store import MAX_CHECKPOINT_BYTES
from pipeline.segments.workdir import WorkFolder, may_replace
from pipeline.segments.writer import FrameListener
from pipeline.shot import Shot

log = logging.getLogger(__name__)

COPIES = 2.1  # of the frames on disk: the segments, the film joined from them, and a little more
CONTACT_SHEET_BYTES = 4e6  # of noise; no film ends without its sheet
CANVAS_BYTES = 12.0  # per pixel: float32 in three colours


def render(plan: FilmPlan, listeners: Sequence[FrameListener] = ()) -> FilmFiles:
    """Render what is missing of the film. A file gets its final name only when it is complete.

    Raises RenderError kinds, and Interrupted when the user stopped; rendered frames stay in the work folder, and
    rendering the same plan again resumes from them.
    """
    config = plan.config
    for note in plan.notes:
        log.info(note)
    device = choose_device(config.device, config.deterministic)
    networks = Networks(device, config.precision, config.deterministic)
    with ExitStack() as stack:
        folder = stack.enter_context(WorkFolder(plan.outputs.whole))
        # Another run may have finished the film since it was planned.
        check_output(plan.outputs.video, may_replace(plan.outputs, config), config.encode.codec)
        if not config.overwrite and plan.outputs.film.exists():
            log.info(f"{plan.outputs.film} was made from the same frames; the new film replaces it")
        request.write(folder.path, plan.request)
        film = _Film(plan, folder, networks)
        stop = stack.enter_context(Stop())
        film.open_all()
        collect(film.tasks(range(len(plan.shots))), folder.path)
        film.run(stop, listeners)
        if config.engine == "script" and (folder.path / TASKS_SCRIPT).exists():
            return FilmFiles(folder.path / TASKS_SCRIPT)
        if plan.part is not None:
            return join_part(plan, film.shots, folder)
        missing = len(plan.shots) - sum(shot.store.is_finished for shot in film.shots.values())
        if missing:
            count = f"{missing} of {len(plan.shots)} shots are"
            log.info(f"{count} still to be rendered; without shots= the same command finishes the film")
            return FilmFiles(folder.path)
        return join_film(plan, [film.shots[number] for number in range(len(plan.shots))], folder, stop)


@dataclass
class _Film:
    """The shots of a film by index. Each opens once the shots that it continues or loops back to are finished."""

    plan: FilmPlan
    folder: WorkFolder
    networks: Networks
    shots: dict[int, ShotRender] = field(default_factory=dict)

    def open_all(self) -> None:
        """Open every shot that can be; note what is there and check that the rest fits on the disk."""
        for number in range(len(self.plan.shots)):
            if self._unfinished_dependency(number) is None:
                self.open(number)
            else:  # later; what is wrong with its network or targets is known now
                self._build(number)
        rendered = self.rendered_frames()
        if rendered:
            log.info(f"resuming: {rendered} of {self._frames()} frames are rendered")
        note = check_space(self.folder.path, *self._needed_bytes())
        if note:
            log.info(note)

    def open(self, number: int) -> ShotRender:
        """The shot. Raises ConfigError if it depends on one that is not rendered, OutputError as open_store does."""
        if number not in self.shots:
            self._check_dependencies(number)
            self.shots[number] = self._open(number)
        return self.shots[number]

    def run(self, stop: Stop, listeners: Sequence[FrameListener]) -> None:
        """Render the selected shots. Reports what is kept when that ends early."""
        selected = selected_shots(self.plan)
        try:
            if self.plan.config.engine != "local":
                self._run_elsewhere(selected, stop, listeners)
                return
            here = [(f"shot {n + 1}", partial(self._run_here, n, selected[-1], stop, listeners)) for n in selected]
            for _ in LocalExecutor().map([Task(name, run) for name, run in here]):
                pass
        except (Interrupted, KeyboardInterrupt) as error:
            if not self.rendered_frames():
                raise Interrupted("stopped before a frame was finished; nothing was written") from error
            how = "stopped" if isinstance(error, Interrupted) else "stopped at once"
            raise Interrupted(f"{how}; {self._resume_note()}") from error
        except Exception as error:
            if self.rendered_frames():
                log.info(self._resume_note())
            if isinstance(error, RuntimeError | MemoryError) and is_out_of_memory(error):
                advice = "try a smaller frame, fewer dream.octaves or precision=bfloat16"
                raise DreamError(f"the device ran out of memory; {advice}") from error
            raise

    def tasks(self, selected: Sequence[int]) -> FilmTasks:
        """The tasks of these shots."""
        kind = self.networks.device.type
        return FilmTasks(self.plan, selected, self.shots, self.open, self._spec, self.networks.built.values, kind)

    def rendered_frames(self) -> int:
        """How many frames need not be dreamed again."""
        return sum(shot.rendered_frames() for shot in self.shots.values())

    def _build(self, number: int) -> tuple[Network, Shot]:
        plan = self.plan.shots[number]
        network = self.networks.find(plan, self.folder.spec(number + 1) if plan.config.resume else {})
        return network, build_shot(plan, network)

    def _spec(self, number: int) -> Spec:
        """What the frames of a shot depend on in the shot itself."""
        plan, shot = self.plan.shots[number], self.shots.get(number)
        facts = shot.record if shot else shot_facts(plan, *self._build(number), self.networks.device)
        return record.frames_spec(facts, plan)

    def _open(self, number: int) -> ShotRender:
        plan, before = self.plan.shots[number], self.shots.get(number - 1)
        network, shot = self._build(number)
        facts = shot_facts(plan, network, shot, self.networks.device)
        spec = record.frames_spec(facts, plan)
        store = open_store(plan, shot, self.folder, spec, before, self.shots.get(0) if number else None)
        for name in discontinuities(shot) if plan.handles.loop_period else ():
            log.info(f"{name} ends with another value than it begins with; it jumps where the loop begins again")
        if plan.handles.continues and before is not None:
            checkpoint = before.store.last_checkpoint()
            assert checkpoint is not None
            shot = replace(shot, canvas=checkpoint[0][:, :3].to(shot.canvas.device))
        if number + 1 < len(self.plan.shots) and self.plan.shots[number + 1].handles.continues:
            store.require_last_checkpoint()
        return ShotRender(plan, shot, store, facts)

    def _run_here(self, number: int, last: int, stop: Stop, listeners: Sequence[FrameListener]) -> Iterator[Parcel]:
        if not self.open(number).store.is_finished:
            self._run_shot(number, stop, listeners)
        if stop.requested and number < last:
            raise Interrupted
        yield from ()

    def _run_elsewhere(self, selected: Sequence[int], stop: Stop, listeners: Sequence[FrameListener]) -> None:
        title = self.plan.outputs.film.stem
        with Progress(self._frames(), title, self.rendered_frames()) as progress:
            render_elsewhere(self.tasks(selected), self.folder.path, stop, listeners, progress)

    def _run_shot(self, number: int, stop: Stop, listeners: Sequence[FrameListener]) -> None:
        render, first_frame = self.shots[number], self.plan.first_frame(number)
        segments = render.segments_of(self.plan.needed_frames()[number]) if self.plan.part else None
        shot, plan, title = render.shot, render.plan, self.plan.outputs.film.stem
        if len(self.plan.shots) > 1:
            title = f"{title} {number + 1}/{len(self.plan.shots)}"
        if first_frame:
            listeners = [_FilmListener(listener, first_frame) for listener in listeners]
        with ExitStack() as stack:
            stack.callback(shot.dreamer.close)
            first = render.store.next_frame(segments)
            opened = open_chunks(plan, partial(open_shot, plan, shot, self.shots[0].pre_roll), stack, first)
            render.run(title, opened, stop, listeners, segments)

    def _check_dependencies(self, number: int) -> None:
        needed, plan = self._unfinished_dependency(number), self.plan.shots[number]
        if needed is not None:
            verb = "goes on from" if plan.handles.continues and needed == number - 1 else "returns to"
            words = f"shot {number + 1} {verb} shot {needed + 1}, which is not rendered yet"
            raise ConfigError("shots", self.plan.config.shots, f"{words}; give shots={needed + 1},{number + 1}")

    def _unfinished_dependency(self, number: int) -> int | None:
        """A shot that has to be finished before shot ``number`` can open."""
        handles = self.plan.shots[number].handles
        needed = [number - 1] if handles.continues else []
        needed += [0] if handles.loop_overlap and number else []
        return next((n for n in needed if n not in self.shots or not self.shots[n].store.is_finished), None)

    def _frames(self) -> int:
        """Number of frames to dream, with all handles."""
        return sum(shot.frames for shot in self.plan.shots)

    def _needed_bytes(self) -> tuple[float, float]:
        """(disk space for the rest of the film, what its largest file has at least)."""
        plan, finished = self.plan, sum(shot.store.finished_frames for shot in self.shots.values())
        missing = self._frames() - finished
        checkpoint = CANVAS_BYTES * plan.width * plan.height
        checkpoints = checkpoint * (1 + missing // plan.config.segment)
        size = bytes_per_frame(plan.config.encode, plan.width, plan.height)
        stored = bytes_per_frame(lossless(plan.config.encode), plan.width, plan.height) if plan.playback else 0.0
        size *= max(1.0, plan.shown_frames / plan.frames)
        frames = 1 if find_codec(plan.config.encode.codec).picture else plan.frames
        largest = max(CONTACT_SHEET_BYTES, checkpoint, CERTAIN_FRACTION * size * frames)
        return size * (missing * COPIES + finished) + stored * missing + min(MAX_CHECKPOINT_BYTES, checkpoints), largest

    def _resume_note(self) -> str:
        again = "the same command resumes there" if self.plan.config.resume else "resume=true resumes there"
        return f"{self.rendered_frames()} of {self._frames()} frames are kept in {self.folder.path}; {again}"


@dataclass(frozen=True)
class _FilmListener:
    """Passes on what happens in a shot, in frames of the film. A pre-roll is not shown."""

    listener: FrameListener
    begin: int

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        if index + self.begin >= 0:
            self.listener.frame(index + self.begin, frame, label)

    def segment(self, path: Path, first: int, frames: int) -> None:
        if first + self.begin >= 0:
            self.listener.segment(path, first + self.begin, frames)

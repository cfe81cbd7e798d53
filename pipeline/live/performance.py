"""The live loop: a film's shot, played frame by frame in time with the clock."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from pipeline.build import build_shot
from pipeline.color.grade import Grade
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, RenderError
from pipeline.live.broadcast import Broadcast
from pipeline.live.camera import LiveFootage, LiveFrames
from pipeline.live.instrument import Instrument
from pipeline.live.live_signals import LiveSignals, Recording
from pipeline.live.midi import MidiMap
from pipeline.live.played_score import played_score
from pipeline.live.session import SAVE_SECONDS, Saver, Session, shot_settings
from pipeline.live.size_chooser import SizeChooser
from pipeline.live.viewers import Viewers
from pipeline.motion.stage import Stage, Zoom
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.interrupt import Stop
from pipeline.score.shot_context import ShotContext
from pipeline.shot import Shot, Step
from pipeline.timing.timecode import format_time

log = logging.getLogger(__name__)

MAX_JUMP_SECONDS = 0.25  # that one frame may stand for; a slower machine slows the dream's clock
RATE_SECONDS = 2.0  # over which the rate is measured
TRIAL_FRAMES = 4

MakeContext = Callable[[ShotPlan], ShotContext]
MakePlan = Callable[[tuple[int, int], int], ShotPlan]
"""((width, height), number of the shot) → its plan."""


@dataclass
class Performance:
    """Plays shots until it is stopped; *new noise* begins the next one. ``current`` is the shot that plays."""

    network: Network
    plan: MakePlan
    context: MakeContext
    instrument: Instrument
    chooser: SizeChooser
    viewers: Viewers
    saver: Saver
    session: Session
    out: Broadcast | None = None
    midi: MidiMap | None = None
    signals: LiveSignals | None = None
    recording: Recording | None = None
    footage: LiveFrames | None = None
    song_start: float | None = None
    is_fractal: bool = False
    until: float | None = None
    current: Shot | None = None
    _number: int = 0
    _shown: deque[float] = field(default_factory=deque)
    _played: float = 0.0  # seconds of the shots before
    _frames: int = 0  # of the shots before

    def run(self, stop: Stop) -> float:
        """Play until ``stop`` is requested or ``until`` seconds are over. Returns how many seconds were played."""
        self._choose_size()
        goes_on = True
        while goes_on:
            seconds = self._play_shot(stop)
            # Without a wish for noise it was stopped, or its time is over, also if late frames played less.
            goes_on = self.instrument.needs_noise and not stop.requested
            self.session.shots.append(self._settings(seconds))
            self._played += seconds
            self._number += 1
            self.instrument.restart()
        *self.session.shots, last = self.session.shots
        self.saver.save(self.session.as_data(last))
        return self._played

    def _is_over(self, stop: Stop, t: float) -> bool:
        return stop.requested or (self.until is not None and self._played + t >= self.until)

    def _build(self) -> Shot:
        plan = self.plan(self.chooser.size, self._number)
        numbers, weights = self.instrument.numbers, self.instrument.weights
        score = played_score(self.context(plan), numbers, weights, is_fractal=self.is_fractal)
        shot = build_shot(plan, self.network, score=score)
        shot = replace(shot, dreamer=replace(shot.dreamer, has_momentum=True))  # it may be played from 0 on
        if self.footage is not None:
            shot = self.footage.over(plan, shot)
        self.current = replace(shot, grade=shot.grade or Grade(None, None))  # colours may be played
        return self.current

    def _choose_size(self) -> None:
        """Dream a few frames that nobody sees, to measure the machine."""
        if len(self.chooser.sizes) == 1:
            return
        shot = self._build()
        canvas, cue, seconds = shot.canvas, shot.score.at(0.0), []
        canvas = shot.stage.advance(canvas, cue, 1)
        for number in range(TRIAL_FRAMES):
            began = time.perf_counter()
            canvas = shot.dreamer.warm_up(canvas, cue, None, number)
            seconds.append(time.perf_counter() - began)
        self.chooser.first(min(seconds), shot.size[0] * shot.size[1])

    def _play_shot(self, stop: Stop) -> float:
        """Play one shot to its end. Returns its length in seconds."""
        self._hear(0)
        if self.signals is not None:
            self.signals.begin(self._played)
        if self.footage is not None:
            self.footage.restart()
        shot = self._build()
        fps, canvas = shot.clock.fps, shot.canvas
        for canvas in shot.begin():
            self.viewers.show(canvas[:, :3])
            self._show_state(0.0, "growing")
            if stop.requested:
                return 0.0
        index, before, origin, saved = 0, -1, time.monotonic(), 0.0
        while not self._is_over(stop, t := index / fps):
            self._take_gestures(max(0, before) / fps, t)
            if self.instrument.needs_noise:
                break
            self._hear(index)
            began = time.perf_counter()
            step = self._frame(shot, canvas, index, index - before)
            note = self.chooser.measure(time.perf_counter() - began, t)
            self.viewers.show(step.frame)
            if self.out is not None:
                self.out.show(step.frame, index - before)
            canvas, before = step.canvas, index
            self._show_state(t, step.label)
            now = time.monotonic()
            if now - saved >= SAVE_SECONDS:
                saved = now
                self.saver.save(self.session.as_data(self._settings((before + 1) / fps)))
            if note:
                log.info(note)
                shot = self._build()
            index, origin = self._next_index(index, fps, origin)
            time.sleep(max(0.0, origin + index / fps - time.monotonic()))
        self._frames += before + 1
        return (before + 1) / fps

    def _settings(self, seconds: float) -> dict[str, Any]:
        """What was played of this shot, as settings of a shot of ``seconds``."""
        result = shot_settings(self.instrument, seconds, is_fractal=self.is_fractal)
        if self.footage is not None:
            result["source"] = {"start": format_time(round(self._played, 6))}
        return result

    def _hear(self, index: int) -> None:
        """Record what was heard until frame ``index`` of this shot."""
        if self.recording is not None and self.signals is not None and self.recording.hear(self._frames + index):
            self.signals.begin(self._played)

    def _next_index(self, index: int, fps: float, origin: float) -> tuple[int, float]:
        """The next frame's number, and when the clock began: late frames are left out, up to a bound."""
        due = int((time.monotonic() - origin) * fps)
        following = min(max(index + 1, due), index + max(1, int(MAX_JUMP_SECONDS * fps)))
        return following, origin + max(0.0, (due - following) / fps)

    def _frame(self, shot: Shot, canvas: Tensor, index: int, frames: int) -> Step:
        """Frame ``index``, which stands for so many ``frames`` of the clock."""
        if frames > 1 or self.footage is not None:
            fps = shot.clock.fps
            stage: Stage = shot.stage
            if isinstance(stage, LiveFootage):
                stage = stage.standing_for(frames)
            elif isinstance(stage, Zoom):
                stage = replace(stage, camera=replace(stage.camera, fps=fps / frames, stride=frames))
            shot = replace(shot, stage=stage, dreamer=replace(shot.dreamer, seconds=frames / fps, turn=index // frames))
        return next(replace(shot, frames=index + 1).render(canvas, index))

    def _take_gestures(self, before: float, t: float) -> None:
        """Gestures begin at second ``before``, that of the last frame, so that the one of ``t`` shows them."""
        for command in self.viewers.commands():
            try:
                if "learn" in command or "forget" in command:
                    self._teach(command)
                else:
                    self.instrument.apply(command, before)
            except RenderError as error:
                self.viewers.note(str(error))
        self.instrument.tick(t)

    def _teach(self, command: Mapping[str, Any]) -> None:
        """What a knob should play, or should not play any more. Raises RenderError."""
        if self.midi is None:
            raise ConfigError("live.midi", "null", "MIDI is off; start with live.midi=auto")
        if "learn" in command:
            self.midi.learn(command["learn"])
        else:
            self.midi.forget(command["forget"])

    def _show_state(self, t: float, label: str) -> None:
        now = time.monotonic()
        self._shown.append(now)
        while now - self._shown[0] > RATE_SECONDS:
            self._shown.popleft()
        span = now - self._shown[0]
        width, height = self.chooser.size
        state: dict[str, Any] = {
            "seconds": round(self._played + t, 1),
            "rate": round((len(self._shown) - 1) / span, 1) if span else None,
            "size": f"{width}x{height}",
            "label": label,
            **self.instrument.state(t),
        }
        if self.song_start is not None:
            state["song"] = round(self.song_start + self._played + t, 3)
        if self.recording is not None:
            state["audio"] = self.recording.state()
        if self.midi is not None:
            state["midi"] = self.midi.state()
        self.viewers.set_state(state)

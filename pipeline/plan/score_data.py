"""The score of a film frame by frame, as data, before anything is rendered. No torch, no network."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError
from pipeline.media.encode.codecs import film_suffix
from pipeline.plan.film_pieces import seconds_shown
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.score import plan_score
from pipeline.score.score import Score
from pipeline.targets.target import TargetWeights
from pipeline.timing.signals import LEVELS, Signal

log = logging.getLogger(__name__)

PrintedWeights = dict[str, float]
"""Target as text → its weight."""

OTHER_PICTURES = (".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pdf", ".svg")
PEAK_SECONDS = 0.04  # in which a drawn level falls, so that every hit shows in some frame


@dataclass(frozen=True)
class Music:
    """What a film moves to: ``beats`` and ``bars`` in seconds, ``sections`` as (second, kind), and per frame the
    ``levels`` of a song by name. ``cues`` are (second, name) of markers. ``signals`` are those that numbers follow, per
    frame. ``counted``: the song has no beat; these are counted at a default tempo.
    """

    bpm: float
    beats: list[float]
    bars: list[float]
    sections: list[tuple[float, int]]
    levels: dict[str, list[float]]
    counted: bool = False
    cues: list[tuple[float, str]] = field(default_factory=list)
    signals: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreFrames:
    """The numbers of a score by name (``lanes``) and its target weights, each with one entry per frame.

    ``octaves`` are (scale, targets), fine to coarse, if octaves differ in their targets; otherwise empty.
    """

    fps: float
    frames: int
    lanes: dict[str, list[float]]
    targets: list[PrintedWeights]
    octaves: list[tuple[float, list[PrintedWeights]]]
    music: Music | None = None

    def on_octave(self, scale: float) -> list[PrintedWeights]:
        """The targets of the octave of ``scale``."""
        return dict(self.octaves).get(scale, self.targets)

    def as_json(self) -> str:
        """``{"fps", "frames", "lanes", "targets"}``, with ``"octaves"`` and ``"music"`` if there are any."""
        data: dict[str, object] = {"fps": self.fps, "frames": self.frames, "lanes": self.lanes, "targets": self.targets}
        if self.octaves:
            data["octaves"] = [{"scale": scale, "targets": targets} for scale, targets in self.octaves]
        if self.music:
            data["music"] = asdict(self.music)
        return json.dumps(data, ensure_ascii=False) + "\n"


def sample_score(
    score: Score, fps: float, frames: int, scales: Sequence[float], music: Music | None = None
) -> ScoreFrames:
    """What the render reads from the score at every frame; ``scales`` are those of the octaves."""
    times = [index / fps for index in range(frames)]
    numbers = [score.numbers(t) for t in times]
    targets = [_print(score.weights(t)) for t in times]
    octaves = [(scale, [_print(score.octave_weights(t, scale)) for t in times]) for scale in sorted(scales)[::-1]]
    return ScoreFrames(
        fps=fps,
        frames=frames,
        lanes={name: [each[name] for each in numbers] for name in numbers[0]},
        targets=targets,
        octaves=octaves if any(own != targets for _, own in octaves) else [],
        music=music,
    )


def film_score(plan: FilmPlan) -> ScoreFrames:
    """The score of all shots in order; where two are mixed, that of the later one."""
    parts = []
    for shot in plan.shots:
        frames = shot.frames - shot.handles.pre_roll - shot.handles.tail
        parts.append(sample_score(plan_score(shot), float(plan.fps), frames, shot.scales()))
    if len(parts) == 1:
        return replace(parts[0], music=film_music(plan))
    scales = [sorted(shot.scales(), reverse=True) for shot in plan.shots]
    differ = any(part.octaves for part in parts) and all(own == scales[0] for own in scales)
    return ScoreFrames(
        fps=float(plan.fps),
        frames=plan.frames,
        lanes={name: [value for part in parts for value in part.lanes[name]] for name in parts[0].lanes},
        targets=[weights for part in parts for weights in part.targets],
        octaves=[(scale, [w for part in parts for w in part.on_octave(scale)]) for scale in scales[0] if differ],
        music=film_music(plan),
    )


def as_shown(score: ScoreFrames, plan: FilmPlan) -> ScoreFrames:
    """The score of a film frame by frame as it is shown: backwards, forth and back, at another speed."""
    if plan.playback is None:
        return score
    order, fps = plan.playback.nearest, float(plan.shown_fps)
    music = score.music
    if music is not None:
        forward = [round(number / fps * score.fps) for number in range(len(order))]  # a song plays forward
        music = replace(
            music,
            beats=_shown_times(plan, music.beats),
            bars=_shown_times(plan, music.bars),
            sections=[(at, kind) for second, kind in music.sections for at in _shown_times(plan, [second])],
            levels={name: [each[min(n, len(each) - 1)] for n in forward] for name, each in music.levels.items()},
            cues=[(at, name) for second, name in music.cues for at in _shown_times(plan, [second])],
            signals={name: [each[n] for n in order] for name, each in music.signals.items()},
        )
    return ScoreFrames(
        fps=fps,
        frames=len(order),
        lanes={name: [each[n] for n in order] for name, each in score.lanes.items()},
        targets=[score.targets[n] for n in order],
        octaves=[(scale, [each[n] for n in order]) for scale, each in score.octaves],
        music=music,
    )


def _shown_times(plan: FilmPlan, seconds: Sequence[float]) -> list[float]:
    """When these seconds of the music are in the film, in order."""
    times = sorted(at for second in seconds for at in seconds_shown(plan, second))
    return [at for at in times if at < plan.seconds]


def film_music(plan: FilmPlan) -> Music | None:
    """The film's music; None without a song, a tempo and a score that counts beats."""
    config, signals, fps = plan.config, plan.signals, float(plan.fps)
    audio = config.audio
    written = (audio.bpm, audio.markers, audio.signals)
    if plan.song is None and config.score.kind != "beats" and all(each is None for each in written):
        return None
    beats = signals.grid.between(0.0, plan.frames / fps)
    used = sorted({key for shot in plan.shots for key in shot.signals.used() if key[1:] != (0.0, PEAK_SECONDS)})
    followed = {f"{name}({up:g}, {down:g})": signals.signal(name, up, down) for name, up, down in used}
    sections, levels = [(0.0, 0)], {}
    if plan.song is not None:
        sections = plan.song.sections(config.audio, signals.grid)
        levels = {name: _sampled(signals.signal(name, 0.0, PEAK_SECONDS), plan.frames, fps) for name in LEVELS}
    return Music(
        bpm=60 / signals.grid.seconds,
        beats=[at for _, at in beats],
        bars=[at for number, at in beats if number % signals.grid.beats_per_bar == 0],
        sections=sections,
        levels=levels,
        cues=[(at, name) for name, at in signals.grid.cues.items() if 0 <= at < plan.frames / fps],
        signals={name: _sampled(signal, plan.frames, fps) for name, signal in followed.items()},
        counted=plan.song is not None and config.audio.bpm is None and plan.song.analysis.bpm is None,
    )


def _sampled(signal: Signal, frames: int, fps: float) -> list[float]:
    return [signal(index / fps) for index in range(frames)]


def chart_path(config: RenderConfig, folder: Path, name: str = "score") -> Path:
    """Where a PNG goes: to ``output=`` if that is one, next to another ``output=``, or into the run's folder.

    Raises ConfigError for the name of another kind of picture.
    """
    if config.output is None:
        return folder / f"{name}.png"
    output = Path(config.output)
    if output.suffix.lower() in OTHER_PICTURES:
        raise ConfigError("output", output, "the picture is a PNG; give output=NAME.png")
    return output if output.suffix.lower() == ".png" else output.with_name(f"{output.name}.{name}.png")


def film_config(config: RenderConfig) -> RenderConfig:
    """The config of the charted film, which has the chart's name if ``output=`` is a PNG."""
    for key in ("frames", "shots"):
        if getattr(config, key) is not None:
            log.info(f"{key} has no effect: the picture is of the whole film", extra={"once": True})
    if config.output is None or not config.output.lower().endswith(".png"):
        return config
    return replace(config, output=config.output[:-4] + film_suffix(config.encode.codec))


def _print(weights: TargetWeights) -> PrintedWeights:
    return {str(target): weight for target, weight in weights.items()}

"""The score of a film frame by frame, as data and on paper, before anything is rendered. No torch, no network."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.config import RenderConfig
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.score import score_of
from pipeline.score.score import Score
from pipeline.targets.target import TargetWeights
from pipeline.timing.signals import LEVELS

PrintedWeights = dict[str, float]
"""A target as it is written → its weight."""

PEAK = 0.04  # seconds in which a level that is drawn falls, so that no frame misses a stroke


@dataclass(frozen=True)
class Music:
    """What a film moves to: ``beats`` and ``bars`` in seconds, ``sections`` as (second, kind), and of a song, by name,
    how strong ``bass``, ``mid``, ``treble`` and ``loud`` are, with an entry per frame. Of a song in which no beat is
    heard beats are ``counted``.
    """

    bpm: float
    beats: list[float]
    bars: list[float]
    sections: list[tuple[float, int]]
    levels: dict[str, list[float]]
    counted: bool = False


@dataclass(frozen=True)
class Sheet:
    """``lanes`` are the numbers by name and ``targets`` the weights, each with an entry per frame.

    ``octaves`` are (scale, targets), fine to coarse, where octaves differ in what they see; else there are none.
    """

    fps: float
    frames: int
    lanes: dict[str, list[float]]
    targets: list[PrintedWeights]
    octaves: list[tuple[float, list[PrintedWeights]]]
    music: Music | None = None

    def seen(self, scale: float) -> list[PrintedWeights]:
        """What the octave of ``scale`` sees."""
        return dict(self.octaves).get(scale, self.targets)

    def as_json(self) -> str:
        """``{"fps", "frames", "lanes", "targets"}``, ``"octaves"`` where these differ, ``"music"`` where there is."""
        data: dict[str, object] = {"fps": self.fps, "frames": self.frames, "lanes": self.lanes, "targets": self.targets}
        if self.octaves:
            data["octaves"] = [{"scale": scale, "targets": targets} for scale, targets in self.octaves]
        if self.music:
            data["music"] = asdict(self.music)
        return json.dumps(data, ensure_ascii=False) + "\n"


def _printed(weights: TargetWeights) -> PrintedWeights:
    return {str(target): weight for target, weight in weights.items()}


def make_sheet(score: Score, fps: float, frames: int, scales: Sequence[float], music: Music | None = None) -> Sheet:
    """What the render will read from the score at every frame; ``scales`` are the octaves'."""
    times = [index / fps for index in range(frames)]
    numbers = [score.numbers(t) for t in times]
    targets = [_printed(score.weights(t)) for t in times]
    octaves = [(scale, [_printed(score.octave_weights(t, scale)) for t in times]) for scale in sorted(scales)[::-1]]
    return Sheet(
        fps=fps,
        frames=frames,
        lanes={name: [each[name] for each in numbers] for name in numbers[0]},
        targets=targets,
        octaves=octaves if any(seen != targets for _, seen in octaves) else [],
        music=music,
    )


def sheet_of(plan: FilmPlan) -> Sheet:
    """The sheet of a film: that of its shots, one after the other; where two are mixed, it shows the later one."""
    parts = []
    for shot in plan.shots:
        frames = shot.frames - shot.handles.pre_roll - shot.handles.tail
        parts.append(make_sheet(score_of(shot), float(plan.fps), frames, shot.scales()))
    if len(parts) == 1:
        return replace(parts[0], music=music_of(plan))
    scales = [sorted(shot.scales(), reverse=True) for shot in plan.shots]
    delayed = any(part.octaves for part in parts) and all(own == scales[0] for own in scales)
    return Sheet(
        fps=float(plan.fps),
        frames=plan.frames,
        lanes={name: [value for part in parts for value in part.lanes[name]] for name in parts[0].lanes},
        targets=[sight for part in parts for sight in part.targets],
        octaves=[(scale, [s for part in parts for s in part.seen(scale)]) for scale in scales[0] if delayed],
        music=music_of(plan),
    )


def music_of(plan: FilmPlan) -> Music | None:
    """What the plan's film moves to; None where it has no song, is given no tempo and counts no beats."""
    config, signals, fps = plan.config, plan.signals, float(plan.fps)
    if plan.song is None and config.audio.bpm is None and config.score.kind != "beats":
        return None
    beats = signals.grid.between(0.0, plan.frames / fps)
    sections, levels = [(0.0, 0)], {}
    if plan.song is not None:
        sections = plan.song.sections(config.audio, signals.grid)
        heard = {name: signals.find(name, 0.0, PEAK) for name in LEVELS}
        levels = {name: [signal(index / fps) for index in range(plan.frames)] for name, signal in heard.items()}
    return Music(
        bpm=60 / signals.grid.seconds,
        beats=[at for _, at in beats],
        bars=[at for number, at in beats if number % signals.grid.beats_per_bar == 0],
        sections=sections,
        levels=levels,
        counted=plan.song is not None and config.audio.bpm is None and plan.song.analysis.bpm is None,
    )


def picture_path(config: RenderConfig, folder: Path) -> Path:
    """Where the picture goes: ``output=`` if that is a PNG, beside another ``output=``, or into the run's folder."""
    if config.output is None:
        return folder / "score.png"
    output = Path(config.output)
    return output if output.suffix.lower() == ".png" else output.with_name(f"{output.stem}.score.png")


def film_of(config: RenderConfig) -> RenderConfig:
    """The config of the film that is drawn; where ``output=`` names the picture, the film is called like it."""
    if config.output is None or not config.output.lower().endswith(".png"):
        return config
    from pipeline.media.encode.codecs import film_suffix

    return replace(config, output=config.output[:-4] + film_suffix(config.encode.codec))

"""A film over time, for the page: shots, targets, song, and numbers with their keyframes. No torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.score import plan_score
from pipeline.plan.score_data import PEAK_SECONDS
from pipeline.plan.shot_plan import ShotPlan
from pipeline.score.score import Score
from pipeline.studio.command import Checked
from pipeline.targets.layer_names import known_layers
from pipeline.timing.timecode import parse_time

SAMPLES = 400  # of each lane
MAX_BEATS = 4000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_KEY = re.compile(r"\s*([^:,()]+):\s*([+-]?(?:\d+\.?\d*|\.\d+))(?:\s+([a-z-]+(?:\([^)]*\))?))?\s*")


@dataclass(frozen=True)
class _Shown:
    """A shot, its score, and where it lies in the film in seconds."""

    plan: ShotPlan
    score: Score
    start: float
    seconds: float


def timeline(checked: Checked) -> dict[str, Any]:
    """What the page draws. Raises RenderError."""
    plan, fps = checked.plan, float(checked.plan.fps)
    shots = [
        _Shown(shot, _score(shot), plan.first_frame(n) / fps, (shot.frames - shot.handles.tail) / fps)
        for n, shot in enumerate(plan.shots)
    ]
    seconds = plan.frames / fps
    times = [seconds * n / (SAMPLES - 1) for n in range(SAMPLES)]
    samples = [_at(shots, at) for at in times]
    return {
        "seconds": seconds,
        "fps": fps,
        "shots": [{"start": max(0.0, s.start), "name": _name(s.plan, n)} for n, s in enumerate(shots, 1)],
        "targets": _runs([(at, label) for at, (_, label) in zip(times, samples, strict=True)]),
        "lanes": _lanes(checked.config, shots, [numbers for numbers, _ in samples]),
        "music": _music(plan, times),
    }


def _score(shot: ShotPlan) -> Score:
    """The score of a shot, without loading a network: of a walk only its start."""
    config = shot.config
    if not known_layers(config.network.full_name):
        raise ConfigError(
            "network.name", config.network.name, "the timeline knows the layers of built-in networks only"
        )
    if config.score.kind == "walk":
        shot = replace(shot, config=replace(config, score=replace(config.score, kind="constant")))
    return plan_score(shot)


def _at(shots: Sequence[_Shown], at: float) -> tuple[dict[str, float], str]:
    """The numbers and the strongest target at a second of the film."""
    shot = next((s for s in reversed(shots) if s.start <= at + 1e-9), shots[0])
    own = min(max(at - shot.start, 0.0), shot.seconds)
    weights = shot.score.weights(own)
    return shot.score.numbers(own), str(max(weights, key=lambda target: weights[target])) if weights else ""


def _runs(labels: Sequence[tuple[float, str]]) -> list[dict[str, Any]]:
    """Where each label begins."""
    return [{"start": at, "name": label} for n, (at, label) in enumerate(labels) if not n or label != labels[n - 1][1]]


def _name(plan: ShotPlan, number: int) -> str:
    return f"shot {number}" if plan.config.source.kind == "none" else f"shot {number}, footage"


def _lanes(config: RenderConfig, shots: Sequence[_Shown], numbers: Sequence[dict[str, float]]) -> list[dict[str, Any]]:
    """Every number that may change in time. The ``points`` of a shot are its keyframes; None for an expression."""
    texts = [{key: str(value) for key, _, value in settings(shot.plan.config)} for shot in shots]
    lanes = []
    for key, item, value in settings(config):
        if item.metadata["curve"] and not isinstance(value, list) and key in numbers[0]:
            data, curve = item.metadata, [round(each[key], 5) for each in numbers]
            low, high = data["usual"] or (data["low"], data["high"])
            lanes.append(
                {
                    "key": key,
                    "help": data["help"],
                    "low": min([*curve, *([] if low is None else [low])]),
                    "high": max([*curve, *([] if high is None else [high])]),
                    "limits": [data["low"], data["high"]],
                    "curve": curve,
                    "shots": [
                        {
                            "start": shot.start,
                            "seconds": shot.seconds,
                            "text": text[key],
                            "points": _points(text[key], key, shot),
                        }
                        for shot, text in zip(shots, texts, strict=True)
                    ],
                }
            )
    return lanes


def _points(text: str, key: str, shot: _Shown) -> list[dict[str, Any]] | None:
    """The keyframes in ``text`` in seconds of the film, or the one point of a constant; None for an expression."""
    if _NUMBER.fullmatch(text.strip()):
        return [{"at": max(0.0, shot.start), "value": float(text), "easing": ""}]
    points = []
    plan = shot.plan
    for part in re.split(r",(?![^()]*\))", text):
        match = _KEY.fullmatch(part)
        if match is None:
            return None
        try:
            at = parse_time(
                match[1].strip(), fps=plan.fps, key=key, duration=plan.frames / float(plan.fps), grid=plan.signals.grid
            )
        except ConfigError:
            return None
        points.append({"at": shot.start + at, "value": float(match[2]), "easing": match[3] or ""})
    return sorted(points, key=lambda point: point["at"])


def _music(plan: FilmPlan, times: Sequence[float]) -> dict[str, Any] | None:
    """Beats, bars, sections and loudness of the song, or the beats of a tempo; None without either."""
    config, signals = plan.config, plan.signals
    if plan.song is None and config.audio.bpm is None and config.score.kind != "beats":
        return None
    beats = signals.grid.between(0.0, times[-1])[:MAX_BEATS]
    levels, sections = {}, []
    if plan.song is not None:
        sections = plan.song.sections(config.audio, signals.grid)
        for name in ("loud", "bass"):
            level = signals.signal(name, 0.0, PEAK_SECONDS)
            levels[name] = [round(level(at), 3) for at in times]
    return {
        "beats": [at for _, at in beats],
        "bars": [at for number, at in beats if number % signals.grid.beats_per_bar == 0],
        "sections": [{"start": at, "kind": kind} for at, kind in sections],
        "levels": levels,
    }

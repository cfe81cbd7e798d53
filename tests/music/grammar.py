"""Patterns that a seed draws: any drums, bass and chords that keep a beat. The tracker's weights are found on these."""

import numpy as np

from tests.music.fresh import Style

METRES = ((4, 4), (4, 4), (4, 4), (2, 4), (3, 4), (3, 2), (4, 3), (2, 3))  # steps of a beat, beats of a bar


def draw_style(seed: int) -> tuple[Style, float]:
    """A style and the beats per minute it is played at."""
    rng = np.random.default_rng((seed, 3))
    steps, beats = METRES[int(rng.integers(len(METRES)))]
    drums = str(rng.choice(["backbeat", "backbeat", "floor", "half", "late", "few", "none"]))
    kick, snare = _drums(rng, drums, steps, beats)
    hats = _hats(rng, steps, beats) if drums != "none" else _none(steps, beats)
    bass = kick if rng.uniform() < 0.25 and "x" in kick else _line(rng, steps, beats, always=rng.uniform() < 0.8)
    chords = _chords(rng, steps, beats)
    usual = {"half": 84.0, "late": 84.0}.get(drums, 112.0 if steps != 3 else 92.0)
    bpm = float(np.clip(usual * 2 ** (0.33 * rng.standard_normal()), 56, 186))
    shown = ("".join("x" if here else "." for here in part) for part in (kick, snare, hats, bass, chords))
    return (steps, *shown, float(rng.choice([0.1, 0.2, 0.4, 0.8]))), round(bpm, 1)  # type: ignore[return-value]


def _none(steps: int, beats: int) -> list[bool]:
    return [False] * (steps * beats)


def _at(steps: int, beats: int, *places: int) -> list[bool]:
    return [n % steps == 0 and n // steps in places for n in range(steps * beats)]


def _drums(rng: np.random.Generator, kind: str, steps: int, beats: int) -> tuple[list[bool], list[bool]]:
    off = range(1, beats, 2) if beats != 3 else range(1, 3)
    if kind == "none":
        return _none(steps, beats), _none(steps, beats)
    if kind == "floor":
        return _at(steps, beats, *range(beats)), _at(steps, beats, *(off if rng.uniform() < 0.6 else ()))
    if kind == "half":
        return _spice(rng, _at(steps, beats, 0), steps, 0.15), _at(steps, beats, beats // 2)
    if kind == "late":
        return _at(steps, beats, beats // 2), _at(steps, beats, beats // 2)
    if kind == "few":
        return _at(steps, beats, 0), _none(steps, beats)
    kick = _at(steps, beats, *(n for n in range(beats) if n not in off))
    return _spice(rng, kick, steps, 0.2), _spice(rng, _at(steps, beats, *off), steps, 0.08)


def _spice(rng: np.random.Generator, part: list[bool], steps: int, share: float) -> list[bool]:
    """Some strokes more between the beats, the more of them the nearer they are to a half of one."""
    share *= float(rng.uniform(0, 2))
    between = [n % steps and rng.uniform() < share * (1 if 2 * (n % steps) == steps else 0.5) for n in range(len(part))]
    return [bool(here or more) for here, more in zip(part, between, strict=True)]


def _hats(rng: np.random.Generator, steps: int, beats: int) -> list[bool]:
    count = steps * beats
    kind = str(rng.choice(["beats", "halves", "all", "off", "swing", "none"], p=[0.15, 0.35, 0.2, 0.15, 0.1, 0.05]))
    half = steps // 2 if steps != 3 else 2
    places = {"beats": {0}, "halves": {0, half}, "all": set(range(steps)), "off": {half}, "swing": {0, steps - 1}}
    return [n % steps in places.get(kind, set()) for n in range(count)]


def _line(rng: np.random.Generator, steps: int, beats: int, *, always: bool) -> list[bool]:
    """Strokes at the beginning of the bar, likely on beats, less so between."""
    if rng.uniform() < 0.2:
        return [n % max(1, steps // 2) == 0 for n in range(steps * beats)]
    on, half, rest = rng.uniform(0.3, 1), rng.uniform(0, 0.6), rng.uniform(0, 0.25)
    chance = [on if n % steps == 0 else half if 2 * (n % steps) == steps else rest for n in range(steps * beats)]
    chance[0] = 1.0 if always else on
    return [bool(rng.uniform() < share) for share in chance]


def _chords(rng: np.random.Generator, steps: int, beats: int) -> list[bool]:
    kind = str(rng.choice(["bar", "two", "beats", "off", "line"], p=[0.25, 0.15, 0.15, 0.2, 0.25]))
    if kind == "off":
        off = steps // 2 if steps != 3 else 2
        return [n % steps == off for n in range(steps * beats)]
    if kind == "line":
        return _line(rng, steps, beats, always=False)
    return _at(steps, beats, *{"bar": (0,), "two": (0, beats // 2)}.get(kind, tuple(range(beats))))

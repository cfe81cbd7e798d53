"""The chart of a score as a PNG: a lane for every number that moves, coloured bars for the targets."""

import colorsys
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from textwrap import wrap
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from pipeline.plan.chart_text import clock, constants, in_order
from pipeline.plan.score_data import Music, PrintedWeights, ScoreFrames

OVERSAMPLING = 2  # drawn larger, then reduced: smooth lines
WIDTH, LEFT, RIGHT = 1600, 230, 24
CURVE_LANE, TARGET_LANE, OCTAVE_LANE, SONG_LANE, BEAT_LANE = 84, 120, 40, 124, 44  # pixels high
GAP, TOP, AXIS, LINE = 10, 56, 44, 22
BACKGROUND, LANE, GRID = (22, 23, 28), (31, 33, 40), (52, 55, 66)
INK, DIM, CURVE = (232, 233, 238), (148, 152, 166), (126, 200, 255)
LEVEL = {"loud": (84, 88, 102), "bass": (233, 95, 80), "mid": (104, 190, 120), "treble": (150, 205, 255)}
BAR, BEAT, CUE, SIGNAL = (232, 233, 238), (120, 124, 138), (255, 196, 84), (196, 160, 255)
MIN_LINE_PIXELS, MAX_LEGEND_TARGETS = 5, 24  # between two lines
LINE_CHARACTERS = 200  # of the numbers that do not move, below the lanes
_MARK_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)

Colour = tuple[int, int, int]
Span = tuple[float, float]


def as_png(score: ScoreFrames, title: str) -> bytes:
    """The chart as a PNG file."""
    chart = _Chart(score, title)
    chart.draw()
    file = BytesIO()
    size = (chart.image.width // OVERSAMPLING, chart.image.height // OVERSAMPLING)
    chart.image.resize(size, Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()


class _Chart:
    """Draws from top to bottom; ``_y`` is where the next lane goes."""

    def __init__(self, score: ScoreFrames, title: str) -> None:
        self._score, self._title, self._y = score, title, TOP
        self._names = in_order(score)
        self._seconds = score.frames / score.fps
        step = next((s for s in _MARK_SECONDS if self._seconds / s <= 16), _MARK_SECONDS[-1])
        self._marks = [number * step for number in range(int(self._seconds / step + 1e-9) + 1)]
        self._moving = {name: values for name, values in score.lanes.items() if min(values) != max(values)}
        rows = -(-min(len(self._names), MAX_LEGEND_TARGETS + 1) // 4)
        self._constants = wrap(
            constants({k: v[0] for k, v in score.lanes.items() if k not in self._moving}), LINE_CHARACTERS
        )
        signals = score.music.signals if score.music else {}
        self._signals = {name: values for name, values in signals.items() if min(values) != max(values)}
        lanes = [CURVE_LANE] * (len(self._moving) + len(self._signals))
        lanes += [TARGET_LANE, *[OCTAVE_LANE] * len(score.octaves)]
        lanes += [SONG_LANE if score.music.levels else BEAT_LANE] if score.music else []
        height = TOP + sum(lanes) + GAP * len(lanes) + AXIS + (rows + len(self._constants)) * LINE + 3 * GAP
        self.image = Image.new("RGB", (WIDTH * OVERSAMPLING, height * OVERSAMPLING), BACKGROUND)
        self._pen = ImageDraw.Draw(self.image)

    def draw(self) -> None:
        """Draw all lanes, the axis and the legend."""
        self._text((LEFT, 18), self._title, INK, 20)
        facts = f"{self._seconds:g} s · {self._score.frames} frames · {self._score.fps:g} fps"
        self._text((WIDTH - RIGHT, 22), facts, DIM, 14, "ra")
        if self._score.music:
            self._song(self._score.music)
        self._bars("targets", self._score.targets, TARGET_LANE, named=True)
        for scale, targets in self._score.octaves:
            self._bars(f"on octave {scale:.2f}", targets, OCTAVE_LANE, named=False)
        for name, values in self._signals.items():
            self._curve(name, values, SIGNAL)
        for name, values in self._moving.items():
            self._curve(name, values)
        self._axis()
        self._legend()
        for number, line in enumerate(reversed(self._constants), 1):
            self._text((LEFT, self.image.height / OVERSAMPLING - GAP - number * LINE), line, DIM, 13)

    def _song(self, music: Music) -> None:
        """Loudness, bass, mid and treble of the song, with beats, numbered bars, lettered sections and named cues."""
        bpm = f"{music.bpm:.4g} bpm"
        top, bottom = self._lane("song", SONG_LANE) if music.levels else self._lane(f"beats, {bpm}", BEAT_LANE)
        if music.levels:
            self._text((LEFT - 14, top + 4), bpm, DIM, 12, "ra")
        if music.counted:
            self._text((LEFT - 14, top + 20), "no beat detected: counted", DIM, 12, "ra")
        middle, reach = (top + bottom) / 2 - 7, SONG_LANE / 2 - 25
        for x, first, last in self._columns() if music.levels else []:
            for name, colour in LEVEL.items():
                fraction = {"loud": 1.0, "bass": 0.9, "mid": 0.6, "treble": 0.35}[name]
                half = reach * fraction * max(music.levels[name][first:last])
                self._box((x, middle - half, self._x(last), middle + half), colour)
        self._draw_times(music.beats, bottom - 8, bottom, BEAT)
        numbers = self._draw_times(music.bars, bottom - 14, bottom, BAR)
        for number in numbers:
            x = self._x(music.bars[number] * self._score.fps)
            self._text((x, bottom - 29), f"{number}", DIM, 11)
        for start, kind in music.sections if len(music.sections) > 1 else []:
            x = self._x(start * self._score.fps)
            if start < self._seconds:
                self._line([(x, top), (x, bottom)], INK, 1.5)
                self._text((x + 5, top + 3), chr(ord("A") + kind % 26), INK, 13)

        for second, name in music.cues:
            x = self._x(second * self._score.fps)
            self._line([(x, top), (x, bottom)], CUE, 1.5)
            self._text((x + 5, bottom - 44 if music.levels else top), name, CUE, 12)

    def _draw_times(self, times: Sequence[float], top: float, bottom: float, colour: Colour) -> list[int]:
        """Draw a line at every time, or at every 2nd, 4th … one if they are too close; the indices of those that have
        space for a number.
        """
        pixels = (WIDTH - LEFT - RIGHT) / max(len(times), 1)
        every = next(2**n for n in range(40) if pixels * 2**n >= MIN_LINE_PIXELS)
        for time in times[::every]:
            x = self._x(time * self._score.fps)
            self._line([(x, top), (x, bottom)], colour, 1)
        spaced = next(2**n for n in range(40) if pixels * 2**n >= 8 * MIN_LINE_PIXELS)
        return list(range(0, len(times), spaced))

    def _curve(self, name: str, values: Sequence[float], colour: Colour = CURVE) -> None:
        top, bottom = self._lane(name, CURVE_LANE)
        low, high = min(values), max(values)
        self._text((LEFT - 14, top + 4), f"{high:.4g}", DIM, 12, "ra")
        self._text((LEFT - 14, bottom - 18), f"{low:.4g}", DIM, 12, "ra")

        def height(value: float) -> float:
            return bottom - 8 - (value - low) / (high - low) * (CURVE_LANE - 16)

        # Each column of pixels shows the whole range within it, so that nothing fast is lost.
        points = [
            (x, height(value))
            for x, first, last in self._columns()
            for value in dict.fromkeys((values[first], min(values[first:last]), max(values[first:last])))
        ]
        self._line([*points, (WIDTH - RIGHT, height(values[-1]))], colour, 2)

    def _bars(self, name: str, targets: Sequence[PrintedWeights], height: int, named: bool) -> None:
        """Stack the targets at every frame, as high as their weights; negative ones are dark."""
        bottom = self._lane(name, height)[1]
        full = max(1.0, *(sum(map(abs, weights.values())) for weights in targets))
        runs: dict[str, list[tuple[float, float, float]]] = {}
        for x, first, last in self._columns():
            y = float(bottom)
            weights = targets[first]
            for target in sorted(weights, key=self._names.__getitem__):
                higher = y - abs(weights[target]) / full * height
                right = self._x(last)
                self._box((x, higher, right, y), self._colour(target, weights[target] < 0))
                if named and y - higher > height / 3:
                    runs.setdefault(target, []).append((x, right, (higher + y) / 2))
                y = higher
        for target, parts in runs.items():
            self._name_runs(target, parts)

    def _name_runs(self, target: str, parts: list[tuple[float, float, float]]) -> None:
        """Write the target's name on every part of its bar that is wide enough."""
        start = 0
        for index in range(1, len(parts) + 1):
            if index < len(parts) and parts[index][0] - parts[index - 1][1] < 0.5:
                continue
            left, right = parts[start][0], parts[index - 1][1]
            middle = parts[(start + index - 1) // 2][2]
            if self._font(13).getlength(target) / OVERSAMPLING < right - left - 8:
                self._text(((left + right) / 2, middle), target, BACKGROUND, 13, "mm")
            start = index

    def _axis(self) -> None:
        """Seconds above, frames below."""
        for time in self._marks:
            x = self._x(time * self._score.fps)
            self._text((x, self._y), clock(time), INK, 13, "ma")
            self._text((x, self._y + 18), f"{round(time * self._score.fps)}", DIM, 12, "ma")
        self._text((LEFT - 14, self._y), "seconds", INK, 13, "ra")
        self._text((LEFT - 14, self._y + 18), "frames", DIM, 12, "ra")
        self._y += AXIS

    def _legend(self) -> None:
        names = list(self._names)
        shown = names[:MAX_LEGEND_TARGETS] + (
            [f"and {len(names) - MAX_LEGEND_TARGETS} more"] if len(names) > MAX_LEGEND_TARGETS else []
        )
        for number, name in enumerate(shown):
            row, column = divmod(number, 4)
            x, y = LEFT + column * (WIDTH - LEFT - RIGHT) / 4, self._y + row * LINE
            if name in self._names:
                self._box((x, y + 3, x + 12, y + 15), self._colour(name, False))
            label = name if len(name) <= 40 else f"{name[:18]}…{name[-21:]}"
            self._text((x + 18, y), label, INK, 13)

    def _lane(self, name: str, height: int) -> Span:
        """Draw an empty lane with a line at every mark; its top and bottom."""
        top, bottom = self._y, self._y + height
        self._box((LEFT, top, WIDTH - RIGHT, bottom), LANE)
        for time in self._marks:
            x = self._x(time * self._score.fps)
            self._line([(x, top), (x, bottom)], GRID, 1)
        self._text((LEFT - 86 if height == CURVE_LANE else LEFT - 14, (top + bottom) / 2), name, INK, 14, "rm")
        self._y = bottom + GAP
        return top, bottom

    def _columns(self) -> list[tuple[float, int, int]]:
        """(x, first frame, frame after the last) of columns at least a pixel wide."""
        count = min(self._score.frames, WIDTH - LEFT - RIGHT)
        edges = [round(n * self._score.frames / count) for n in range(count + 1)]
        return [(self._x(first), first, last) for first, last in pairwise(edges)]

    def _x(self, frame: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * frame / self._score.frames

    def _colour(self, target: str, negative: bool) -> Colour:
        """Distant hues for successive targets: steps of the golden section."""
        number = self._names[target]
        value = (0.92, 0.78)[number // 8 % 2] * (0.4 if negative else 1.0)
        red, green, blue = colorsys.hsv_to_rgb((0.08 + number * 0.618034) % 1, 0.5, value)
        return round(255 * red), round(255 * green), round(255 * blue)

    def _box(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        left, top, right, bottom = (round(side * OVERSAMPLING) for side in box)
        if right > left and bottom > top:
            self._pen.rectangle((left, top, right - 1, bottom - 1), colour)

    def _line(self, points: Sequence[Span], colour: Colour, width: float) -> None:
        self._pen.line(
            [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points],
            colour,
            round(width * OVERSAMPLING),
            joint="curve",
        )

    def _text(self, at: Span, text: str, colour: Colour, size: int, anchor: str = "la") -> None:
        self._pen.text((at[0] * OVERSAMPLING, at[1] * OVERSAMPLING), text, colour, self._font(size), anchor)

    def _font(self, size: int) -> Any:
        return ImageFont.load_default(size * OVERSAMPLING)

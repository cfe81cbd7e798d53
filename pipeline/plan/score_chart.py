"""The picture of a score: a lane for every number, a lane of coloured bars for the targets, over seconds and frames."""

import colorsys
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from pipeline.plan.score_data import Music, PrintedWeights, Sheet

FINER = 2  # drawn so many times larger, then reduced: smooth lines
WIDTH, LEFT, RIGHT = 1600, 230, 24
MOVING, STILL, BARS, OCTAVE, SONG, BEATS = 84, 26, 120, 40, 124, 44  # heights of lanes
GAP, TOP, AXIS, LINE = 10, 56, 44, 22
PAPER, LANE, GRID = (22, 23, 28), (31, 33, 40), (52, 55, 66)
INK, FAINT, CURVE = (232, 233, 238), (148, 152, 166), (126, 200, 255)
LEVEL = {"loud": (84, 88, 102), "bass": (233, 95, 80), "mid": (104, 190, 120), "treble": (150, 205, 255)}
BAR, BEAT = (232, 233, 238), (120, 124, 138)
NARROW = 5  # pixels below which lines are too near each other to be drawn
MOST_NAMED = 24  # targets in the legend
# Distances between marks, in seconds.
_STEPS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)

Colour = tuple[int, int, int]
Span = tuple[float, float]


def as_png(sheet: Sheet, title: str) -> bytes:
    """The whole picture as a PNG file."""
    picture = _Picture(sheet, title)
    picture.draw()
    file = BytesIO()
    size = (picture.image.width // FINER, picture.image.height // FINER)
    picture.image.resize(size, Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()


class _Picture:
    """Draws from top to bottom; ``_y`` is where the next lane goes."""

    def __init__(self, sheet: Sheet, title: str) -> None:
        self._sheet, self._title, self._y = sheet, title, TOP
        self._names = _in_order(sheet)
        self._seconds = sheet.frames / sheet.fps
        step = next((s for s in _STEPS if self._seconds / s <= 16), _STEPS[-1])
        self._marks = [number * step for number in range(int(self._seconds / step + 1e-9) + 1)]
        self._moving = {name: values for name, values in sheet.lanes.items() if min(values) != max(values)}
        still = len(sheet.lanes) - len(self._moving)
        rows = -(-min(len(self._names), MOST_NAMED + 1) // 4)
        lanes = [MOVING] * len(self._moving) + [STILL] * still + [BARS] + [OCTAVE] * len(sheet.octaves)
        lanes += [SONG if sheet.music.levels else BEATS] if sheet.music else []
        height = TOP + sum(lanes) + GAP * len(lanes) + AXIS + rows * LINE + 2 * GAP
        self.image = Image.new("RGB", (WIDTH * FINER, height * FINER), PAPER)
        self._pen = ImageDraw.Draw(self.image)

    def draw(self) -> None:
        """Everything."""
        seconds = self._seconds
        self._text((LEFT, 18), self._title, INK, 20)
        facts = f"{seconds:g} s · {self._sheet.frames} frames · {self._sheet.fps:g} fps"
        self._text((WIDTH - RIGHT, 22), facts, FAINT, 14, "ra")
        if self._sheet.music:
            self._song(self._sheet.music)
        self._bars("targets", self._sheet.targets, BARS, named=True)
        for scale, targets in self._sheet.octaves:
            self._bars(f"on octave {scale:.2f}", targets, OCTAVE, named=False)
        for name, values in self._moving.items():
            self._curve(name, values)
        for name, values in self._sheet.lanes.items():
            if name not in self._moving:
                self._still(name, values[0])
        self._axis()
        self._legend()

    def _song(self, music: Music) -> None:
        """Its loudness with bass, mid and treble in it, under beats, numbered bars and lettered sections."""
        bpm = f"{music.bpm:.4g} bpm"
        top, bottom = self._lane("song", SONG) if music.levels else self._lane(f"beats, {bpm}", BEATS)
        if music.levels:
            self._text((LEFT - 14, top + 4), bpm, FAINT, 12, "ra")
        if music.counted:
            self._text((LEFT - 14, top + 20), "counted: no beat is heard", FAINT, 12, "ra")
        middle, reach = (top + bottom) / 2 - 7, SONG / 2 - 25
        for x, first, last in self._columns() if music.levels else []:
            for name, colour in LEVEL.items():
                share = {"loud": 1.0, "bass": 0.9, "mid": 0.6, "treble": 0.35}[name]
                half = reach * share * max(music.levels[name][first:last])
                self._box((x, middle - half, self._x(last), middle + half), colour)
        self._marked(music.beats, bottom - 8, bottom, BEAT)
        numbers = self._marked(music.bars, bottom - 14, bottom, BAR)
        for number in numbers:
            x = self._x(music.bars[number] * self._sheet.fps)
            self._text((x, bottom - 29), f"{number}", FAINT, 11)
        for start, kind in music.sections if len(music.sections) > 1 else []:
            x = self._x(start * self._sheet.fps)
            if start < self._seconds:
                self._line([(x, top), (x, bottom)], INK, 1.5)
                self._text((x + 5, top + 3), chr(ord("A") + kind % 26), INK, 13)

    def _marked(self, times: Sequence[float], top: float, bottom: float, colour: Colour) -> list[int]:
        """A line at each time, or at every second, fourth … where they are too near; which of them have room for a
        number.
        """
        pixels = (WIDTH - LEFT - RIGHT) / max(len(times), 1)
        every = next(2**n for n in range(40) if pixels * 2**n >= NARROW)
        for time in times[::every]:
            x = self._x(time * self._sheet.fps)
            self._line([(x, top), (x, bottom)], colour, 1)
        roomy = next(2**n for n in range(40) if pixels * 2**n >= 8 * NARROW)
        return list(range(0, len(times), roomy))

    def _curve(self, name: str, values: Sequence[float]) -> None:
        top, bottom = self._lane(name, MOVING)
        low, high = min(values), max(values)
        self._text((LEFT - 14, top + 4), f"{high:.4g}", FAINT, 12, "ra")
        self._text((LEFT - 14, bottom - 18), f"{low:.4g}", FAINT, 12, "ra")

        def height(value: float) -> float:
            return bottom - 8 - (value - low) / (high - low) * (MOVING - 16)

        # What lies within one column of pixels shows its whole range: nothing fast is lost.
        points = [
            (x, height(value))
            for x, first, last in self._columns()
            for value in dict.fromkeys((values[first], min(values[first:last]), max(values[first:last])))
        ]
        self._line([*points, (WIDTH - RIGHT, height(values[-1]))], CURVE, 2)

    def _still(self, name: str, value: float) -> None:
        top, bottom = self._lane(name, STILL)
        middle = (top + bottom) / 2
        self._text((LEFT + 10, middle), f"{value:.6g}", INK, 13, "lm")
        self._line([(LEFT + 80, middle), (WIDTH - RIGHT, middle)], GRID, 1.5)

    def _bars(self, name: str, targets: Sequence[PrintedWeights], height: int, named: bool) -> None:
        """At every frame the targets' bars stand on each other, as high as their weights; less-of-it is dark."""
        bottom = self._lane(name, height)[1]
        full = max(1.0, *(sum(map(abs, sight.values())) for sight in targets))
        runs: dict[str, list[tuple[float, float, float]]] = {}
        for x, first, last in self._columns():
            y = float(bottom)
            sight = targets[first]
            for target in sorted(sight, key=self._names.__getitem__):
                higher = y - abs(sight[target]) / full * height
                right = self._x(last)
                self._box((x, higher, right, y), self._colour(target, sight[target] < 0))
                if named and y - higher > height / 3:
                    runs.setdefault(target, []).append((x, right, (higher + y) / 2))
                y = higher
        for target, parts in runs.items():
            self._name_runs(target, parts)

    def _name_runs(self, target: str, parts: list[tuple[float, float, float]]) -> None:
        """The target's name on every stretch of its bar that is wide enough for it."""
        start = 0
        for index in range(1, len(parts) + 1):
            if index < len(parts) and parts[index][0] - parts[index - 1][1] < 0.5:
                continue
            left, right = parts[start][0], parts[index - 1][1]
            middle = parts[(start + index - 1) // 2][2]
            if self._font(13).getlength(target) / FINER < right - left - 8:
                self._text(((left + right) / 2, middle), target, PAPER, 13, "mm")
            start = index

    def _axis(self) -> None:
        """Seconds above, frames below."""
        for time in self._marks:
            x = self._x(time * self._sheet.fps)
            self._text((x, self._y), _clock(time), INK, 13, "ma")
            self._text((x, self._y + 18), f"{round(time * self._sheet.fps)}", FAINT, 12, "ma")
        self._text((LEFT - 14, self._y), "seconds", INK, 13, "ra")
        self._text((LEFT - 14, self._y + 18), "frames", FAINT, 12, "ra")
        self._y += AXIS

    def _legend(self) -> None:
        names = list(self._names)
        shown = names[:MOST_NAMED] + ([f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else [])
        for number, name in enumerate(shown):
            row, column = divmod(number, 4)
            x, y = LEFT + column * (WIDTH - LEFT - RIGHT) / 4, self._y + row * LINE
            if name in self._names:
                self._box((x, y + 3, x + 12, y + 15), self._colour(name, False))
            letters = name if len(name) <= 40 else f"{name[:18]}…{name[-21:]}"
            self._text((x + 18, y), letters, INK, 13)

    def _lane(self, name: str, height: int) -> Span:
        """Paper for the next lane, with a line at every mark: its top and bottom."""
        top, bottom = self._y, self._y + height
        self._box((LEFT, top, WIDTH - RIGHT, bottom), LANE)
        for time in self._marks:
            x = self._x(time * self._sheet.fps)
            self._line([(x, top), (x, bottom)], GRID, 1)
        self._text((LEFT - 86 if height == MOVING else LEFT - 14, (top + bottom) / 2), name, INK, 14, "rm")
        self._y = bottom + GAP
        return top, bottom

    def _columns(self) -> list[tuple[float, int, int]]:
        """(x, first frame, frame after the last) for stretches of at least a pixel that cover all frames."""
        count = min(self._sheet.frames, WIDTH - LEFT - RIGHT)
        edges = [round(n * self._sheet.frames / count) for n in range(count + 1)]
        return [(self._x(first), first, last) for first, last in pairwise(edges)]

    def _x(self, frame: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * frame / self._sheet.frames

    def _colour(self, target: str, less: bool) -> Colour:
        """Colours far from each other for targets that follow each other: steps of the golden section."""
        number = self._names[target]
        value = (0.92, 0.78)[number // 8 % 2] * (0.4 if less else 1.0)
        red, green, blue = colorsys.hsv_to_rgb((0.08 + number * 0.618034) % 1, 0.5, value)
        return round(255 * red), round(255 * green), round(255 * blue)

    def _box(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        left, top, right, bottom = (round(side * FINER) for side in box)
        if right > left and bottom > top:
            self._pen.rectangle((left, top, right - 1, bottom - 1), colour)

    def _line(self, points: Sequence[Span], colour: Colour, width: float) -> None:
        self._pen.line([(x * FINER, y * FINER) for x, y in points], colour, round(width * FINER), joint="curve")

    def _text(self, at: Span, words: str, colour: Colour, letters: int, anchor: str = "la") -> None:
        self._pen.text((at[0] * FINER, at[1] * FINER), words, colour, self._font(letters), anchor)

    def _font(self, letters: int) -> Any:
        return ImageFont.load_default(letters * FINER)


def _in_order(sheet: Sheet) -> dict[str, int]:
    """Every target with a number of its own, in the order in which they come up."""
    seen = [sheet.targets, *(targets for _, targets in sheet.octaves)]
    names = dict.fromkeys(name for targets in seen for sight in targets for name in sight)
    return {name: number for number, name in enumerate(names)}


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g}"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}:{rest:02.0f}" if minutes < 60 else f"{minutes // 60:.0f}:{minutes % 60:02.0f}:{rest:02.0f}"

"""An animatic: the whole film as a small sketch in time, with timecode, targets and cues below it, and its sound."""

import bisect
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from pipeline.build import Networks, build_shot, open_footage
from pipeline.config import EncodeConfig
from pipeline.errors import Interrupted
from pipeline.image import from_array, resize
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.image_grid import INK, PALE, PAPER, font
from pipeline.media.encode.mux import assemble
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.media.encode.video_spec import VideoSpec
from pipeline.plan.film_pieces import cues, dreamed_pieces
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.sound import plan_sound
from pipeline.runtime.device import choose_device
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.storyboard.sketch import SKETCH_FPS, draft

SHORT_SIDE_PIXELS = 108
EFFORT = 0.25  # of the steps that the film takes
FPS = Fraction(12)  # of the video: every sketched frame stands for three of its frames
PICTURE_PIXELS, STRIP_PIXELS = 270, 44  # on the picture's short side, and the strip of words below it
ENCODE = EncodeConfig(codec="h264", quality="good", bits="8")

Sketched = tuple[float, Tensor, str]
"""(second of the film, frame ``(1, 3, h, w)`` in [0, 1], strongest target)."""


def make(plan: FilmPlan, path: Path) -> None:
    """Sketch the film and write the video to ``path``.

    Raises RenderError kinds and Interrupted, with nothing written.
    """
    factor = PICTURE_PIXELS / min(plan.width, plan.height)
    size = (2 * round(plan.height * factor / 2), 2 * round(plan.width * factor / 2))
    count = max(1, round(plan.seconds * FPS))
    caption = _Caption(plan, size)
    with TemporaryDirectory() as folder, Stop() as stop, Progress(count, "animatic") as progress:
        encoder = Encoder(
            Path(folder, "animatic.mp4"), width=size[1], height=size[0] + STRIP_PIXELS, fps=FPS, encode=ENCODE
        )
        with encoder:
            for number, (frame, label) in enumerate(_in_time(plan, _sketch(plan, stop), count)):
                picture = to_bytes(resize(frame, size).clamp(0, 1))
                encoder.write(from_array(caption.below(picture, number, label).astype(np.float32) / 255))
                progress.step()
        film = VideoSpec(
            path,
            encode=ENCODE,
            width=size[1],
            height=size[0] + STRIP_PIXELS,
            fps=FPS,
            frames=count,
            record="",
            title=plan.title,
            overwrite=plan.config.overwrite,
        )
        assemble([encoder.part], film, sound=plan_sound(plan))


def _sketch(plan: FilmPlan, stop: Stop) -> Iterator[Sketched]:
    """The sketched frames of all shots in order, each shot from its own start."""
    config = plan.config
    networks = Networks(choose_device(config.device, config.deterministic), config.precision, config.deterministic)
    for number, piece in enumerate(dreamed_pieces(plan)):
        shot_plan = draft(plan.shots[number], SHORT_SIDE_PIXELS, EFFORT)
        begin, first = float(plan.first_frame(number) / plan.fps), float(piece.first / plan.fps)
        with ExitStack() as stack:
            network = networks.find(shot_plan, {})
            shot = build_shot(shot_plan, network, fps=SKETCH_FPS if shot_plan.footage is None else None)
            stack.callback(shot.dreamer.close)
            shot = open_footage(shot_plan, shot, stack)
            canvas = shot.canvas
            for grown in shot.begin():
                canvas = grown
            for step in shot.render(canvas):
                if stop.requested:
                    raise Interrupted("stopped; nothing was written")
                second = begin + step.index / shot.clock.fps
                if second * plan.fps >= piece.end:
                    break
                yield max(second, first), step.frame, step.label


def _in_time(plan: FilmPlan, sketched: Iterator[Sketched], count: int) -> Iterator[tuple[Tensor, str]]:
    """(frame, target) for each of ``count`` frames of the video: the last sketch that has begun by then."""
    if plan.playback is not None:
        sketches = [(second, to_bytes(frame), label) for second, frame, label in sketched]
        begins = [second for second, _, _ in sketches]
        for number in range(count):
            last = bisect.bisect_right(begins, plan.dreamed_second(float(number / FPS)) + 1e-9) - 1
            yield from_array(sketches[max(0, last)][1].astype(np.float32) / 255), sketches[max(0, last)][2]
        return
    now = next(sketched)
    following = next(sketched, None)
    for number in range(count):
        while following is not None and following[0] <= number / FPS + 1e-9:
            now, following = following, next(sketched, None)
        yield now[1], now[2]


class _Caption:
    """The strip of words below a picture: timecode and frame of the film, target, cue."""

    def __init__(self, plan: FilmPlan, size: tuple[int, int]) -> None:
        self._fps, self._size, self._seconds = plan.shown_fps, size, float(plan.seconds)
        marks = cues(plan)
        self._frames, self._names = [frame for frame, _ in marks], [name for _, name in marks]

    def below(self, picture: NDArray[np.uint8], number: int, label: str) -> NDArray[np.uint8]:
        """The picture ``(H, W, 3)`` with its strip, as ``(H + strip, W, 3)`` bytes."""
        height, width = self._size
        frame = round(number / FPS * self._fps)
        whole, rest = divmod(frame, round(self._fps))
        clock = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}:{rest:02}"
        cue = bisect.bisect_right(self._frames, frame) - 1
        sheet = Image.new("RGB", (width, height + STRIP_PIXELS), PAPER)
        sheet.paste(Image.fromarray(picture), (0, 0))
        pen = ImageDraw.Draw(sheet)
        pen.text((8, height + 13), clock, INK, font(15), "lm")
        pen.text((width - 8, height + 13), self._names[cue] if cue >= 0 else "", INK, font(13), "rm")
        pen.text((8, height + 32), label, PALE, font(12), "lm")
        pen.text((width - 8, height + 32), f"frame {frame}", PALE, font(11), "rm")
        done = round(width * number / FPS / max(self._seconds, 1e-9))
        pen.line([(0, height), (done, height)], INK, 2)
        return np.asarray(sheet)

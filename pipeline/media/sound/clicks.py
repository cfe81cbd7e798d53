"""A video to judge beats by ear: a song with a click on every beat, under a chart with a moving line. No torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.sound.song_audio import Soundtrack

RATE = 44_100
CLICK_SECONDS = 0.03
BEAT_HERTZ, BAR_HERTZ = 1_000.0, 1_600.0
FPS = 25
MAX_ENCODING_SECONDS = 600.0


def click_samples(seconds: float, beats: Sequence[float], bars: Sequence[float]) -> NDArray[np.float32]:
    """Mono samples with a click at each beat, a higher one where a bar starts."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    t = np.arange(round(CLICK_SECONDS * RATE)) / RATE
    for second in beats:
        is_bar = any(abs(second - bar) < 1e-6 for bar in bars)
        click = np.sin(2 * np.pi * (BAR_HERTZ if is_bar else BEAT_HERTZ) * t) * np.exp(-t * 150)
        first = round(second * RATE)
        piece = samples[max(first, 0) : first + len(click)]
        piece += (0.9 * click[: len(piece)]).astype(np.float32)
    return samples


def write(
    path: Path, chart: Path, sound: Soundtrack, clicks: NDArray[np.float32], span: tuple[int, int, float]
) -> None:
    """Write the mp4 ``path``: the ``sound`` with ``clicks``, the picture ``chart`` with a line from x = ``span[0]`` to
    ``span[1]`` that takes ``span[2]`` seconds. Raises InputError.
    """
    left, right, whole = span
    line = f"color=c=white:s=3x4000:r={FPS}:d={sound.seconds:.6f}[line]"
    moving = f"overlay=x='{left}+{right - left}*t/{whole:.6f}':y=0:shortest=1,scale=trunc(iw/2)*2:trunc(ih/2)*2"
    layout = f"aformat=channel_layouts=stereo:sample_rates={RATE}"
    graph = [
        f"{line};[0:v][line]{moving},format=yuv420p[v]",
        f"[1:a]{sound.filters()},{layout},volume=0.7[song]",
        f"[2:a]{layout}[clicks]",
        "[song][clicks]amix=duration=first:normalize=0,alimiter=limit=0.95:level=0[a]",
    ]
    inputs = ["-loop", "1", "-framerate", str(FPS), "-i", f"file:{chart}", *sound.inputs()]
    inputs += ["-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0", "-filter_complex", ";".join(graph)]
    outputs = ["-map", "[v]", "-map", "[a]", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac", "-b:a", "192k"]
    outputs += ["-t", f"{sound.seconds:.6f}", "-f", "mp4", "-y", f"file:{path}"]
    ffmpeg.run(
        [*inputs, *outputs],
        doing="mixing the clicks",
        timeout=MAX_ENCODING_SECONDS,
        input=clicks.tobytes(),
        failure=InputError,
    )

"""The sound of footage heard through once, before anything is rendered: whether it is whole. No torch."""

import math
import re
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import source
from pipeline.media.decode.scan import STRICT
from pipeline.media.ffmpeg_log import SILENCE, last_words, lines


def find_damage(path: Path, start: float, end: float = math.inf) -> str:
    """Where and how the sound of ``path`` is damaged between two seconds of the file's clock; empty when it is whole.

    What cannot be decoded before the first sound is no damage: recordings begin amid a packet.
    """
    seek = ["-ss", f"{start:.6f}"] if start > 0 else []
    limit = ["-t", f"{end - start:.6f}"] if end < math.inf else []
    arguments = [*STRICT, *seek, *source(path), "-map", "0:a", *limit]
    arguments += ["-c:a", "pcm_s16le", "-f", "framecrc", "pipe:1"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    bases: dict[str, float] = {}
    heard: dict[str, float] = {}
    try:
        for line in lines(process):
            base = re.match(r"#tb (\d+): (\d+)/(\d+)", line)
            if base:
                bases[base[1]] = int(base[2]) / int(base[3])
            elif not line.startswith("#"):
                stream, _, pts, *_ = (word.strip() for word in line.split(","))
                heard[stream] = int(pts) * bases[stream]
        if process.wait(SILENCE) == 0 or not heard:
            return ""
        return f"at about {start + min(heard.values()):.2f} s ({last_words(process)})"
    finally:
        process.kill()

"""Names along a film: chapters in its container, and a track of subtitles."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.runtime.files import part_path

SUBTITLES = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
"""For each container that holds them, the codec of its subtitles. The same containers hold chapters."""


@dataclass(frozen=True)
class Caption:
    """What is named from second ``start`` to ``end``."""

    start: float
    end: float
    text: str


def as_chapters(captions: Sequence[Caption]) -> str:
    """The end of an ffmetadata file."""
    lines = []
    for caption in captions:
        text = re.sub(r"([=;#\\\n\r])", r"\\\1", caption.text)
        span = f"START={round(caption.start * 1000)}\nEND={round(caption.end * 1000)}"
        lines.append(f"[CHAPTER]\nTIMEBASE=1/1000\n{span}\ntitle={text}\n")
    return "".join(lines)


@contextmanager
def subtitle_input(captions: Sequence[Caption], part: Path) -> Iterator[list[str]]:
    """ffmpeg's arguments that open the captions as subtitles, from a hidden file next to ``part``; none without any."""
    if not captions:
        yield []
        return
    path = part_path(part, "srt")
    try:
        entries = [
            f"{number}\n{_clock(each.start)} --> {_clock(each.end)}\n{' '.join(each.text.split())}\n"
            for number, each in enumerate(captions, 1)
        ]
        path.write_text("\n".join(entries), encoding="utf-8")
        yield ["-protocol_whitelist", "file", "-f", "srt", "-i", f"file:{path}"]
    finally:
        path.unlink(missing_ok=True)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"

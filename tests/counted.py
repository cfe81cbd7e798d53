"""The facts of a video file with the number of its frames, counted by decoding them."""

from dataclasses import dataclass, fields
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import FIRST_VIDEO, VideoFacts, probe, source

SECONDS = 300.0  # that the decoding of a test's film may take


@dataclass(frozen=True, kw_only=True)
class CountedFacts(VideoFacts):
    frames: int


def probe_and_count(path: Path) -> CountedFacts:
    """All facts. Raises InputError, also for a damaged file: it holds fewer frames than its packets promise."""
    facts = probe(path)
    return CountedFacts(
        **{field.name: getattr(facts, field.name) for field in fields(facts)}, frames=count_decoded(path)
    )


def count_decoded(path: Path) -> int:
    """Decoded frames. Raises InputError."""
    arguments = ["-xerror", *source(path), "-map", FIRST_VIDEO, "-fps_mode", "passthrough", "-f", "framecrc", "pipe:1"]
    report = ffmpeg.run(arguments, doing=f"reading {path}", timeout=SECONDS, failure=InputError)
    return sum(not line.startswith(b"#") for line in report.splitlines())

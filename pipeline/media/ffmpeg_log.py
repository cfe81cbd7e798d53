"""What a running ffmpeg prints, and its last words. No torch."""

import re
from collections.abc import Iterator

from pipeline.media import ffmpeg

SILENCE = 120.0  # seconds that ffmpeg may need for one picture
HOLLOW = re.compile(
    r"Error (submitting|processing) packet|Task finished|Terminating|Conversion failed|Last message rep"
)


def lines(process: ffmpeg.Process) -> Iterator[str]:
    """Lines of standard output as they come. Raises the failure of ``process`` when nothing comes for long."""
    rest = b""
    while piece := process.read(4096, SILENCE):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)


def last_words(process: ffmpeg.Process) -> str:
    """What a failed ffmpeg said of the reason: its last lines, without those that say nothing."""
    spoken = re.sub(r"^(\[[^][]*\] *)+", "", process.messages(), flags=re.MULTILINE).splitlines()
    useful = [line for line in dict.fromkeys(spoken) if line.strip() and not HOLLOW.match(line)]
    return "; ".join(useful[-2:])[-200:] or "it cannot be decoded"

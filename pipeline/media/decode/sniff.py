"""What is no footage, whatever its name says: one sentence about what it is instead. No torch."""

import os
import re
from pathlib import Path

from pipeline.errors import InputError

SEEN = 2048  # bytes at the beginning of a file that tell what it is
LISTS = re.compile(
    r"\s*(ffconcat\b|#EXTM3U|#EXTINF|\[playlist\]|<(asx|smil|MPD|SmoothStreamingMedia)\b|<\?xml|file\s+\S)",
    re.IGNORECASE,
)
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM")
BOXES = (b"ftyp", b"mdat", b"moov", b"wide", b"free", b"skip")
NO_INDEX = "moov atom not found"
NO_PICTURES = "matches no streams"


def check_disguise(path: Path) -> None:
    """Raise InputError when ``path`` is empty, a list of other files, a text or a picture."""
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} cannot be read: permission denied")
    with path.open("rb") as file:
        head = file.read(SEEN)
    if not head:
        raise InputError(f"{path} is empty")
    if head.startswith(PICTURES) and b"acTL" not in head:
        raise InputError(f"{path} is one picture; footage is a video, a folder of pictures or frames/%05d.png")
    text = _as_text(head)
    if text is not None and LISTS.match(text):
        raise InputError(f"{path} is a list of other files, none of which is opened; name the video itself")
    if text is not None and not text.startswith("YUV4MPEG2"):
        raise InputError(f"{path} holds text, not a video")


def explained(path: Path, error: InputError) -> InputError:
    """The error of opening ``path`` in words that help, where ffmpeg's do not."""
    said = str(error)
    if NO_PICTURES in said:
        return InputError(f"{path} holds no pictures; is it a recording of sound alone?")
    if NO_INDEX not in said:
        return error
    with path.open("rb") as file:
        begins = file.read(8)[4:] in BOXES
    broken = "its index is missing, as when a recording or a copy breaks off"
    return InputError(f"{path} cannot be read: {broken}" if begins else f"{path} is no video that can be read")


def _as_text(head: bytes) -> str | None:
    """The bytes as text, or None when they are none."""
    try:
        text = head.decode("utf-8", "strict" if len(head) < SEEN else "ignore")
    except UnicodeDecodeError:
        return None
    return text if not re.search(r"[\x00-\x08\x0e-\x1f]", text) and len(text) > len(head) // 4 else None

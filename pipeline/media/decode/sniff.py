"""Recognizes files that are not footage, whatever their suffix, and says what they are. No torch."""

import os
import re
from pathlib import Path

from pipeline.errors import InputError

HEAD_BYTES = 2048
PLAYLIST = re.compile(
    r"\s*(ffconcat\b|#EXTM3U|#EXTINF|\[playlist\]|<(asx|smil|MPD|SmoothStreamingMedia)\b|<\?xml|file\s+\S)",
    re.IGNORECASE,
)
IMAGE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM")
STILL_BRANDS, ANIMATED_BRANDS = (b"avif", b"heic", b"heix", b"mif1"), (b"avis", b"hevc", b"msf1")  # of AVIF and HEIF
MP4_BOXES = (b"ftyp", b"mdat", b"moov", b"wide", b"free", b"skip")


def check_footage_file(path: Path) -> None:
    """Raise InputError when ``path`` is empty, a playlist, a text or an image."""
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} cannot be read: permission denied")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise InputError(f"{path} is empty")
    is_webp = head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    is_still = head.startswith(IMAGE_SIGNATURES) and b"acTL" not in head  # acTL: an animated PNG
    if is_still or (is_webp and b"ANIM" not in head) or (head[4:8] == b"ftyp" and head[8:12] in STILL_BRANDS):
        raise InputError(f"{path} is one picture; footage is a video, a folder of pictures or frames/%05d.png")
    if head[4:8] == b"ftyp" and head[8:12] in ANIMATED_BRANDS:  # ffmpeg would read its title picture
        raise InputError(f"{path} is an animated picture that is not read; convert it to MP4, MKV, GIF or WebP")
    text = _as_text(head)
    if text is not None and PLAYLIST.match(text):
        raise InputError(f"{path} is a list of other files, none of which is opened; name the video itself")
    if text is not None and not text.startswith("YUV4MPEG2"):
        raise InputError(f"{path} holds text, not a video")


def explain(path: Path, error: InputError) -> InputError:
    """A clearer error for a file that ffmpeg cannot open, where its own message does not help."""
    if "matches no streams" in str(error):
        return InputError(f"{path} holds no pictures; is it a sound recording?")
    if "not on whitelist" in str(error):
        return InputError(f"{path} is no kind of video that is read; convert it to MP4, MOV, MKV or WebM")
    if "moov atom not found" not in str(error):
        return error
    with path.open("rb") as file:
        is_mp4 = file.read(8)[4:] in MP4_BOXES
    cause = "cannot be read: its index is missing, as when a recording or a copy breaks off"
    return InputError(f"{path} {cause if is_mp4 else 'is not a video that can be read'}")


def _as_text(head: bytes) -> str | None:
    """The bytes as UTF-8 text, or None when they are binary."""
    try:
        text = head.decode("utf-8", "strict" if len(head) < HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        return None
    return text if not re.search(r"[\x00-\x08\x0e-\x1f]", text) and len(text) > len(head) // 4 else None

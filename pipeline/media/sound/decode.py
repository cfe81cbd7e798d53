"""Decodes any sound file to mono samples with ffmpeg, without trusting the file."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.sound.song_audio import first_track, song_source
from pipeline.media.sound.tracks import Track
from pipeline.runtime.files import check_name

RATE = 22_050
"""Samples per second of the analysis: treble up to 11 kHz."""
BLOCK_BYTES = 1 << 18
Samples = NDArray[np.float32]


def check_song(path: Path, key: str) -> None:
    """Raise InputError, naming the setting ``key``, unless ``path`` is a readable file."""
    check_name(path, f"{key}={path}")
    if path.is_dir():
        raise InputError(f"{key}={path}: that is a folder, not a song")
    if not path.is_file():
        raise InputError(f"{key}={path}: there is no such file")
    if not os.access(path, os.R_OK):
        raise InputError(f"{key}={path}: it cannot be read: permission denied")


@dataclass
class Decoder:
    """The first sound track of ``path`` as mono; second 0 is where the file's clock begins.

    ``damage`` holds ffmpeg's complaint once ``blocks`` has ended; the samples it could decode were returned.
    """

    path: Path
    rate: int = RATE
    damage: str = field(default="", init=False)

    def blocks(self) -> Iterator[Samples]:
        """The samples, about -1 to 1, ``rate`` per second. Raises InputError when there is none."""
        track = Track()
        with suppress(InputError):  # ffmpeg's complaint about the whole file, below, says more
            track = first_track(self.path)
        filters = ",".join(track.filters("mono"))
        chain = f"aresample={self.rate}:async=1:first_pts=0,{filters},aformat=sample_fmts=flt"
        arguments = [*song_source(self.path), "-map", "0:a:0", "-af", chain, "-f", "f32le", "pipe:1"]
        process = ffmpeg.Process(arguments, doing=f"reading {self.path}", failure=InputError)
        has_samples, is_finite = False, True
        try:
            while data := process.read(BLOCK_BYTES, ffmpeg.MAX_SILENCE_SECONDS):
                samples = np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(np.float32)
                has_samples = has_samples or bool(len(samples))
                is_finite = is_finite and bool(np.isfinite(samples).all())
                yield np.nan_to_num(samples, posinf=0.0, neginf=0.0).clip(-8, 8)
            failed = process.wait(ffmpeg.MAX_SILENCE_SECONDS) != 0 or bool(process.messages().strip())
            damage = str(process.error()).rpartition("ffmpeg said: ")[2] if failed else ""
        finally:
            process.kill()
        if not has_samples:
            cause = f"; ffmpeg said: {damage}" if damage else ""
            raise InputError(f"{self.path} holds no sound that can be read{cause}")
        self.damage = damage or ("" if is_finite else "samples that are no numbers become silence")


MP3_HEAD_BYTES = 256  # from the first frame on, which may hold the counts of frames and bytes
MAX_OGG_PAGE_BYTES = 65_307
MAX_WAV_CHUNKS = 1000
UNKNOWN_SIZE = 0x7FFF_F000  # from here on a size was written before it was known


def missing_end(path: Path) -> str:
    """What is missing at the end of a WAV, AIFF, MP3 or Ogg file, by the lengths in its headers.

    Empty where nothing is missing or nothing is known.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            if head.startswith(b"OggS"):
                return _check_ogg(file, size)
            if head[:4] == b"RIFF" and head[8:] == b"WAVE":
                expected = _wav_size(file)
            elif head[:4] == b"FORM" and head[8:11] == b"AIF":
                expected = 8 + _known(unpack_from(">I", head, 4)[0])
            else:
                expected = _mp3_size(file, head)
    except OSError:
        return ""
    return f"{expected - size} of its {expected} bytes are missing" if expected > size + 1 else ""


def _known(size: int) -> int:
    return size if size < UNKNOWN_SIZE else 0


def _wav_size(file: BinaryIO) -> int:
    """Where the samples end."""
    at = 12
    for _ in range(MAX_WAV_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            break
        length = _known(unpack_from("<I", head, 4)[0])
        if head[:4] == b"data":
            return at + 8 + length
        at += 8 + length + length % 2
    return 0


def _mp3_size(file: BinaryIO, head: bytes) -> int:
    """Where the last frame ends, by the Xing header that LAME and ffmpeg write; 0 without one."""
    begin = 0
    if head.startswith(b"ID3") and len(head) > 9:
        a, b, c, d = (byte & 127 for byte in head[6:10])
        begin = 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if head[5] & 16 else 0)
    file.seek(begin)
    first = file.read(MP3_HEAD_BYTES)
    if len(first) < MP3_HEAD_BYTES or first[0] != 0xFF or first[1] & 0xE0 != 0xE0:
        return 0
    at = max(first.find(b"Xing", 0, 48), first.find(b"Info", 0, 48))
    if at < 0:
        return 0
    flags = unpack_from(">I", first, at + 4)[0]
    return begin + _known(unpack_from(">I", first, at + 8 + 4 * (flags & 1))[0] if flags & 2 else 0)


def _check_ogg(file: BinaryIO, size: int) -> str:
    """The last page must be complete and marked as the last."""
    file.seek(max(0, size - MAX_OGG_PAGE_BYTES))
    end = file.read(MAX_OGG_PAGE_BYTES)
    at = end.rfind(b"OggS\0")
    if at < 0:
        return ""
    page = end[at:]
    count = page[26] if len(page) > 26 else 256
    complete = len(page) >= 27 + count + sum(page[27 : 27 + count])
    return "" if complete and page[5] & 4 else "its end is missing"

"""Any file's sound as a stream of samples, read with ffmpeg alone and without trusting the file."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.sound.song_audio import song_source

RATE = 22_050
"""Samples per second that everything is heard at: treble up to 11 kHz."""
SILENCE = 120.0  # seconds that ffmpeg may need for one block
BLOCK = 1 << 18  # bytes
Samples = NDArray[np.float32]


def check_song(path: Path, key: str) -> None:
    """Raise InputError, naming the setting ``key``, unless ``path`` is a file that can be opened."""
    if path.is_dir():
        raise InputError(f"{key}={path}: that is a folder, not a song")
    if not path.is_file():
        raise InputError(f"{key}={path}: there is no such file")
    if not os.access(path, os.R_OK):
        raise InputError(f"{key}={path}: it cannot be read: permission denied")


@dataclass
class Decoder:
    """The first sound track of ``path``, mixed to one channel; second 0 is where the file's clock begins.

    ``damage`` says, once ``blocks`` has ended, what ffmpeg complained of; what it could read was handed out.
    """

    path: Path
    rate: int = RATE
    damage: str = field(default="", init=False)

    def blocks(self) -> Iterator[Samples]:
        """The samples, in -1 to 1, ``RATE`` a second. Raises InputError when there is not one."""
        chain = f"aresample={self.rate}:async=1:first_pts=0,aformat=sample_fmts=flt:channel_layouts=mono"
        arguments = [*song_source(self.path), "-map", "0:a:0", "-af", chain, "-f", "f32le", "pipe:1"]
        process = ffmpeg.Process(arguments, doing=f"reading {self.path}", failure=InputError)
        some = False
        try:
            while data := process.read(BLOCK, SILENCE):
                samples = np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(np.float32)
                some = some or bool(len(samples))
                yield np.nan_to_num(samples, posinf=0.0, neginf=0.0).clip(-8, 8)
            failed = process.wait(SILENCE) != 0 or bool(process.messages().strip())
            said = str(process.failed()).rpartition("ffmpeg said: ")[2] if failed else ""
        finally:
            process.kill()
        if not some:
            raise InputError(
                f"{self.path} holds no sound that can be read" + (f"; ffmpeg said: {said}" if said else "")
            )
        self.damage = said


NEAR = 256  # bytes from where a frame of an MP3 begins, within which its counts of frames and bytes stand
PAGE = 65_307  # bytes that a page of Ogg has at most
CHUNKS = 1000  # of a WAV, that are looked at
UNKNOWN = 0x7FFF_F000  # from here on a size was written before it was known


def missing(path: Path) -> str:
    """What is missing at the end of a WAV, AIFF, MP3 or Ogg file, as half a sentence; empty where nothing is, or
    nothing is known. Only lengths are read, and none is trusted.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            if head.startswith(b"OggS"):
                return _last_page(file, size)
            if head[:4] == b"RIFF" and head[8:] == b"WAVE":
                said = _of_wave(file)
            elif head[:4] == b"FORM" and head[8:11] == b"AIF":
                said = 8 + _known(unpack_from(">I", head, 4)[0])
            else:
                said = _of_mp3(file, head)
    except OSError:
        return ""
    return f"of the {said} bytes that it counts {said - size} are missing" if said > size + 1 else ""


def _known(size: int) -> int:
    return size if size < UNKNOWN else 0


def _of_wave(file: BinaryIO) -> int:
    """Where the samples end."""
    place = 12
    for _ in range(CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        length = _known(unpack_from("<I", head, 4)[0])
        if head[:4] == b"data":
            return place + 8 + length
        place += 8 + length + length % 2
    return 0


def _of_mp3(file: BinaryIO, head: bytes) -> int:
    """Where the last frame ends, by the count in the first (Xing's, as LAME and ffmpeg write it); 0 without one."""
    begin = 0
    if head.startswith(b"ID3") and len(head) > 9:
        a, b, c, d = (byte & 127 for byte in head[6:10])
        begin = 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if head[5] & 16 else 0)
    file.seek(begin)
    first = file.read(NEAR)
    if len(first) < NEAR or first[0] != 0xFF or first[1] & 0xE0 != 0xE0:
        return 0
    place = max(first.find(b"Xing", 0, 48), first.find(b"Info", 0, 48))
    if place < 0:
        return 0
    flags = unpack_from(">I", first, place + 4)[0]
    counted = unpack_from(">I", first, place + 8 + 4 * (flags & 1))[0] if flags & 2 else 0
    return begin + _known(counted)


def _last_page(file: BinaryIO, size: int) -> str:
    """An Ogg file's last page is whole and says that it is the last."""
    file.seek(max(0, size - PAGE))
    end = file.read(PAGE)
    place = end.rfind(b"OggS\0")
    if place < 0:
        return ""
    page = end[place:]
    count = page[26] if len(page) > 26 else 256
    whole = len(page) >= 27 + count + sum(page[27 : 27 + count])
    return "" if whole and page[5] & 4 else "its end is missing"

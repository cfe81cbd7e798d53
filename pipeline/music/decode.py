"""Any file's sound as a stream of samples, read with ffmpeg alone and without trusting the file."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.soundtrack import song_source

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
    damage: str = field(default="", init=False)

    def blocks(self) -> Iterator[Samples]:
        """The samples, in -1 to 1, ``RATE`` a second. Raises InputError when there is not one."""
        chain = f"aresample={RATE}:async=1:first_pts=0,aformat=sample_fmts=flt:channel_layouts=mono"
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

"""The newest frame of a camera, or of a clip that plays in real time and in a loop. Never waits for the next one."""

import logging
import re
import stat
import sys
import threading
from pathlib import Path

import numpy as np
from torch import Tensor

from pipeline.errors import ConfigError, InputError
from pipeline.image import from_array
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import FIRST_VIDEO, source

log = logging.getLogger(__name__)

FIRST_FRAME_SECONDS = 20.0  # that a camera may need to start
SILENCE_SECONDS = 10.0  # after which a camera counts as lost
RETRY_SECONDS = 2.0  # before a lost camera is opened again


def input_arguments(written: str) -> list[str]:
    """ffmpeg's input arguments for a camera (``/dev/video0``, a number, a name) or a clip. Raises ConfigError."""
    path = Path(written)
    if path.is_file():
        return ["-re", "-stream_loop", "-1", *source(path)]
    if sys.platform == "darwin":
        return ["-f", "avfoundation", "-framerate", "30", "-i", f"{written}:none"]
    if sys.platform == "win32":
        return ["-f", "dshow", "-i", f"video={written}"]
    device = Path(f"/dev/video{written}" if re.fullmatch(r"\d{1,3}", written) else written)
    if not re.fullmatch(r"/dev/video\d{1,3}", str(device)):
        raise ConfigError("source.path", written, "a camera is a number, a device such as /dev/video0, or a clip")
    if not device.exists() or not stat.S_ISCHR(device.stat().st_mode):
        there = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "none"
        raise ConfigError("source.path", written, f"there is no such camera; this machine has {there}")
    return ["-f", "v4l2", "-i", str(device)]


class VideoInput:
    """Reads frames of ``size`` (width, height), cut to its shape, from a thread while it is entered.

    Entering waits for the first frame. Raises ConfigError, InputError.
    """

    def __init__(self, written: str, size: tuple[int, int]) -> None:
        width, height = self._size = size
        cover = f"scale={width}:{height}:force_original_aspect_ratio=increase:out_range=pc:flags=bicubic"
        chain = f"{cover},format=rgb24,crop={width}:{height},setsar=1"
        self._arguments = [*input_arguments(written), "-map", FIRST_VIDEO, "-an", "-vf", chain]
        self._arguments += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
        self._written, self._newest, self._error = written, b"", ""
        self._ready, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="video input", daemon=True)

    def __enter__(self) -> "VideoInput":
        self._thread.start()
        if not self._ready.wait(FIRST_FRAME_SECONDS) or not self._newest:
            self._over.set()
            raise InputError(self._error or f"source.path={self._written}: the camera sends no picture")
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(5)

    def newest(self) -> Tensor:
        """The newest frame ``(1, 3, H, W)`` in [0, 1], on the CPU."""
        width, height = self._size
        levels = np.frombuffer(self._newest, np.uint8).reshape(height, width, 3)
        return from_array(levels.astype(np.float32) / np.float32(255))

    def _run(self) -> None:
        block, doing = self._size[0] * self._size[1] * 3, f"reading {self._written}"
        while not self._over.is_set():
            try:
                for data in ffmpeg.stream(self._arguments, block=block, doing=doing, timeout=SILENCE_SECONDS):
                    self._newest = data
                    self._ready.set()
                    if self._over.is_set():
                        return
                self._error = f"source.path={self._written}: it ended"
            except InputError as error:
                self._error = str(error)
            if not self._ready.is_set():
                self._ready.set()
                return
            log.warning(f"the camera is lost, its last picture stays: {self._error}", extra={"once": True})
            self._over.wait(RETRY_SECONDS)

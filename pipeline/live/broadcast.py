"""The live picture as a video: MPEG-TS by UDP, a v4l2 loopback device, or a file. It never slows the dream."""

import logging
import re
import stat
import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from queue import Empty, Full, Queue

from torch import Tensor

from pipeline.errors import ConfigError, RenderError
from pipeline.image import resize
from pipeline.media.encode.encode_args import BT709
from pipeline.media.encode.frame_pipe import FramePipe
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.runtime.files import check_writable

log = logging.getLogger(__name__)

WAITING_FRAMES = 4  # of more the next ones are left out
ALLOWED = "write udp://127.0.0.1:5000, a device such as /dev/video9, or a file that ends in .ts or .mkv"
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1")
SUFFIXES = {".ts": "mpegts", ".mkv": "matroska"}
PACKET_BYTES = 1316  # seven MPEG-TS packets, which fit into one Ethernet frame


def output_arguments(out: str, fps: Fraction, *, overwrite: bool) -> list[str]:
    """ffmpeg's arguments for ``live.out``. Raises ConfigError for another kind, OutputError where it cannot write."""
    address = re.fullmatch(r"udp://([\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", out)
    h264 = [*H264, "-g", str(max(1, round(fps)))]
    if address and 0 < int(address[2]) < 65536:
        return [*h264, "-f", "mpegts", f"{out}?pkt_size={PACKET_BYTES}"]
    path = Path(out)
    if re.fullmatch(r"/dev/video\d{1,3}", out):
        if not path.exists() or not stat.S_ISCHR(path.stat().st_mode):
            raise ConfigError("live.out", out, "there is no such device; the kernel module v4l2loopback makes one")
        return ["-f", "v4l2", out]
    if "://" in out or path.suffix.lower() not in SUFFIXES:
        raise ConfigError("live.out", out, ALLOWED)
    check_writable(path, overwrite=overwrite, key="live.out=")
    return [*h264, "-f", SUFFIXES[path.suffix.lower()], "-y", f"file:{path}"]


class Broadcast:
    """Sends frames of ``size`` (width, height) at an even rate, from a thread while it is entered."""

    def __init__(
        self,
        out: str,
        size: tuple[int, int],
        fps: Fraction,
        *,
        overwrite: bool = False,
        arguments: Sequence[str] | None = None,
        waiting: int = WAITING_FRAMES,
    ) -> None:
        """``arguments`` of ffmpeg take the place of those for ``out``; ``waiting`` frames may wait to be sent."""
        self._arguments = [
            *("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{size[0]}x{size[1]}"),
            *("-framerate", str(fps), "-protocol_whitelist", "pipe", "-i", "pipe:0"),
            "-an",
            *(arguments or ("-vf", BT709.format("yuv420p"), *output_arguments(out, fps, overwrite=overwrite))),
        ]
        self._out, self._size = out, size
        self._queue: Queue[tuple[Tensor, int] | None] = Queue(waiting)
        self._thread = threading.Thread(target=self._run, name="live output", daemon=True)

    def __enter__(self) -> "Broadcast":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._queue.put(None, timeout=5)
        except Full:
            return
        self._thread.join(10)

    def show(self, frame: Tensor, count: int) -> None:
        """``frame`` ``(1, 3, H, W)`` in [0, 1] lasts ``count`` frames. Returns at once."""
        try:
            self._queue.put_nowait((frame, count))
        except Full:
            log.warning(f"{self._out} takes frames too slowly; some are left out", extra={"once": True})

    def _run(self) -> None:
        width, height = self._size
        try:
            pipe = FramePipe(self._arguments, frame_bytes=width * height * 3, doing=f"sending to {self._out}", finish=5)
            try:
                while (item := self._queue.get()) is not None:
                    data = to_bytes(resize(item[0], (height, width)))
                    for _ in range(item[1]):
                        pipe.write(data)
                pipe.close()
            finally:
                pipe.abort()
        except RenderError as error:
            log.warning(f"live.out ended: {error}")
            self._drain()

    def _drain(self) -> None:
        """Take frames that nobody sees, so that leaving does not wait."""
        while True:
            try:
                if self._queue.get(timeout=60) is None:
                    return
            except Empty:
                continue

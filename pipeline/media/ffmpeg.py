"""Runs ffmpeg: each process in its own group, with timeouts and with its last messages in every error.

The group keeps Ctrl-C in the terminal from ffmpeg: the program decides what happens to a half-written file. A thread
drains stderr into a bounded buffer, because a full pipe would block ffmpeg.
"""

import os
import re
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache

import imageio_ffmpeg

from pipeline.errors import EncoderError, InputError, RenderError

MAX_LOG_BYTES = 8192  # of ffmpeg's messages; eight times as many at other log levels than "error"
MAX_SILENCE_SECONDS = 120.0  # ffmpeg may need as long for one frame
PREFIXES = re.compile(r"^(\[[^][]*\] *)+|\[[^][]*@ 0x[0-9a-f]+\] *", re.MULTILINE)
USELESS_LINES = re.compile(
    r"^(Conversion failed!|Task finished with|Terminating|To ignore this|Exiting |Last message rep|"
    r"Error (submitting|processing) packet|Error while opening encoder|Could not open encoder before EOF|"
    r"Nothing was written into output file|Error (opening|parsing options for) (in|out)put files?\b)"
)


@cache
def binary() -> str:
    """The path of the ffmpeg program. Raises RenderError when there is none."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise RenderError(
            "ffmpeg is missing: reinstall imageio-ffmpeg, or name a program in IMAGEIO_FFMPEG_EXE"
        ) from error


@cache
def version() -> str:
    """ffmpeg's version, such as ``9.0.2``; for builds without a number, the word they use."""
    word = run(["-version"], doing="asking ffmpeg for its version").decode("utf-8", "replace").split()[2]
    number = re.match(r"n?(\d+(?:\.\d+)+)", word)
    return number[1] if number else word


def run(
    arguments: Sequence[str],
    *,
    doing: str,
    timeout: float = 60.0,
    input: bytes | None = None,
    failure: type[RenderError] = EncoderError,
) -> bytes:
    """Run ffmpeg to its end and return its standard output.

    ``doing`` begins the error ("reading clip.mp4"), ``timeout`` is in seconds. Raises ``failure`` when ffmpeg fails
    or takes longer.
    """
    return run_with_log(arguments, doing=doing, timeout=timeout, input=input, failure=failure)[0]


def run_with_log(
    arguments: Sequence[str],
    *,
    doing: str,
    timeout: float = 60.0,
    input: bytes | None = None,
    failure: type[RenderError] = InputError,
    level: str = "error",
) -> tuple[bytes, str]:
    """As ``run``, but returns (standard output, the end of ffmpeg's messages at log ``level``)."""
    stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
    process = Process(arguments, doing=doing, failure=failure, stdin=stdin, level=level)
    try:
        output, _ = process.popen.communicate(input, timeout)
        if process.wait(timeout):
            raise process.error()
        return output, process.messages()
    except subprocess.TimeoutExpired:
        process.kill()
        raise process.error(f"ffmpeg needed more than {timeout:g} s and was stopped") from None
    finally:
        process.kill()


def stream(arguments: Sequence[str], *, block: int, doing: str, timeout: float = 60.0) -> Iterator[bytes]:
    """Blocks of exactly ``block`` bytes of ffmpeg's standard output, until it ends.

    Raises InputError when ffmpeg fails, stops within a block or sends nothing for ``timeout`` seconds. Closing the
    iterator early ends ffmpeg.
    """
    process = Process(arguments, doing=doing, failure=InputError)
    try:
        while data := process.read(block, timeout):
            if len(data) < block:
                process.wait(timeout)
                raise process.error()
            yield data
        if process.wait(timeout):
            raise process.error()
    finally:
        process.kill()


class Process:
    """One running ffmpeg; ``popen.stdin`` and ``popen.stdout`` are unbuffered."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        doing: str,
        failure: type[RenderError],
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        level: str = "error",
    ) -> None:
        command = [binary(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", level]
        self.doing, self._failure = doing, failure
        self._max_log = MAX_LOG_BYTES if level == "error" else 8 * MAX_LOG_BYTES
        self._log = bytearray()
        # Our own pipe for stderr, so that Popen.communicate leaves the messages to the thread.
        messages, stderr = os.pipe()
        try:
            self.popen = subprocess.Popen(
                [*command, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, "SVT_LOG": "1"},  # else the AV1 encoder's greeting would be the last message
            )
        except (OSError, ValueError) as error:
            os.close(messages)
            raise failure(f"{doing} failed: ffmpeg cannot be started: {error}") from error
        finally:
            os.close(stderr)
        self._reader = threading.Thread(target=self._drain, args=(messages,), daemon=True)
        self._reader.start()

    def read(self, size: int, timeout: float) -> bytes:
        """The next ``size`` bytes of standard output, fewer at its end; ``timeout`` in seconds."""
        assert self.popen.stdout is not None
        pipe, data = self.popen.stdout.fileno(), bytearray()
        while len(data) < size:
            if not select.select([pipe], [], [], timeout)[0]:
                self.kill()
                raise self.error(f"ffmpeg sent nothing for {timeout:g} s and was stopped")
            piece = os.read(pipe, min(size - len(data), 1 << 20))
            if not piece:
                break
            data += piece
        return bytes(data)

    def lines(self) -> Iterator[str]:
        """Lines of standard output as they arrive. Raises the failure when none arrives for long."""
        rest = b""
        while piece := self.read(4096, MAX_SILENCE_SECONDS):
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)

    def wait(self, timeout: float) -> int:
        """The exit code, with all messages read; subprocess.TimeoutExpired after ``timeout`` seconds."""
        code = self.popen.wait(timeout)
        self._reader.join(5.0)
        return code

    def kill(self) -> None:
        """End ffmpeg's whole group and close its pipes. May be repeated; the messages stay."""
        if self.popen.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()
        self._reader.join(5.0)
        if self.popen.stdout is not None:
            self.popen.stdout.close()

    def messages(self) -> str:
        """The end of ffmpeg's messages."""
        return self._log.decode("utf-8", "replace")

    def last_words(self) -> str:
        """The last two messages that give a reason, or an empty string."""
        lines = list(dict.fromkeys(line.strip() for line in PREFIXES.sub("", self.messages()).splitlines()))
        lines = [line for line in lines if line]
        return "; ".join(([line for line in lines if not USELESS_LINES.search(line)] or lines)[-2:])[-400:]

    def error(self, what: str = "") -> RenderError:
        """The error for a stopped ffmpeg: one sentence that ends with its last messages."""
        words = self.last_words()
        reason = f" failed: {what}" if what else " failed"
        end = f"ffmpeg said: {words}" if words else f"ffmpeg ended with {self.popen.returncode}"
        if self.popen.returncode == -getattr(signal, "SIGXFSZ", 0):
            end = "the system's limit on the size of a file is reached (ulimit -f)"
        return self._failure(f"{self.doing}{reason}; {end}")

    def _drain(self, messages: int) -> None:
        with os.fdopen(messages, "rb", buffering=0) as pipe:
            while piece := pipe.read(4096):
                self._log += piece
                del self._log[: -self._max_log]

"""The one place where ffmpeg is started: always in a process group of its own, always watched.

A group of its own keeps Ctrl-C in the terminal from ffmpeg: the program decides what happens to a
half-written file. ffmpeg's messages are drained by a thread into a bounded tail, since a full
pipe would stop it, and its last words end every error.
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

TAIL = 8192  # bytes of ffmpeg's messages that are kept
EMPTY_WORDS = re.compile(
    r"^(Conversion failed!|Task finished with|Terminating thread|To ignore this|Exiting |"
    r"Error while opening encoder|Could not open encoder before EOF|Nothing was written into output file|"
    r"Error (opening|parsing options for) (in|out)put files?\b)"
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
    words = run(["-version"], doing="asking ffmpeg for its version").decode("utf-8", "replace")
    word = words.split()[2]
    number = re.match(r"n?(\d+(?:\.\d+)+)", word)
    return number.group(1) if number else word


def run(
    arguments: Sequence[str],
    *,
    doing: str,
    timeout: float = 60.0,
    input: bytes | None = None,
    failure: type[RenderError] = EncoderError,
) -> bytes:
    """Run ffmpeg to its end and return its standard output.

    ``doing`` begins the error ("reading clip.mp4"), ``timeout`` is in seconds. Raises ``failure``
    when ffmpeg fails or takes longer.
    """
    return inspect(arguments, doing=doing, timeout=timeout, input=input, failure=failure)[0]


def inspect(
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
            raise process.failed()
        return output, process.messages()
    except subprocess.TimeoutExpired:
        process.kill()
        raise process.failed(f"ffmpeg needed more than {timeout:g} s and was stopped") from None
    finally:
        process.kill()


def stream(arguments: Sequence[str], *, block: int, doing: str, timeout: float = 60.0) -> Iterator[bytes]:
    """Blocks of exactly ``block`` bytes of ffmpeg's standard output, until it ends.

    Raises InputError when ffmpeg fails, stops within a block or is silent for ``timeout`` seconds.
    An iterator that is closed early ends its ffmpeg.
    """
    process = Process(arguments, doing=doing, failure=InputError)
    try:
        while data := process.read(block, timeout):
            if len(data) < block:
                process.wait(timeout)
                raise process.failed()
            yield data
        if process.wait(timeout):
            raise process.failed()
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
        self._keep = TAIL if level == "error" else 8 * TAIL
        self._tail = bytearray()
        # A pipe of our own, so that Popen.communicate leaves the messages to the thread.
        messages, theirs = os.pipe()
        try:
            self.popen = subprocess.Popen(
                [*command, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=theirs,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, "SVT_LOG": "1"},  # else the AV1 encoder's greetings would be the last words
            )
        except (OSError, ValueError) as error:
            os.close(messages)
            raise failure(f"{doing} failed: ffmpeg cannot be started: {error}") from error
        finally:
            os.close(theirs)
        self._drain = threading.Thread(target=self._listen, args=(messages,), daemon=True)
        self._drain.start()

    def read(self, size: int, timeout: float) -> bytes:
        """The next ``size`` bytes of standard output, fewer at its end; ``timeout`` in seconds."""
        assert self.popen.stdout is not None
        pipe, data = self.popen.stdout.fileno(), bytearray()
        while len(data) < size:
            if not select.select([pipe], [], [], timeout)[0]:
                self.kill()
                raise self.failed(f"ffmpeg sent nothing for {timeout:g} s and was stopped")
            piece = os.read(pipe, min(size - len(data), 1 << 20))
            if not piece:
                break
            data += piece
        return bytes(data)

    def wait(self, timeout: float) -> int:
        """The exit code, all messages read; subprocess.TimeoutExpired after ``timeout`` seconds."""
        code = self.popen.wait(timeout)
        self._drain.join(5.0)
        return code

    def kill(self) -> None:
        """End ffmpeg's whole group, close its pipes, forget nothing it said. May be repeated."""
        if self.popen.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()
        self._drain.join(5.0)
        if self.popen.stdout is not None:
            self.popen.stdout.close()

    def messages(self) -> str:
        """The end of what ffmpeg said."""
        return self._tail.decode("utf-8", "replace")

    def failed(self, what: str = "") -> RenderError:
        """The error for a stopped ffmpeg: one sentence that ends with its own last words."""
        lines = re.sub(r"\[[^][]*@ 0x[0-9a-f]+\] *", "", self.messages()).splitlines()
        spoken = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
        useful = [line for line in spoken if not EMPTY_WORDS.search(line)] or spoken
        words = "; ".join(useful[-2:])[-400:]
        reason = f" failed: {what}" if what else " failed"
        said = f"ffmpeg said: {words}" if words else f"ffmpeg ended with {self.popen.returncode}"
        return self._failure(f"{self.doing}{reason}; {said}")

    def _listen(self, messages: int) -> None:
        with os.fdopen(messages, "rb", buffering=0) as pipe:
            while piece := pipe.read(4096):
                self._tail += piece
                del self._tail[: -self._keep]

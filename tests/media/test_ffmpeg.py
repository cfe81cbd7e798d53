"""Every ffmpeg is watched: its messages are read, its group is its own, and it always ends."""

import time
from pathlib import Path

import pytest

from pipeline.errors import EncoderError, InputError
from pipeline.media import ffmpeg
from tests.media.children import ffmpeg_children

ENDLESS = ["-f", "lavfi", "-i", "testsrc2=size=64x48", "-f", "rawvideo", "pipe:1"]


def test_version_is_a_number() -> None:
    assert int(ffmpeg.version().split(".")[0]) >= 6


def test_output_and_input_pass_through() -> None:
    copy = ["-f", "data", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "data", "pipe:1"]
    assert ffmpeg.run(copy, doing="copying", input=b"dream" * 9000) == b"dream" * 9000


def test_failure_is_one_sentence_ending_with_ffmpegs_words(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"^opening failed; ffmpeg said: .") as caught:
        ffmpeg.run(["-i", f"file:{tmp_path / 'absent'}", "-f", "null", "-"], doing="opening")
    assert "\n" not in str(caught.value) and " @ 0x" not in str(caught.value)


def test_failure_has_the_given_type() -> None:
    with pytest.raises(InputError):
        ffmpeg.run(["-i", "file:absent", "-f", "null", "-"], doing="opening", failure=InputError)


def test_an_endless_run_is_stopped() -> None:
    began = time.monotonic()
    silent = ["-re", *ENDLESS[:-3], "-f", "null", "-"]
    with pytest.raises(EncoderError, match=r"drawing failed: ffmpeg needed more than 0\.3 s"):
        ffmpeg.run(silent, doing="drawing", timeout=0.3)
    assert time.monotonic() - began < 5
    assert not ffmpeg_children()


def test_stream_gives_full_blocks_and_ends_ffmpeg() -> None:
    blocks = ffmpeg.stream(ENDLESS, block=64 * 48 * 3 // 2, doing="drawing")
    assert [len(next(blocks)) for _ in range(3)] == [64 * 48 * 3 // 2] * 3
    blocks.close()  # type: ignore[attr-defined]
    assert not ffmpeg_children()


def test_stream_refuses_a_partial_block() -> None:
    once = [*ENDLESS[:-3], "-frames:v", "1", *ENDLESS[-3:]]
    with pytest.raises(InputError, match="drawing failed"):
        list(ffmpeg.stream(once, block=1000, doing="drawing"))


def test_stream_has_a_timeout() -> None:
    silent = ["-re", "-f", "lavfi", "-i", "anullsrc", "-f", "null", "-"]
    with pytest.raises(InputError, match=r"sent nothing for 0\.2 s"):
        next(ffmpeg.stream(silent, block=10, doing="listening", timeout=0.2))
    assert not ffmpeg_children()


def test_a_missing_program_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "binary", lambda: "/nowhere/ffmpeg")
    with pytest.raises(EncoderError, match="ffmpeg cannot be started"):
        ffmpeg.run(["-version"], doing="asking")


def test_messages_are_bounded() -> None:
    loud = [*ENDLESS[:-3], "-vf", "showinfo", "-frames:v", "900", "-f", "null", "-"]
    _, text = ffmpeg.run_with_log(loud, doing="drawing", level="info")
    assert len(text) <= 8 * ffmpeg.MAX_LOG_BYTES and "899" in text

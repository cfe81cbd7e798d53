"""Notes are printed once per handler, on one line, and only while the handler is attached."""

import io
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.progress import MIN_SECONDS, LossyStream, NoteHandler, Progress, notes_to
from tests.quick import QUICK

log = logging.getLogger("pipeline.test")


def test_notes_are_printed_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with notes_to(NoteHandler()):
        log.info("a file\n\x1b[2J.mp4")
    log.info("nobody reads this")
    assert capsys.readouterr().err == "note: a file  [2J.mp4\n"


def test_once_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    with notes_to(NoteHandler()):
        for _ in range(2):
            log.info("small", extra={"once": True})
            log.warning("again")
    assert capsys.readouterr().err.splitlines() == ["note: small", "note: again", "note: again"]


def test_root_handlers_do_not_repeat_notes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with notes_to(logging.NullHandler()):
        log.info("hidden")
    log.info("shown")
    assert caplog.messages == ["shown"]


def test_progress_prints_a_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(3, "film", done=1) as progress:
        progress.step(rendered=False)
        assert progress.rate() is None
        progress.step("class:owl")
    assert capsys.readouterr().err.startswith("film 3/3, ")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that have passed, to be changed."""
    seconds = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])
    return seconds


@given(st.integers(6, 500), st.floats(0.01, 2.9), st.integers(0, 60))
@QUICK
def test_time_left_counts_hidden_dreams(total: int, pace: float, hidden: int) -> None:
    """A dream takes ``pace`` seconds, hidden or not: the estimate is exact from the first one on."""
    with pytest.MonkeyPatch.context() as patch:
        now = [0.0]
        patch.setattr("time.monotonic", lambda: now[0])
        with Progress(total, "film", before={0: float(hidden), 5: 2.0}) as progress:
            assert progress.seconds_left() is None
            for number in range(hidden):
                now[0] += pace
                progress.hidden(1.0)
                expected = (total + 2 + hidden - number - 1) * pace
                assert progress.seconds_left() == (pytest.approx(expected) if now[0] >= MIN_SECONDS else None)
            for index in range(5):
                now[0] += pace
                progress.step(index=index)
            assert progress.seconds_left() == pytest.approx((total - 5 + 2) * pace)
            now[0] += 3 * pace
            progress.step(index=5)
            assert progress.seconds_left() == pytest.approx((total - 6) * pace)


def test_frames_of_an_earlier_run_do_not_count_for_the_estimate(clock: list[float]) -> None:
    with Progress(20, "film") as progress:
        for _ in range(10):
            progress.step(rendered=False)
        assert progress.seconds_left() is None
        for _ in range(5):
            clock[0] += 2
            progress.step()
        assert progress.seconds_left() == pytest.approx(10)


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_lossy_stream_drops_what_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    stream = LossyStream(Broken())
    assert stream.write("text") == 4
    stream.flush()
    print("kept", file=LossyStream(sys.stdout))
    assert capsys.readouterr().out == "kept\n"
